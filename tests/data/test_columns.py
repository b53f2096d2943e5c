"""What tables beside a data set say of its subjects, and what is refused as a subgroup."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import bids, manifest, nnunet
from toy_benchmark import toy_plan
from vbench_plugins.sources.bids import Bids
from vbench_plugins.sources.manifest import Manifest
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.columns import subgroups
from vbench.data.folder import FolderSource
from vbench.errors import DataError
from vbench.spec.load import FaultySpecError


def source(cls: type[FolderSource], path: Path) -> FolderSource:
    return cls(cls.Params(path=path))


def with_columns(folder: Path, text: str) -> FolderSource:
    """A manifest of as many subjects as the text has lines of further cells."""
    head, *cells = text.splitlines()
    file = manifest(folder, len(cells))
    first, *rows = file.read_text().splitlines()
    lines = [f"{row},{cell}" for row, cell in zip([first, *rows], [head, *cells], strict=True)]
    file.write_text("\n".join(lines) + "\n")
    return source(Manifest, file)


def test_a_column_of_the_manifest_whatever_its_capitals(tmp_path: Path) -> None:
    read = with_columns(tmp_path, "Scanner,sex\nA,f\nB,m\nA,n/a")
    found = subgroups(read, ["scanner", "Sex"], read.subjects())
    assert found == {
        "scanner": {"case0": "A", "case1": "B", "case2": "A"},
        "Sex": {"case0": "f", "case1": "m"},
    }


def test_participants_of_bids_and_of_an_nnunet_folder(tmp_path: Path) -> None:
    folder = bids(tmp_path / "bids")
    table = "participant_id\tsex\tscanner\nsub-00\tF\t3T a\nsub-01\tM\tn/a\n"
    (folder / "participants.tsv").write_text(table)
    found = subgroups(source(Bids, folder), ["sex", "scanner"], ["sub-00", "sub-01"])
    assert found == {"sex": {"sub-00": "F", "sub-01": "M"}, "scanner": {"sub-00": "3T a"}}
    folder = nnunet(tmp_path / "nnunet")
    (folder / "participants.tsv").write_text("subject\tsite\ncase0\tx\ncase1\ty\n")
    assert subgroups(source(NnUNet, folder), ["site"], ["case1"]) == {"site": {"case1": "y"}}


def test_a_session_has_its_persons_row(tmp_path: Path) -> None:
    folder = bids(tmp_path)
    (folder / "participants.tsv").write_text("participant_id\tsex\nsub-01\tM\n")
    assert source(Bids, folder).described("sub-01_ses-2") == {"sex": "M"}


def test_the_columns_that_there_are_are_named(tmp_path: Path) -> None:
    read = with_columns(tmp_path, "scanner\nA\nB")
    with pytest.raises(DataError, match=r"column 'scaner'; .* scanner; did you mean 'scanner'"):
        subgroups(read, ["scaner"], read.subjects())
    folder = nnunet(tmp_path / "nnunet")
    with pytest.raises(DataError, match=r"'nnunet' tells nothing .* participants\.tsv .* sex"):
        subgroups(source(NnUNet, folder), ["sex"], ["case0"])


def test_values_of_single_subjects_are_no_groups(tmp_path: Path) -> None:
    read = with_columns(tmp_path, "age\n" + "\n".join(map(str, range(60, 65))))
    with pytest.raises(DataError, match="'age' has 5 values for 5 test subjects, such as 60, 61"):
        subgroups(read, ["age"], read.subjects())


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name\tsex\ncase0\tf\n", r"participants\.tsv: no column participant_id or subject"),
        ("subject\tsex\ncase0\tf\ncase0\tm\n", "line 3: a second row of 'case0'"),
        (b"subject\tsex\ncase0\t\xff\n", "not UTF-8 text"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(
    tmp_path: Path, table: str | bytes, message: str
) -> None:
    folder = nnunet(tmp_path)
    data = table if isinstance(table, bytes) else table.encode()
    (folder / "participants.tsv").write_bytes(data)
    with pytest.raises(DataError, match=message):
        subgroups(source(NnUNet, folder), ["sex"], ["case0"])


def test_subgroups_are_part_of_no_job_and_of_the_plan(tmp_path: Path) -> None:
    file = with_columns(tmp_path, "scanner\nA\nB\nA\nA").path
    table = {"plugin": "manifest", "path": str(file), "split": {"train": 1, "val": 1, "test": 2}}
    regimes = {"real": True}
    plain = toy_plan(data={"source": table}, regimes=regimes)
    told = toy_plan(data={"source": {**table, "subgroups": ["scanner"]}}, regimes=regimes)
    assert list(told.jobs) == list(plain.jobs)
    assert plain.data["source"].summary().to_json().get("subgroups") is None
    (found,) = (told.data["source"].summary().subgroups or {}).values()
    assert set(found) == set(told.data["source"].parts["test"])


def test_a_source_that_tells_nothing_and_a_column_twice_are_faults() -> None:
    split = {"train": 1, "val": 1, "test": 1}
    table = {"plugin": "blobs", "split": split, "subgroups": ["scanner"]}
    with pytest.raises(DataError, match=r"data\.source\.subgroups: no column 'scanner'"):
        toy_plan(data={"source": table}, regimes={"real": True})
    with pytest.raises(FaultySpecError, match="a column is listed twice"):
        toy_plan(data={"source": {**table, "subgroups": ["sex", "Sex"]}}, regimes={"real": True})
