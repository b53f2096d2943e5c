"""A mask without a vessel packs better than anything else, and is read, however it is packed.

Source: found in review of vbench: the bound on what a small file may unpack to refused such masks.
"""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from vbench.data.pictures import opened
from vbench.data.stacks import stack_shape
from vbench.errors import DataError

EDGE = 5000


@pytest.mark.parametrize("mode", ["1", "L"])
@pytest.mark.parametrize("packing", ["group4", "zstd", "lzma", "tiff_lzw", "tiff_adobe_deflate"])
def test_it_is_read_in_one_strip(tmp_path: Path, packing: str, mode: str) -> None:
    if (packing, mode) == ("group4", "L"):
        pytest.skip("Group 4 packs one bit a pixel")
    path = tmp_path / "mask.tif"
    PIL.Image.new(mode, (EDGE, EDGE)).save(path, compression=packing, strip_size=1 << 30)
    with opened(path) as picture:
        assert picture.size == (EDGE, EDGE)
    assert stack_shape(path) == (EDGE, EDGE, 1)


@pytest.mark.parametrize("packing", ["group4", "tiff_adobe_deflate"])
def test_a_claim_beyond_its_packing_is_still_refused(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "mask.tif"
    PIL.Image.new("1", (8, 8)).save(path, compression=packing)
    content = path.read_bytes()
    for tag in (256, 257):  # width and height, a long each
        at = content.index(tag.to_bytes(2, "little"), int.from_bytes(content[4:8], "little"))
        kind = int.from_bytes(content[at + 2 : at + 4], "little")
        value = (12000).to_bytes(4 if kind == 4 else 2, "little")
        content = content[: at + 8] + value + content[at + 8 + len(value) :]
    path.write_bytes(content)
    for read in (stack_shape, lambda p: opened(p).__enter__()):
        with pytest.raises(DataError, match="cannot hold them"):
            read(path)
