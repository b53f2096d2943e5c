"""``dataset.json`` in the forms that people write; what is not understood is said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import vbench
from datasets import nnunet, save, scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import examples
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.datasetjson import read_about
from vbench.data.folder import Fault
from vbench.errors import DataError

LABELS = {"background": 0, "vessel": 1}


def write(folder: Path, **changes: Any) -> Path:
    file = folder / "dataset.json"
    about = {"labels": LABELS, "numTraining": 2, "file_ending": ".nii.gz", **changes}
    file.write_text(json.dumps(about))
    return file


def read(folder: Path, **changes: Any) -> tuple[Any, list[Fault]]:
    faults: list[Fault] = []
    return read_about(write(folder, **changes), faults), faults


def labels(**more: Any) -> dict[str, Any]:
    return {"labels": {**LABELS, **more}}


@pytest.mark.parametrize(
    ("more", "ignore", "vessels"),
    [
        ({}, (), (1,)),
        ({"ignore": 2}, (2,), (1,)),
        ({"ignore": 2.0}, (2,), (1,)),
        ({"ignore": "2"}, (2,), (1,)),
        ({"ignore": [2]}, (2,), (1,)),
        ({"ignore": [3, 2]}, (2, 3), (1,)),
        ({"Ignore": 255}, (255,), (1,)),
        ({"ignore_label": 255}, (255,), (1,)),
        ({"whole": [1, 2, 3], "core": [2], "ignore": 4}, (4,), (1, 2, 3)),
    ],
)
def test_ignore_is_understood_in_its_forms(
    tmp_path: Path, more: dict[str, Any], ignore: tuple[int, ...], vessels: tuple[int, ...]
) -> None:
    about, faults = read(tmp_path, **labels(**more))
    assert faults == []
    assert (about.ignore, about.vessels) == (ignore, vessels)


def test_version_1_is_read(tmp_path: Path) -> None:
    about, faults = read(
        tmp_path,
        labels={"0": "background", "1": "vessel", "2": "ignore"},
        modality={"0": "MRA"},
        numTraining="2",
        training=[{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}],
    )
    assert faults == []
    assert about.labels == {"background": (0,), "vessel": (1,), "ignore": (2,)}
    assert (about.ignore, about.vessels, about.count) == ((2,), (1,), 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (labels(ignore=None), "labels.ignore is null"),
        (labels(ignore="last"), "labels.ignore is last"),
        (labels(ignore=[]), "labels.ignore is []"),
        (labels(ignore=[[2]]), "labels.ignore is [[2]]"),
        (labels(ignore=-1), "labels.ignore is -1"),
        (labels(ignore=1.5), "labels.ignore is 1.5"),
        (labels(ignore=True), "labels.ignore is true"),
        (labels(ignore=1), "labels.ignore is [1], which is also 'vessel'"),
        (labels(ignore=0), "which is also 'background'"),
        (labels(vessel=None), "labels.vessel is null"),
        (labels(vessel=2**70), "expected a whole number"),
        ({"labels": None}, "labels is null"),
        ({"labels": ["background", "vessel"]}, 'labels is ["background", "vessel"]'),
        ({"labels": "vessel"}, "labels is vessel"),
        ({"numTraining": None}, "numTraining is null"),
        ({"numTraining": "many"}, "numTraining is many"),
        ({"numTraining": [2]}, "numTraining is [2]"),
        ({"numTraining": True}, "numTraining is true"),
        ({"numTraining": float("nan")}, "numTraining is NaN"),
        ({"file_ending": None}, "file_ending is null"),
        ({"file_ending": [".nii.gz"]}, 'file_ending is [".nii.gz"]'),
        ({"dataset": None}, "dataset is null"),
        ({"dataset": ["a"]}, 'dataset is ["a"]'),
    ],
)
def test_what_is_not_understood_is_said(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    _, faults = read(tmp_path, **changes)
    assert any(message in str(fault) and fault.serious for fault in faults), faults


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, "no image of channel 0"),
        ("a.nii.gz", "no image of channel 0"),
        ({"images": "imagesTr/case0_0000.nii.gz", "label": "l"}, "no image of channel 0"),
        ({"images": [None], "label": "l"}, "or no label"),
        ({"images": ["i.nii.gz"], "label": ["l.nii.gz"]}, "or no label"),
        ({"images": ["i.nii.gz"], "label": "l.nii.gz"}, "no such file (dataset.a)"),
        ({"images": ["i\0.nii.gz"], "label": "l.nii.gz"}, "the character U+0000"),
        ({"images": ["x" * 300], "label": "l.nii.gz"}, "is too long"),
        ({"images": ["C:\\data\\i.nii.gz"], "label": "l.nii.gz"}, "a path of Windows"),
    ],
)
def test_a_wrong_entry_of_the_table_is_said(tmp_path: Path, entry: Any, message: str) -> None:
    write(tmp_path, dataset={"a": entry}, numTraining=1)
    with pytest.raises(DataError) as caught:
        NnUNet(NnUNet.Params(path=tmp_path)).subjects()
    assert message in str(caught.value)


def test_masks_stand_beside_the_table_by_case_or_by_the_labels_name(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    table = {
        name: {"images": [f"imagesTr\\case{i}_0000.nii.gz"], "label": f"labelsTr/case{i}.nii.gz"}
        for i, name in enumerate(("case0", "other"))
    }
    write(folder, dataset=table)
    source = NnUNet(NnUNet.Params(path=folder))
    assert source.subjects() == ["case0", "other"]
    for i, name in enumerate(("case0", "other")):
        np.testing.assert_array_equal(source.load(name).mask, scene(i)[2])


def test_the_ignore_values_stand_with_the_files(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    write(folder, **labels(ignore=[2, 3]))
    source = NnUNet(NnUNet.Params(path=folder))
    assert all(files.ignore == (2, 3) for files in source.listing.subjects)
    asked = NnUNet(NnUNet.Params(path=folder, classes=[2]))
    with pytest.raises(DataError, match=r"classes \[2\] are the label 'ignore'"):
        asked.subjects()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"background": 0, "vessel": 1, "void": 255}, "'void' [255] would count as vessel"),
        ({"background": 0, "ignore": 1}, "names no class beside the background"),
    ],
)
def test_labels_that_would_be_misread_are_said(
    tmp_path: Path, names: dict[str, int], message: str
) -> None:
    write(nnunet(tmp_path), labels=names)
    with pytest.raises(DataError) as caught:
        NnUNet(NnUNet.Params(path=tmp_path)).subjects()
    assert message in str(caught.value)


def test_the_count_is_held_to_even_beside_a_remark(tmp_path: Path) -> None:
    write(nnunet(tmp_path), **labels(ignore=2), numTraining=5)
    with pytest.raises(DataError, match="numTraining is 5, there are 2 pairs"):
        NnUNet(NnUNet.Params(path=tmp_path)).subjects()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_text_may_be_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    file = nnunet(tmp_path) / "dataset.json"
    file.write_bytes(file.read_text().replace("\n", "\r\n").encode(encoding))
    assert vbench("data", "check", tmp_path).code == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"labels": {"ignore": 2, "ignore": 3}}', "the key 'ignore' occurs twice"),
        (b'{"name": "caf\xe9"}', "byte 0xe9 in line 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"numTraining": ' + b"9" * 5000 + b"}", "cannot be read"),
    ],
)
def test_text_that_is_no_json_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (nnunet(tmp_path) / "dataset.json").write_bytes(content)
    answer = vbench("data", "check", tmp_path)
    assert answer.code == 2
    assert message in answer.out


def test_images_of_other_formats_are_not_passed_over(tmp_path: Path) -> None:
    folder = nnunet(tmp_path)
    (folder / "imagesTr" / "case2_0000.nrrd").write_bytes(b"NRRD0004\n")
    (folder / "labelsTr" / "case2.NII.GZ").write_bytes(b"")
    save(folder / "labelsTr" / ".hidden.nii.gz", scene()[1])
    answer = vbench("data", "check", folder)
    assert answer.code == 2
    assert "case2_0000.nrrd: not a .nii or .nii.gz file" in answer.out
    assert "case2.NII.GZ: not a .nii or .nii.gz file" in answer.out


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["labels", "numTraining", "dataset", "file_ending", "channel_names"])
NAMES = st.sampled_from(["background", "vessel", "ignore", "Ignore", "0", "1", "void"])


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    about=st.dictionaries(KEYS, JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=4) | JSON
)
def test_any_json_is_read_and_its_faults_are_one_line_each(tmp_path: Path, about: Any) -> None:
    folder = tmp_path if (tmp_path / "imagesTr").exists() else nnunet(tmp_path)
    (folder / "dataset.json").write_text(json.dumps(about))
    source = NnUNet(NnUNet.Params(path=folder))
    for files in source.listing.subjects:
        assert not set(files.ignore) & set(files.classes or ())
    assert all(len(str(fault).splitlines()) == 1 for fault in source.listing.faults)
