"""A faulty plugin fails its own arm, with the reason; every other arm completes."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from toy_benchmark import toy_spec

from vbench import api

GOOD = {"plugin": "toy-generator"}


def run(out: Path, **changes: Any) -> api.RunResult:
    return api.run(toy_spec(**changes), out, workers=2, tracking=False)


def records(result: api.RunResult) -> list[dict[str, Any]]:
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def bad(fault: str) -> dict[str, Any]:
    return {"plugin": "toy-generator", "name": "bad", "params": {"fault": fault}}


@pytest.mark.parametrize(
    ("fault", "reason", "message"),
    [
        ("raise", "error", "RuntimeError: the toy broke"),
        ("abort", "killed", "SIGABRT"),
        ("exit", "killed", "exit code 7"),
        ("nan", "diverged", "loss is nan"),
        ("shape", "contract", "returned shape (16, 1, 4, 4, 4); expected (16, 2, 4, 4, 4)"),
        ("dtype", "contract", "returned float64; expected float32"),
        ("range", "contract", "expected [-1, 1]"),
        ("hang", "timeout", "took longer than 5 s"),
        ("memory", "memory", "GiB, 0.5 are allowed"),
    ],
)
def test_a_faulty_generator_fails_its_own_arm_only(
    tmp_path: Path, fault: str, reason: str, message: str
) -> None:
    limits: dict[str, float] = {"hang": {"seconds": 5.0}, "memory": {"memory_gb": 0.5}}.get(
        fault, {}
    )
    result = run(tmp_path, generators=[bad(fault), GOOD], limits=limits)
    assert not result.ok
    rows = {row["arm"]: row for row in result.board["rows"]}
    assert {arm: row["status"] for arm, row in rows.items()} == {
        "real": "ok",
        "synthetic/toy-generator": "ok",
        "synthetic/bad": "failed",
    }
    failed = [r for r in records(result) if r["status"] == "failed"]
    first = next(r for r in failed if r["stage"] == "fit-generator")
    assert first["failure"]["reason"] == reason
    assert message in first["failure"]["message"]
    assert first["failure"]["seconds"] > 0
    assert {r["failure"]["reason"] for r in failed if r is not first} == {"upstream"}
    if fault in ("raise", "hang", "abort"):
        assert "misbehave" in first["failure"]["traceback"]
    cases = list(csv.DictReader((result.folder / "cases.csv").open()))
    assert {c["status"] for c in cases if c["arm"] == "synthetic/bad"} == {"failed"}
    assert {c["status"] for c in cases if c["arm"] == "real"} == {"ok"}


@pytest.mark.parametrize(("fault", "reason"), [("shape", "contract"), ("dtype", "contract")])
def test_a_segmenter_is_held_to_its_contract(tmp_path: Path, fault: str, reason: str) -> None:
    result = run(
        tmp_path,
        segmenter__params={"fault": fault},
        regimes={"real": True, "baseline": True},
    )
    assert [f.reason for f in result.failures.values()] == [reason, "upstream"]
    rows = {row["arm"]: row["status"] for row in result.board["rows"]}
    assert rows == {"real": "failed", "baseline/threshold": "ok"}


def test_a_segmenter_that_diverges_in_every_trial_fails_its_arm(tmp_path: Path) -> None:
    result = run(tmp_path, segmenter__params={"fault": "nan"}, regimes={"real": True})
    assert "none of 1 trials ended" in next(iter(result.failures.values())).message


def test_a_metric_that_raises_costs_its_own_values_only(tmp_path: Path) -> None:
    result = run(tmp_path, metrics__segmentation=["dsc", "broken-metric"], regimes={"real": True})
    assert result.ok
    cases = list(csv.DictReader((result.folder / "cases.csv").open()))
    assert {(c["metric"], c["status"]) for c in cases} == {
        ("dsc", "ok"),
        ("broken-metric", "failed"),
    }
    (evaluated,) = [r for r in records(result) if r["stage"] == "evaluate"]
    assert "no such score" in evaluated["result"]["metric_faults"]["broken-metric"]


def test_a_collapsed_generator_is_said_plainly(tmp_path: Path) -> None:
    result = run(tmp_path, generators=[bad("collapse")], regimes={"synthetic": True})
    (fit,) = [r for r in records(result) if r["stage"] == "fit-generator"]
    assert fit["result"]["candidates"][0]["collapsed"] == (
        "all labels are empty; all samples are the same"
    )


def test_a_broken_subject_stops_the_run_before_any_training(tmp_path: Path) -> None:
    from vbench.errors import DataError

    with pytest.raises(DataError, match=r"blob-0\.nii\.gz: truncated; copy it again"):
        run(tmp_path, data__source__broken="blob-0")
    assert not list((tmp_path / "store").glob("*/weights.safetensors"))
