import gzip
import shlex
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from PIL import Image
from vbench_plugins.sources.images import Images

from vbench.data.check import faults_of
from vbench.errors import DataError
from vbench.testing import SourceSuite


def picture(seed: int, shape: tuple[int, int] = (40, 50)) -> tuple[np.ndarray, np.ndarray]:
    """Return grey values and vessels ``(rows, columns)``: a bright, lopsided vessel in noise."""
    rng = np.random.default_rng(seed)
    vessel = np.zeros(shape, dtype=bool)
    vessel[5 : 8 + seed % 3, 4:-12] = True
    vessel[5:-6, 10:12] = True
    grey = rng.normal(90, 8, shape) + 100 * vessel
    return grey.clip(0, 255).astype(np.uint8), vessel


def folder(place: Path, n: int = 3, ending: str = "png") -> Path:
    for i in range(n):
        grey, vessel = picture(i, (40 + 4 * i, 50))
        for kind, array in (("images", grey), ("labels", vessel * np.uint8(255))):
            (place / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(place / kind / f"eye{i}.{ending}")
    return place


def source(path: Path, **params: object) -> Images:
    return Images(Images.Params(path=path, **params))


class TestImages(SourceSuite):
    plugin = Images


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestImages.params = {"path": folder(tmp_path_factory.mktemp("pictures")), "pixel_size": 0.01}


def test_a_picture_lies_as_it_looks_and_sizes_may_differ(tmp_path: Path) -> None:
    found = source(folder(tmp_path), pixel_size=(0.02, 0.01))
    assert found.subjects() == ["eye0", "eye1", "eye2"]
    grey, vessel = picture(1, (44, 50))
    read = found.load("eye1")
    assert read.image.shape == found.shape_of("eye1") == (50, 44, 1)
    # x grows to the patient's right, which is shown on the left; y grows upwards.
    np.testing.assert_array_equal(read.image[:, :, 0], grey.T[::-1, ::-1])
    np.testing.assert_array_equal(read.label[:, :, 0], vessel.T[::-1, ::-1])
    assert read.spacing == (0.02, 0.01, 0.01)
    assert found.shape_of("eye0") == (50, 40, 1)


def test_masks_are_found_by_parameters_that_come_out_of_a_record(tmp_path: Path) -> None:
    seen = np.full((40, 50), 255, np.uint8)
    seen[:, :9] = 0
    (folder(tmp_path, 1) / "masks").mkdir()
    Image.fromarray(seen).save(tmp_path / "masks" / "eye0.png")
    stored = Images.Params(path=tmp_path).model_dump(mode="json")
    for found in (source(tmp_path), Images(Images.Params.model_validate(stored))):
        mask = found.load("eye0").mask
        assert mask is not None
        np.testing.assert_array_equal(mask[:, :, 0], seen.T[::-1, ::-1] > 0)


def test_every_usual_format_and_depth_is_read(tmp_path: Path) -> None:
    grey, vessel = picture(0)
    colour = np.stack([grey // 4, grey, grey // 2], axis=-1)
    for kind, array in (
        ("a.png", grey),
        ("b.tif", grey.astype(np.uint16) * 200),
        ("c.tiff", grey.astype(np.float32) / 7),
        ("d.jpg", grey),
        ("e.png", colour),
    ):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "labels").mkdir(exist_ok=True)
        Image.fromarray(array).save(tmp_path / "images" / kind)
        ending = "jpg" if kind == "d.jpg" else "png"
        label = np.repeat(vessel[..., None] * np.uint8(255), 3, axis=2)
        Image.fromarray(label).save(tmp_path / "labels" / f"{kind[0]}.{ending}")
    found = source(tmp_path, channel="grey", pixel_size=1)
    assert [str(f) for f in faults_of(found) if "same voxels" not in f.message] == []
    for name in found.subjects():
        read = found.load(name)
        wrong = (read.label[:, :, 0] != vessel.T[::-1, ::-1]).mean()
        assert wrong < (0.02 if name == "d" else 1e-9)
        assert np.corrcoef(read.image[:, :, 0].ravel(), grey.T[::-1, ::-1].ravel())[0, 1] > 0.95
    green = source(tmp_path, channel="green")
    np.testing.assert_array_equal(green.load("e").image[:, :, 0], grey.T[::-1, ::-1])
    with pytest.raises(DataError, match=r"a\.png: a grey picture has no channel 'green'"):
        green.load("a")
    dark = source(tmp_path, invert=True).load("a")
    assert dark.image[dark.label].mean() < dark.image[~dark.label].mean()


def test_names_as_public_sets_have_them(tmp_path: Path) -> None:
    grey, vessel = picture(0)
    for name, array in {
        "training/images/21_training.tif": grey,
        "training/1st_manual/21_manual1.gif": vessel * np.uint8(255),
        "training/mask/21_training_mask.gif": np.full(grey.shape, 255, np.uint8),
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(tmp_path / name)
    patterns = {
        "image": "training/images/{subject}_training.tif",
        "label": "training/1st_manual/{subject}_manual1.gif",
        "mask": "training/mask/{subject}_training_mask.gif",
    }
    found = source(tmp_path, **patterns)
    assert found.subjects() == ["21"]
    assert found.load("21").mask.all()
    with pytest.raises(DataError, match=r"has no label labels/21_training\.\*;"):
        source(tmp_path, image="training/images/{subject}").subjects()
    with pytest.raises(DataError, match="no mask is named mask/"):
        source(tmp_path, **{**patterns, "mask": "mask/{subject}"}).subjects()
    with pytest.raises(ValueError, match="leads out of"):
        source(tmp_path, image="../{subject}")
    with pytest.raises(ValueError, match="image = 'images' names no subject"):
        Images.Params(path=tmp_path, image="images")


def test_packed_pictures_are_unpacked(tmp_path: Path) -> None:
    folder(tmp_path, 2, "ppm")
    for file in sorted(tmp_path.glob("*/*.ppm")):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    found = source(tmp_path)
    np.testing.assert_array_equal(
        found.load("eye1").label[:, :, 0], picture(1, (44, 50))[1].T[::-1, ::-1]
    )
    assert found.shape_of("eye1") == (50, 44, 1)
    damaged = tmp_path / "images" / "eye1.ppm.gz"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"eye1\.ppm\.gz: not a picture.*ends too early"):
        found.load("eye1")


def test_a_table_names_pictures_anywhere(tmp_path: Path) -> None:
    folder(tmp_path, 2)
    (tmp_path / "t.csv").write_text(
        "subject,image,label,group\nl,images/eye0.png,labels/eye0.png,a\n"
        "r,images/eye1.png,labels/eye1.png,a\n"
    )
    found = source(tmp_path / "t.csv")
    assert found.subjects() == ["l", "r"]
    assert found.group_of("l") == found.group_of("r") == "a"
    assert "images layout, 2 subjects" in vbench("data", "check", tmp_path / "t.csv").out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer.*git lfs pull"),
        (b"\x89PNG\r\n\x1a\n cut", "not a picture that can be read"),
    ],
)
def test_what_is_no_picture_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    (folder(tmp_path) / "images" / "eye1.png").write_bytes(content)
    with pytest.raises(DataError, match=f"eye1.png: {message}"):
        source(tmp_path).load("eye1")
    answer = vbench("data", "check", tmp_path)
    assert answer.code == 2
    assert "eye1.png" in answer.out
    assert "remark" in answer.out  # no pixel_size


