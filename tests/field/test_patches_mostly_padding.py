"""nnU-Net issue 425: what happens if the patch size is larger than some images?

They were padded and trained on all the same. A patch that is mostly padding is refused before any
training, in one line, with the size that fits.
"""

import numpy as np
import pytest
from command_line import vbench
from nnunet_folders import vessels, write_dataset, write_spec

from vbench.data.patches import check_fit
from vbench.errors import DataError

CASES = ("a", "b", "c")


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("verb", ["validate", "plan", "run"])
def test_blocks_of_single_slices(tmp_path, axis, verb):
    labels = {
        case: np.expand_dims(vessels((70, 80), shift), axis) for shift, case in enumerate(CASES)
    }
    data = write_dataset(tmp_path / "d", labels)
    spec = write_spec(tmp_path / "s.toml", data, "[16, 16, 16]")
    more = () if verb == "validate" else ("--out", tmp_path / "out")
    answer = vbench(verb, spec, *more)
    assert answer.code == 2
    lines = [line for line in answer.err.splitlines() if "patches.size" in line]
    assert len(lines) == 1
    assert "93 % of a patch" in lines[0]
    assert "use patches.size = [64, 64]" in lines[0]
    assert vbench("validate", spec, "--set", "patches.size=[64,64]").code == 0


@pytest.mark.parametrize(
    ("shape", "size", "fits"),
    [
        ((300, 300, 1), [16, 16, 16], "[64, 64]"),
        ((1, 300, 300), [16, 16, 16], "[64, 64]"),
        ((300, 300, 3), [16, 16, 16], "[64, 64]"),
        ((300, 300, 6), [16, 16, 16], "[16, 16, 4]"),
        ((300, 5, 300), [32, 32, 32], "[32, 4, 32]"),
        ((300, 300, 1), [512, 512], "[288, 288]"),
        ((20, 20, 20), [64, 64, 64], "[16, 16, 16]"),
        ((3, 3, 1), [16, 16], "leave out volumes that small"),
    ],
)
def test_the_size_that_fits_is_named(shape, size, fits):
    with pytest.raises(DataError) as caught:
        check_fit({"x": shape}, size)
    assert fits in str(caught.value)
    if fits[0] == "[":
        check_fit({"x": shape}, [int(n) for n in fits.strip("[]").split(",")])


@pytest.mark.parametrize(
    ("shape", "size"),
    [((300, 300, 8), [16, 16, 16]), ((300, 300, 40), [48, 48]), ((1, 64, 64), [48, 48])],
)
def test_what_is_mostly_volume_is_accepted(shape, size):
    check_fit({"x": shape}, size)
