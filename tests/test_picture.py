"""One way to show volumes: sides, letters and colours, wherever a picture is made."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from vbench.colours import FALSE, FOUND, MISSED
from vbench.data.nifti import write_volume
from vbench.figures.pixels import projection_sheet
from vbench.picture import BAND, lettered, sides, upright

SHAPE = (24, 20, 6)
#: Voxels in RAS: a found one at the patient's right and front, a missed and a false one.
RIGHT, MISS, EXTRA = (21, 17), (2, 17), (12, 3)


def masks():
    truth, prediction = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for at, target in ((RIGHT, (truth, prediction)), (MISS, (truth,)), (EXTRA, (prediction,))):
        for mask in target:
            mask[(*at, 2)] = 1
    return prediction, truth


def at(picture, voxel):
    """Return the colour of a voxel in an upright picture with a band of letters."""
    x, y = voxel
    return tuple(int(v) for v in picture[BAND + SHAPE[1] - 1 - y, SHAPE[0] - 1 - x])


def test_the_right_lies_left_and_the_front_up():
    plane = np.zeros((3, 2))
    plane[2, 1] = 1  # right-most, front-most
    assert upright(plane).tolist() == [[1, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("affine", "axis", "letters"),
    [
        (np.eye(4), 2, ("R", "L")),
        (np.eye(4), 1, ("R", "L")),
        (np.eye(4), 0, ("A", "P")),
        (np.diag([-1.0, 1, 1, 1]), 2, ("L", "R")),
        (np.array([[0.9, 0.2, 0, 0], [-0.2, 0.9, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), 2,
         ("R", "L")),
    ],
    ids=["above", "front", "side", "mirrored", "turned"],
)  # fmt: skip
def test_letters_follow_the_affine(affine, axis, letters):
    assert sides(affine, axis) == letters


@pytest.mark.parametrize("degrees", [30, 45, 46, 60, 89, 135, -45])
@pytest.mark.parametrize("about", [0, 1, 2])
def test_two_views_of_an_oblique_volume_never_share_letters(degrees, about):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    affine = np.eye(4)
    first, second = [axis for axis in range(3) if axis != about]
    affine[[first, first, second, second], [first, second, first, second]] = cos, -sin, sin, cos
    side, front = (frozenset(sides(affine, axis)) for axis in (0, 1))
    assert not side & front


@pytest.mark.parametrize("width", [1, 4, 8, 12, 16, 40])
def test_letters_stand_apart_however_narrow_the_picture(width):
    picture = np.full((5, width, 3), 90, np.uint8)
    both = lettered(picture, ("R", "L"))
    assert (both == 90).all(-1).sum() == 5 * width
    middle = both.shape[1] // 2
    alone = [lettered(picture, letters) for letters in (("R", " "), (" ", "L"))]
    assert np.array_equal(both[:BAND, :middle], alone[0][:BAND, :middle])
    assert np.array_equal(both[:BAND, middle:], alone[1][:BAND, middle:])
    assert both[:BAND, :middle].any()
    assert both[:BAND, middle:].any()


def test_a_vessel_of_another_class_is_not_found(tmp_path):
    from vbench.cli.score import command

    truth = np.zeros(SHAPE, np.uint8)
    truth[RIGHT], truth[MISS] = 1, 1
    prediction = truth.copy()
    prediction[MISS] = 2
    for name, array in (("pred", prediction), ("truth", truth)):
        write_volume(tmp_path / name / "case.nii.gz", array, np.eye(4))
    call = ["--pred", tmp_path / "pred", "--truth", tmp_path / "truth", "--metric", "dsc"]
    for classes, expected in (([], FOUND), (["--classes"], MISSED)):
        place = tmp_path / f"shown{len(classes)}"
        options = [str(word) for word in (*call, *classes, "--overlays", place)]
        assert CliRunner().invoke(command, options).exit_code == 0
        with Image.open(next(place.iterdir())) as image:
            picture = np.asarray(image)
        assert at(picture, RIGHT) == FOUND
        assert at(picture, MISS) == expected


@pytest.mark.parametrize("stored", ["RAS", "LPS"])
def test_score_and_report_show_one_picture(tmp_path, stored):
    from vbench.cli.score import command

    prediction, truth = masks()
    affine = np.eye(4)
    arrays = {"pred": prediction, "truth": truth}
    if stored == "LPS":  # the same patient, stored from left to right and from front to back
        affine = np.diag([-1.0, -1, 1, 1])
        affine[:2, 3] = SHAPE[0] - 1, SHAPE[1] - 1
        arrays = {name: array[::-1, ::-1] for name, array in arrays.items()}
    for name, array in arrays.items():
        write_volume(tmp_path / name / "case.nii.gz", np.ascontiguousarray(array), affine)
    call = ["--pred", tmp_path / "pred", "--truth", tmp_path / "truth", "--metric", "dsc"]
    options = [str(word) for word in (*call, "--overlays", tmp_path / "shown")]
    assert CliRunner().invoke(command, options).exit_code == 0
    (file,) = (tmp_path / "shown").iterdir()
    scored = np.asarray(Image.open(file))

    stack = np.stack([m.max(axis=2) * 255 for m in (truth, truth, prediction)])
    sheet = projection_sheet(stack)
    times = (sheet.shape[0] - BAND) // SHAPE[1]
    errors = sheet[:, -SHAPE[0] * times :]
    reported = np.concatenate([errors[:BAND, : SHAPE[0]], errors[BAND::times, ::times]])

    for picture in (scored, reported):
        assert at(picture, RIGHT) == FOUND
        assert at(picture, MISS) == MISSED
        assert at(picture, EXTRA) == FALSE
    assert scored[:BAND, : SHAPE[0]].any(), "letters"
    assert scored[BAND + SHAPE[1] :].any(), "a legend"
