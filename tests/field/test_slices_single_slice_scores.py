"""google-deepmind/surface-distance issue 14: what is the spacing of a 2D image?

A single slice was scored in 3D from files, where every voxel is border, and in 2D from arrays.
One slice is 2D, whichever axis is thin, in files and arrays, in any order in memory.
"""

import numpy as np
import pytest
from command_line import vbench as command
from nnunet_folders import write_volume

import vbench

RNG = np.random.default_rng(3)
TRUTH = np.zeros((30, 26), bool)
TRUTH[4:20, 5:17] = True
TRUTH[9:12, 8:12] = False
PRED = np.roll(TRUTH, (3, 2), (0, 1)) & (RNG.random(TRUTH.shape) < 0.97)
EDGES = (0.5, 0.7)
PLANE = vbench.score(PRED, TRUTH, EDGES)


def thick(array, axis, order="C"):
    return np.asarray(np.expand_dims(array, axis), order=order)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("trailing", [0, 1, 2])
def test_arrays(axis, order, trailing):
    pred, truth = (thick(m, axis, order) for m in (PRED, TRUTH))
    pred, truth = (m.reshape(m.shape + (1,) * trailing) for m in (pred, truth))
    edges = [*EDGES[:axis], 3.0, *EDGES[axis:]]
    assert vbench.score(pred, truth, edges) == PLANE
    assert vbench.score(pred, truth, edges + [1.0] * trailing) == PLANE
    assert vbench.score(pred, truth, EDGES) == PLANE


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_files(tmp_path, axis):
    edges = (*EDGES[:axis], 3.0, *EDGES[axis:])
    files = [
        write_volume(tmp_path / f"{name}.nii.gz", thick(mask, axis, "F").astype(np.uint8), edges)
        for name, mask in (("pred", PRED), ("truth", TRUTH))
    ]
    assert vbench.score(*files) == pytest.approx(PLANE, rel=1e-6)
    answer = command("score", "--pred", files[0], "--truth", files[1], "--metric", "hd95")
    assert f"{PLANE['hd95']:.4g}" in answer.out


def test_a_file_of_two_axes_against_one_of_three(tmp_path):
    pred = write_volume(tmp_path / "pred.nii.gz", PRED.astype(np.uint8), (*EDGES, 1))
    truth = write_volume(tmp_path / "truth.nii.gz", thick(TRUTH, 2).astype(np.uint8), (*EDGES, 1))
    assert vbench.score(pred, truth) == pytest.approx(PLANE, rel=1e-6)


def test_inner_voxels_of_a_slice_are_no_border():
    moved = np.roll(TRUTH, 6, 0)
    pair = vbench.MaskPair(thick(moved, 2), thick(TRUTH, 2), (1, 1, 1))
    assert len(pair.borders[1]) < TRUTH.sum()
    assert pair.shape == TRUTH.shape


def test_overlays_show_the_plane(tmp_path):
    from PIL import Image

    from vbench.colours import FALSE, FOUND, MISSED
    from vbench.picture import BAND, upright

    for axis in (0, 1, 2):
        edges = (*(1.0,) * axis, 3.0, *(1.0,) * (2 - axis))
        files = [
            write_volume(tmp_path / f"{name}{axis}.nii.gz", thick(m, axis).astype(np.uint8), edges)
            for name, m in (("p", PRED), ("t", TRUTH))
        ]
        shown = tmp_path / f"shown{axis}"
        command(
            "score", "--pred", files[0], "--truth", files[1], "--metric", "dsc", "--overlays", shown
        )
        with Image.open(next(shown.iterdir())) as image:
            picture = np.asarray(image)
        # In its plane, a pixel a voxel, below the letters; what explains the colours is below it.
        width, height = TRUTH.shape
        shown = picture[BAND : BAND + height, :width]
        for colour, mask in (
            (FOUND, PRED & TRUTH),
            (MISSED, TRUTH & ~PRED),
            (FALSE, PRED & ~TRUTH),
        ):
            assert np.array_equal((shown == colour).all(-1), upright(mask))
