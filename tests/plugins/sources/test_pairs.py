"""``pairs``: images and labels of one name, in two folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import nnunet, save, scene
from vbench_plugins.sources.pairs import Pairs

from vbench.data.layouts import detect
from vbench.errors import DataError
from vbench.testing import SourceSuite


def pairs(folder: Path, n: int = 2) -> Path:
    for i in range(n):
        image, vessel, mask = scene(i)
        for name, array in (("images", image), ("labels", vessel), ("masks", mask)):
            save(folder / name / f"case{i}.nii", array)
    return folder


class TestPairs(SourceSuite):
    plugin = Pairs

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _folder(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.params = {"path": pairs(tmp_path_factory.mktemp("set"))}


def test_it_is_found_and_reads_masks(tmp_path: Path) -> None:
    assert detect(pairs(tmp_path / "set")) is Pairs
    assert detect(nnunet(tmp_path / "other")) is not Pairs
    source = Pairs(Pairs.Params(path=tmp_path / "set"))
    assert source.subjects() == ["case0", "case1"]
    assert source.load("case1").mask is not None


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "labels" / "case1.nii").unlink(), r"images/case1\.nii: no label"),
        (lambda p: (p / "images" / "case1.nii").unlink(), r"labels/case1\.nii: no image"),
        (lambda p: save(p / "masks" / "other.nii", scene(0)[2]), "mask of no image"),
        (lambda p: save(p / "labels" / "case1.nii.gz", scene(0)[1]), "two files"),
        (lambda p: (p / "images" / "a.png").write_bytes(b"x"), "convert or remove"),
        (lambda p: (p / "labels").rename(p / "vessels"), "rename masks to labels"),
    ],
)
def test_what_does_not_pair_up_is_named(spoil, says: str, tmp_path: Path) -> None:
    path = pairs(tmp_path / "set")
    spoil(path)
    with pytest.raises(DataError, match=says):
        Pairs(Pairs.Params(path=path)).subjects()
