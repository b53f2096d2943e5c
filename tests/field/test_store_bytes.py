"""Source: found by `make fuzz`. Results of others with odd bytes or values ended in a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import vbench
from fabricate import Fabricated, fabricate

ONE = {"real": 0.9, "synthetic/dcgan": 0.8}


def refused(made: Fabricated, where: str) -> None:
    for command in ("leaderboard", "report"):
        answer = vbench(command, made.folder.name, "--out", made.folder.parent)
        assert answer.code == 2, answer.err
        assert where in answer.err
        assert len(answer.err.splitlines()) == 1


def test_records_that_are_not_utf8(tmp_path: Path) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    path = made.folder / "records.jsonl"
    path.write_bytes(path.read_bytes().replace(b"prepare", b"prep\xed\xa0re", 1))
    refused(made, "records.jsonl: not UTF-8 text")


@pytest.mark.parametrize("name", ["plan.json", "records.jsonl"])
def test_json_that_is_nested_without_end(tmp_path: Path, name: str) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    path = made.folder / name
    path.write_text("[" * 100_000 + "\n" + path.read_text("utf-8"), "utf-8")
    refused(made, name)


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("tune", "dsc"),
        ("metrics", ["dsc"]),
        ("metrics", {"segmentation": 5}),
        ("benchmark", 7),
        ("generators", {"plugin": "dcgan"}),
        ("plugins", {"paths": "a.py"}),
        ("reference", {"citation": "x", "values": [1]}),
    ],
)
def test_a_spec_whose_tables_are_none(tmp_path: Path, table: str, value: Any) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.plan["spec"][table] = value
    made.rewrite()
    refused(made, f"plan.json: spec: {table}")


@pytest.mark.parametrize("value", [[], "0.5", True, {"a": 1}])
@pytest.mark.parametrize("name", ["value", "floor", "ceiling"])
def test_a_score_of_an_audit_that_is_no_number(tmp_path: Path, name: str, value: Any) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.privacy("synthetic/dcgan")["nn-ratio"][name] = value
    made.rewrite()
    refused(made, f"{name} is {value!r}, expected a number")
