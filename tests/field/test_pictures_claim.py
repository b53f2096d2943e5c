"""Source: found by `make fuzz`. A GIF of 895 bytes that claims 2580 × 59423 pixels took 3.6 GB."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vbench.data.pictures import picture_shape, read_picture
from vbench.data.stacks import read_stack
from vbench.errors import DataError


def picture(path: Path, size: tuple[int, int] = (24, 20)) -> Path:
    Image.fromarray(np.zeros(size[::-1], np.uint8)).save(path)
    return path


def test_a_picture_that_claims_more_than_its_bytes_can_hold_is_refused(tmp_path: Path) -> None:
    gif = picture(tmp_path / "a.gif")
    raw = bytearray(gif.read_bytes())
    struct.pack_into("<2H", raw, 6, 2580, 59423)
    gif.write_bytes(raw)
    for read in (picture_shape, lambda path: read_picture(path, (1.0, 1.0))):
        with pytest.raises(DataError, match=r"claims 2580 × 59423 pixels in \d+ bytes") as refused:
            read(gif)
        assert "\n" not in str(refused.value)


def test_so_is_a_stack(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.tif")
    raw = bytearray(path.read_bytes())
    entries = struct.unpack_from("<I", raw, 4)[0] + 2
    for tag in range(2):  # width and height, the first two
        struct.pack_into("<HHII", raw, entries + 12 * tag, 256 + tag, 4, 1, 9000)
    path.write_bytes(raw)
    with pytest.raises(DataError, match="claims 9000 × 9000 pixels"):
        read_stack(path, (1.0, 1.0, 1.0))


@pytest.mark.parametrize("ending", ["png", "tif", "gif", "bmp"])
def test_a_large_picture_that_is_all_black_is_read(tmp_path: Path, ending: str) -> None:
    path = picture(tmp_path / f"a.{ending}", (2500, 2000))
    assert read_picture(path, (1.0, 1.0), integer=True).array.shape == (2500, 2000, 1)