def test_a_stack_of_pages_and_a_missing_label_are_said(tmp_path: Path) -> None:
    folder(tmp_path)
    page = Image.new("L", (50, 40))
    page.save(tmp_path / "images" / "eye0.tif", save_all=True, append_images=[page])
    (tmp_path / "images" / "eye0.png").unlink()
    with pytest.raises(DataError, match="2 pages, expected one picture"):
        source(tmp_path).load("eye0")
    (tmp_path / "labels" / "eye2.png").unlink()
    with pytest.raises(DataError, match=r"eye2.png: has no label labels/eye2\.\*; add it"):
        source(tmp_path).subjects()


def test_how_pictures_are_read_is_part_of_their_fingerprint(tmp_path: Path) -> None:
    folder(tmp_path)
    ways = [{}, {"pixel_size": 0.1}, {"invert": True}, {"classes": [255]}]
    prints = {source(tmp_path, **way).fingerprint("eye0") for way in ways}
    assert len(prints) == len(ways)
    assert source(tmp_path, classes=[255]).load("eye0").label.any()


def test_a_label_is_known_again_in_another_form(tmp_path: Path) -> None:
    folder(tmp_path)
    drawn = Image.open(tmp_path / "labels" / "eye0.png").convert("L")
    (tmp_path / "labels" / "eye1.png").unlink()
    drawn.convert("1").convert("RGBA").save(tmp_path / "labels" / "eye1.png")
    first, second, other = (source(tmp_path).anatomy(f"eye{i}") for i in range(3))
    assert first[1:] == second[1:] != other[1:]
    assert first[0] != second[0]
    Image.fromarray(np.zeros((40, 50), np.uint8)).save(tmp_path / "labels" / "eye2.png")
    assert len(source(tmp_path).anatomy("eye2")) == 1


