from pathlib import Path

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
