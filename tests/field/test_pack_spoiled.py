"""Source: found by `make fuzz`. `vbench pack` of spoiled results ended in a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import vbench
from fabricate import Fabricated, fabricate


def packed(made: Fabricated, tmp_path: Path) -> Any:
    target = tmp_path / "packed.zip"
    return vbench("pack", made.folder.name, "--out", made.folder.parent, "--to", target)


@pytest.fixture
def made(tmp_path: Path) -> Fabricated:
    return fabricate(tmp_path, truth={"real": 0.9, "synthetic/dcgan": 0.8}, seeds=(0,), trials=1)


def spoil(made: Fabricated, change: Callable[[Any], None]) -> None:
    path = made.folder / "plan.json"
    plan = json.loads(path.read_text("utf-8"))
    change(plan["spec"])
    path.write_text(json.dumps(plan), "utf-8")


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("data", "a word", "data"),
        ("data", {"targets": [["a", "list"]]}, "data.targets"),
        ("data", {"targets": [{"name": ["a"]}]}, "data.targets"),
        ("segmenter", 3, "segmenter"),
        ("metrics", {"fidelity": [None, 1]}, "metrics.fidelity"),
    ],
)
def test_a_spec_of_another_shape_is_said_in_a_line(
    made: Fabricated, tmp_path: Path, where: str, value: Any, said: str
) -> None:
    spoil(made, lambda spec: spec.update({where: value}))
    answer = packed(made, tmp_path)
    assert answer.code == 2, answer.out
    assert len(answer.err.splitlines()) == 1
    assert "plan.json" in answer.err
    assert said in answer.err
    assert not (tmp_path / "packed.zip").exists()


def lines(made: Fabricated) -> list[Any]:
    path = made.folder / "records.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("spoilt", ["step", "half"])
def test_a_record_that_cannot_be_drawn_or_written_is_said_in_a_line(
    made: Fabricated, tmp_path: Path, spoilt: str
) -> None:
    records = lines(made)
    record = next(each for each in records if each["stage"] == "fit-generator")
    if spoilt == "step":
        record["result"]["curve"] = [{"seconds": 1.0, "loss": 0.5}]
    else:
        record["label"] = "half \ud800"
    text = "\n".join(json.dumps(each) for each in records)  # the half as an escape, which is JSON
    (made.folder / "records.jsonl").write_text(text + "\n", "utf-8")
    answer = packed(made, tmp_path)
    assert answer.code == 2, answer.out
    assert len(answer.err.splitlines()) == 1
    assert "records.jsonl" in answer.err
