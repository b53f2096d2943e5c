from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from command_line import vbench
from datasets import save, scene
from vbench_plugins.sources.volumes import Volumes

from vbench.errors import DataError
from vbench.testing import SourceSuite

NAMED = {"image": "raw/{subject}.nii.gz", "label": "seg/{subject}_y.nii.gz"}


def folder(place: Path, n: int = 2) -> Path:
    for i in range(n):
        image, vessel, _ = scene(i)
        save(place / "raw" / f"mv{i}.nii.gz", image)
        save(place / "seg" / f"mv{i}_y.nii.gz", vessel)
    return place


class TestVolumes(SourceSuite):
    plugin = Volumes


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestVolumes.params = {"path": folder(tmp_path_factory.mktemp("volumes")), **NAMED}


def source(path: Path, **params: object) -> Volumes:
    return Volumes(Volumes.Params(path=path, **{**NAMED, **params}))


def test_subjects_are_left_out_by_name(tmp_path: Path) -> None:
    assert source(folder(tmp_path), exclude=["mv0"]).subjects() == ["mv1"]
    with pytest.raises(DataError, match=r"exclude names 'mv9'.*did you mean 'mv[01]'"):
        source(tmp_path, exclude=["mv9"]).subjects()


def test_a_pattern_that_is_none_is_a_fault_of_the_spec(tmp_path: Path) -> None:
    folder(tmp_path)
    options = ("--layout", "volumes", "--set", "label=seg/{subject}_y.nii.gz", "--set")
    answer = vbench("data", "check", tmp_path, *options, "image=raw/*.nii.gz")
    assert answer.code == 2
    assert "image = 'raw/*.nii.gz' names no subject; write {subject}" in answer.err
    assert vbench("data", "check", tmp_path, *options, "image=raw/{subject}.nii.gz").code == 0


TUBES = """ObjectType = Scene
NDims = 3
NObjects = 2
ObjectType = Tube
NDims = 3
ElementSpacing = {spacing}
PointDim = x y z r rn
NPoints = 2
Points =
3 4 2 1.5 0
9 4 2 1.5 0
ObjectType = Tube
ElementSpacing = {spacing}
NPoints = 3
Points =
12 10 3 2
12 10 6 2
12 14 6 2
"""


def tube_set(place: Path, spacing: str = "0.5 0.6 0.8") -> Path:
    """Write an image whose axes point elsewhere, and its tree in voxels of that file."""
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(9, 1, (10, 18, 20)))
    image.SetSpacing((0.5, 0.6, 0.8))
    image.SetOrigin((-20, 30, 7))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    (place / "N1").mkdir(parents=True)
    sitk.WriteImage(image, str(place / "N1" / "a.mha"))
    (place / "N1" / "net.tre").write_text(TUBES.format(spacing=spacing))
    return place


def tubes(place: Path) -> Volumes:
    return source(place, image="N{n}/a.mha", label="N{n}/net.tre")


def test_tubes_are_drawn_where_their_image_has_them(tmp_path: Path) -> None:
    read = tubes(tube_set(tmp_path)).load("1")
    # In the file: x to the left, y to the front; in RAS+ x is mirrored, y is not.
    x, y, z = np.meshgrid(*map(np.arange, (20, 18, 10)), indexing="ij")
    x = 19 - x
    first = (np.abs(x - 6) <= 3) & (np.hypot(0.6 * (y - 4), 0.8 * (z - 2)) < 0.7)
    second = (np.hypot(0.5 * (x - 12), 0.6 * (y - 10)) < 0.9) & (z >= 3) & (z <= 6)
    third = (np.hypot(0.5 * (x - 12), 0.8 * (z - 6)) < 0.9) & (y >= 10) & (y <= 14)
    expected = first | second | third
    assert read.label[expected].mean() > 0.9
    assert expected.sum() > 0.5 * read.label.sum()
    assert read.spacing == pytest.approx((0.5, 0.6, 0.8))
    assert len(tubes(tmp_path).anatomy("1")) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ObjectType = Scene\n", r"no tubes; expected a \.tre file"),
        (TUBES.format(spacing="5 6 8"), r"100% of its points lie outside of a\.mha"),
        (TUBES.format(spacing="1 1"), "ElementSpacing has 2 entries"),
        (TUBES.format(spacing="1 1 1").replace("NPoints = 3", "NPoints = 9"), "from line 15"),
        (TUBES.format(spacing="1 1 1").replace("1.5", "-1"), "a radius is not above 0"),
    ],
)
def test_tubes_that_cannot_be_drawn_are_refused(tmp_path: Path, text: str, message: str) -> None:
    tube_set(tmp_path)
    (tmp_path / "N1" / "net.tre").write_text(text)
    with pytest.raises(DataError, match=message):
        tubes(tmp_path).load("1")


def test_the_spacing_of_stacks_is_given_for_all_or_by_subject(tmp_path: Path) -> None:
    for i in range(2):
        image, vessel, _ = scene(i)
        for name, array in ((f"{i}.tif", image), (f"{i}_y.tif", vessel * np.uint8(255))):
            pages = [PIL.Image.fromarray(page) for page in np.moveaxis(array, 2, 0)]
            pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
    named = {"image": "{n}.tif", "label": "{n}_y.tif"}
    found = source(tmp_path, **named)
    assert [fault.serious for fault in found.listing.faults] == [False]
    assert (
        found.load("1").spacing
        == (1, 1, 1)
        == source(tmp_path, **named, spacing=(1, 1, 1)).load("1").spacing
    )
    by_name = source(tmp_path, **named, spacing={"*": (2, 2, 3), "1": (0.1, 0.1, 0.5)})
    assert (by_name.load("0").spacing, by_name.load("1").spacing) == ((2, 2, 3), (0.1, 0.1, 0.5))
    assert by_name.shape_of("0") == by_name.load("0").image.shape
    assert len(by_name.anatomy("0")) == 2
    with pytest.raises(DataError, match="no entry for '0'; add one"):
        source(tmp_path, **named, spacing={"1": (1, 1, 1)}).load("0")


def test_each_channel_has_a_pattern_of_its_own(tmp_path: Path) -> None:
    for name in "ab":
        image, vessel, _ = scene(0)
        save(tmp_path / f"tof/{name}.nii.gz", image)
        save(tmp_path / f"t1/{name}.nii.gz", 2 * image)
        save(tmp_path / f"seg/{name}.nii.gz", vessel)
    named = {
        "label": "seg/{subject}.nii.gz",
        "image": ["tof/{subject}.nii.gz", "t1/{subject}.nii.gz"],
    }
    two = source(tmp_path, **named)
    two.channel_names = ("TOF", "T1")
    assert two.subjects() == ["a", "b"]
    loaded = two.load("b")
    assert loaded.image.shape == (2, *loaded.label.shape)
    np.testing.assert_array_equal(loaded.image[1], 2 * loaded.image[0])
    with pytest.raises(DataError, match="2 patterns for 1 of `channels`"):
        source(tmp_path, **named).subjects()
    (tmp_path / "t1/a.nii.gz").unlink()
    lacking = source(tmp_path, **named)
    lacking.channel_names = ("TOF", "T1")
    with pytest.raises(DataError, match=r"has no t1/\{subject\}.nii.gz beside it, the channel T1"):
        lacking.subjects()
    for wrong in (["tof/{subject}.nii.gz"] * 2, ["tof/{subject}.nii.gz", "t1/{other}.nii.gz"]):
        with pytest.raises(ValueError, match="image"):
            Volumes.Params(path=tmp_path, **{**named, "image": wrong})