def test_other_folders_are_told_what_reads_them(tmp_path: Path) -> None:
    for name, content, words in (
        ("IM0001", bytes(128) + b"DICM", "DICOM files: 'dcm2niix"),
        ("a.png", b"", "the source 'images' reads 2D pictures"),
        (
            "a.nrrd",
            b"",
            "NRRD files: the source 'volumes' reads them by patterns such as image = 'raw/{subj",
        ),
        ("a.czi", b"", "it holds .czi files, which nothing here reads"),
        ("a.dcm.gz", b"", "it holds packed files (.gz): unpack them first"),
        ("a.nii.gz", b"", "subject,image,label"),
    ):
        place = tmp_path / name.replace(".", "-") / "series"
        place.mkdir(parents=True)
        (place / name).write_bytes(content)
        answer = vbench("data", "check", place.parent)
        assert answer.code == 2
        assert words in answer.err
        assert len(answer.err.splitlines()) == 1
    (tmp_path / "empty").mkdir()
    assert vbench("data", "check", tmp_path / "empty").err.endswith("; it holds no files\n")


@pytest.mark.parametrize("below", ["", "in/"])
def test_labels_beside_their_pictures_are_named_by_a_pattern(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(exist_ok=True)
    for n in range(12):
        for name, pixels in zip((f"p{n}", f"p{n}_mask"), picture(n, (44, 50)), strict=True):
            Image.fromarray(pixels).save(tmp_path / below / f"{name}.png")
    said = vbench("init", tmp_path / "new", "--data", tmp_path).err
    how = f"--layout images --set image='{below}{{subject}}' --set label='{below}{{subject}}_mask'"
    assert said.endswith(f"{how}\n")
    assert vbench("init", tmp_path / "new", "--data", tmp_path, *shlex.split(how)).code == 0


def test_a_stack_is_not_taken_for_a_picture(tmp_path: Path) -> None:
    page = Image.fromarray(np.zeros((8, 8), np.uint8))
    page.save(tmp_path / "s1.tif", save_all=True, append_images=[page, page])
    answer = vbench("data", "check", tmp_path)
    assert "s1.tif has several pages): the source 'volumes' reads them" in answer.err
    assert "with spacing = [x, y, z] in mm" in answer.err


def test_a_data_set_above_or_below_the_folder_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "retina")
    for given in (tmp_path, tmp_path / "retina" / "images"):
        answer = vbench("data", "check", given)
        assert answer.code == 2
        assert f"'{tmp_path / 'retina'}' does: it has the layout images" in answer.err
