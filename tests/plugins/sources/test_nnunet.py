import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from datasets import nnunet, save, scene
from vbench_plugins.sources.nnunet import NnUNet

from vbench.errors import DataError
from vbench.testing import SourceSuite


class TestNnUNet(SourceSuite):
    plugin = NnUNet


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestNnUNet.params = {"path": nnunet(tmp_path_factory.mktemp("nnunet"))}


def source(path: Path, **params: object) -> NnUNet:
    return NnUNet(NnUNet.Params(path=path, **params))


def test_cases_are_paired_by_name_with_their_masks(tmp_path: Path) -> None:
    found = source(nnunet(tmp_path, n=3))
    assert found.subjects() == found.subjects(wanted=2) == ["case0", "case1", "case2"]
    files = found.files("case1")
    assert [path.name for path in files.paths()] == [
        "case1_0000.nii.gz",
        "case1.nii.gz",
        "case1.nii.gz",
    ]
    image, vessel, mask = scene(1)
    read = found.load("case1")
    np.testing.assert_array_equal(read.image, image)
    np.testing.assert_array_equal(read.label, vessel)
    np.testing.assert_array_equal(read.mask, mask)


def test_the_channel_is_chosen(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=1)
    save(folder / "imagesTr" / "case0_0001.nii.gz", scene(0)[0] + 7)
    one, two = (source(folder, channel=channel).load("case0").image for channel in (0, 1))
    np.testing.assert_array_equal(one + 7, two)
    with pytest.raises(DataError, match=r"no image .*case0_0002"):
        source(folder, channel=2).subjects()


def test_names_without_a_channel_are_read_too(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=1)
    (folder / "imagesTr" / "case0_0000.nii.gz").rename(folder / "imagesTr" / "case0.nii.gz")
    assert source(folder).subjects() == ["case0"]


def test_hidden_files_are_left_alone(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    (folder / "labelsTr" / "._case0.nii.gz").write_bytes(b"x")
    assert len(source(folder).subjects()) == 2


def test_the_table_of_dataset_json_names_files_within_the_folder(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    about = json.loads((folder / "dataset.json").read_text())
    about["dataset"] = {
        "x": {"images": ["imagesTr/case0_0000.nii.gz"], "label": "./labelsTr/case0.nii.gz"}
    }
    about["numTraining"] = 1
    (folder / "dataset.json").write_text(json.dumps(about))
    assert source(folder).subjects() == ["x"]
    real = tmp_path.parent / f"{tmp_path.name}-store.nii.gz"
    (folder / "labelsTr" / "case0.nii.gz").rename(real)
    (folder / "labelsTr" / "case0.nii.gz").symlink_to(real)
    assert source(folder).load("x").label.any()
    for place in ("../other/labels.nii.gz", "/etc/labels.nii.gz"):
        about["dataset"]["x"]["label"] = place
        (folder / "dataset.json").write_text(json.dumps(about))
        with pytest.raises(DataError, match=rf"dataset\.x: '{place}' leads out of"):
            source(folder).subjects()


def test_the_ignore_label_is_no_vessel(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=1)
    label = scene(0)[1].astype(np.uint8)
    label[-3, -3, :] = 2
    save(folder / "labelsTr" / "case0.nii.gz", label)
    about = json.loads((folder / "dataset.json").read_text())
    about["labels"]["ignore"] = 2
    (folder / "dataset.json").write_text(json.dumps(about))
    np.testing.assert_array_equal(source(folder).load("case0").label, label == 1)


def test_a_missing_pair_stops_before_anything_is_read(tmp_path: Path) -> None:
    folder = nnunet(tmp_path, n=3)
    (folder / "labelsTr" / "case1.nii.gz").unlink()
    (folder / "labelsTr" / "case2.nii.gz").unlink()
    with pytest.raises(DataError, match=r"case1_0000.*no label .*case1.*\(1 more: `vbench data"):
        source(folder).subjects()


def test_the_fingerprint_is_of_content_not_of_place(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "a")
    first = source(folder)
    prints = {name: first.fingerprint(name) for name in first.subjects()}
    moved = source(Path(shutil.copytree(folder, tmp_path / "b")))
    assert {name: moved.fingerprint(name) for name in moved.subjects()} == prints
    assert source(folder, classes=[1]).fingerprint("case0") != prints["case0"]
    for part in ("imagesTr/case0_0000.nii.gz", "labelsTr/case0.nii.gz", "masksTr/case0.nii.gz"):
        changed = Path(shutil.copytree(folder, tmp_path / part.partition("/")[0]))
        save(changed / part, scene(5)[1])
        assert source(changed).fingerprint("case0") != prints["case0"]
        assert source(changed).fingerprint("case1") == prints["case1"]


def test_an_unknown_subject_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no subject 'case9'; did you mean 'case"):
        source(nnunet(tmp_path)).load("case9")
