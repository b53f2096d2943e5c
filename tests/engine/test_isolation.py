"""A faulty plugin fails its own arm, with the reason; every other arm completes."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toy_benchmark import FAULTY, TOYS, toy_spec

from vbench import api
from vbench.engine.process import WorkerProcess
from vbench.errors import VbenchError

pytestmark = pytest.mark.usefixtures("warm_workers")

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
        ("gpu-memory", "gpu-memory", "20.00 GiB were asked for; the card has 79.15 GiB"),
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
    cases = list(csv.DictReader((result.folder / "cases.csv").read_text().splitlines()))
    assert {c["status"] for c in cases if c["arm"] == "synthetic/bad"} == {"failed"}
    assert {c["status"] for c in cases if c["arm"] == "real"} == {"ok"}


@pytest.mark.parametrize(("fault", "reason"), [("shape", "contract"), ("dtype", "contract")])
def test_a_segmenter_is_held_to_its_contract(tmp_path: Path, fault: str, reason: str) -> None:
    result = run(
        tmp_path,
        segmenter__params={"fault": fault},
        regimes={"real": True, "baseline": {"segmenters": ["threshold"]}},
    )
    assert [f.reason for f in result.failures.values()] == [reason, "upstream"]
    rows = {row["arm"]: row["status"] for row in result.board["rows"]}
    assert rows == {"real": "failed", "baseline/threshold": "ok"}


def test_a_segmenter_that_diverges_in_every_trial_fails_its_arm(tmp_path: Path) -> None:
    result = run(tmp_path, segmenter__params={"fault": "nan"}, regimes={"real": True})
    assert "none of 1 trials ended" in next(iter(result.failures.values())).message


#: How each fault ends, whichever kind of plugin it is in, where the engine cannot say more.
BROKEN = {
    "raise": ("error", "RuntimeError: the plugin broke"),
    "leave": ("error", "SystemExit: 3"),
    "abort": ("killed", "SIGABRT"),
    "hang": ("timeout", "took longer than 4 s"),
    "memory": ("memory", "0.5 are allowed"),
}
LIMITS = {"hang": {"seconds": 4.0}, "memory": {"memory_gb": 0.5}}


def faulty(out: Path, fault: str, **changes: Any) -> api.RunResult:
    paths = {"plugins__paths": [TOYS, FAULTY], "limits": LIMITS.get(fault, {})}
    return run(out, **{**paths, **changes})


def statuses(result: api.RunResult) -> dict[str, str]:
    return {row["arm"]: row["status"] for row in result.board["rows"]}


def cause(result: api.RunResult, stage: str) -> tuple[str, str]:
    """The first failure's reason and message; it tells seconds and where the plugin was."""
    first = next(r for r in records(result) if r["status"] == "failed")
    assert first["stage"] == stage
    failure = first["failure"]
    assert failure["seconds"] > 0
    if failure["reason"] not in ("memory", "diverged"):
        assert "Traceback" in failure["traceback"] or "faulty.py" in failure["traceback"]
    return failure["reason"], failure["message"]


@pytest.mark.parametrize("fault", [*BROKEN, "nan", "shape", "dtype"])
def test_a_faulty_segmenter_fails_its_own_arm_only(tmp_path: Path, fault: str) -> None:
    segmenter = {"plugin": "faulty-segmenter", "params": {"fault": fault}}
    regimes = {"real": True, "baseline": {"segmenters": ["threshold"]}}
    result = faulty(tmp_path, fault, segmenter=segmenter, regimes=regimes)
    assert statuses(result) == {"real": "failed", "baseline/threshold": "ok"}
    assert not result.ok
    expected = {
        **BROKEN,
        "nan": ("diverged", "none of 1 trials ended"),  # a diverged trial is a result
        "shape": ("contract", "returned shape (11, 12, 12); expected (12, 12, 12)"),
        "dtype": ("contract", "returned float64; expected float32"),
    }[fault]
    reason, message = cause(result, "evaluate" if fault == "nan" else "fit-segmenter")
    assert (reason, expected[1] in message) == (expected[0], True)
    row = next(row for row in result.board["rows"] if row["status"] == "failed")
    assert row["failure"]["reason"] == reason
    assert row["failure"]["seconds"] > 0


@pytest.mark.parametrize("fault", [*BROKEN, "shape", "dtype"])
def test_a_faulty_source_fails_the_arms_that_read_it_only(tmp_path: Path, fault: str) -> None:
    target = {"plugin": "faulty-source", "fault": fault, "split": {"train": 2, "val": 1, "test": 1}}
    result = faulty(
        tmp_path, fault, data__target=target, regimes={"real": True, "scratch": {"subjects": [2]}}
    )
    assert statuses(result) == {"real": "ok", "scratch/n2": "failed"}
    expected = {
        **BROKEN,
        "shape": ("contract", "expected one shape (X, Y, Z)"),
        "dtype": ("contract", "image is object; expected numbers"),
    }[fault]
    reason, message = cause(result, "prepare")
    assert (reason, expected[1] in message) == (expected[0], True)


def test_a_job_that_is_heard_of_late_took_its_time() -> None:
    worker: Any = object.__new__(WorkerProcess)
    worker._channel = SimpleNamespace(settimeout=print, sendall=lambda data: None)
    worker._messages = lambda: iter([{"event": "begun", "at": time.monotonic() - 5}])
    worker._epitaph, worker._quote = (lambda: "exit code 3"), (lambda: "")
    task: Any = SimpleNamespace(to_json=dict, limit_seconds=0, limit_bytes=0)
    found = worker._attempt(task, print, lambda: False, time.monotonic())
    assert 5 <= found.failure.seconds < 6


@pytest.mark.parametrize(
    ("fault", "message"),
    [("nan", "voxels that are NaN"), ("list", "source 'faulty-source': RuntimeError: the list")],
)
def test_data_that_cannot_be_used_stops_the_run_before_any_training(
    tmp_path: Path, fault: str, message: str
) -> None:
    source = {"plugin": "faulty-source", "fault": fault, "split": {"train": 2, "val": 1, "test": 2}}
    with pytest.raises(VbenchError, match=message):
        faulty(tmp_path, fault, data__source=source)
    assert not list((tmp_path / "store").glob("*/weights.safetensors"))


@pytest.mark.parametrize("fault", ["raise", "nan", "shape", "dtype"])
def test_a_faulty_metric_costs_its_own_values_only(tmp_path: Path, fault: str) -> None:
    metrics = ["dsc", {"plugin": "faulty-metric", "params": {"fault": fault}}]
    result = faulty(tmp_path, fault, metrics__segmentation=metrics, regimes={"real": True})
    assert (statuses(result), result.ok) == ({"real": "ok"}, False)
    (row,) = result.board["rows"]
    assert (row["metrics"]["dsc"]["n_failed"], row["metrics"]["faulty-metric"]["n_failed"]) == (
        0,
        2,
    )
    (evaluated,) = [r for r in records(result) if r["stage"] == "evaluate"]
    assert "Traceback" in evaluated["result"]["metric_faults"]["faulty-metric"]


@pytest.mark.parametrize("fault", ["abort", "hang", "memory", "leave"])
def test_a_metric_that_takes_the_process_down_fails_the_evaluation(
    tmp_path: Path, fault: str
) -> None:
    metrics = ["dsc", {"plugin": "faulty-metric", "params": {"fault": fault}}]
    result = faulty(tmp_path, fault, metrics__segmentation=metrics, regimes={"real": True})
    assert statuses(result) == {"real": "failed"}
    reason, message = cause(result, "evaluate")
    assert (reason, BROKEN[fault][1] in message) == (BROKEN[fault][0], True)


@pytest.mark.parametrize("fault", ["raise", "nan", "shape", "dtype"])
def test_a_faulty_audit_metric_costs_its_own_value_only(tmp_path: Path, fault: str) -> None:
    metrics = [{"plugin": "faulty-fidelity", "params": {"fault": fault}}]
    result = faulty(tmp_path, fault, metrics__fidelity=metrics, metrics__privacy=["near-copies"])
    row = next(row for row in result.board["rows"] if row["regime"] == "synthetic")
    assert row["status"] == "ok"
    assert row["fidelity"]["faulty-fidelity"]["value"] is None
    assert row["fidelity"]["faulty-fidelity"]["fault"]
    assert row["privacy"]["near-copies"]["value"] is not None


def test_an_audit_that_hangs_fails_alone_and_is_said_in_its_arms_row(tmp_path: Path) -> None:
    metrics = [{"plugin": "faulty-fidelity", "params": {"fault": "hang"}}]
    result = faulty(tmp_path, "hang", metrics__fidelity=metrics)
    assert set(statuses(result).values()) == {"ok"}
    assert not result.ok
    row = next(row for row in result.board["rows"] if row["regime"] == "synthetic")
    assert (row["failure"]["stage"], row["failure"]["reason"]) == ("audit", "timeout")


def test_a_metric_that_raises_costs_its_own_values_only(tmp_path: Path) -> None:
    result = run(tmp_path, metrics__segmentation=["dsc", "broken-metric"], regimes={"real": True})
    assert not result.failures
    assert not result.ok  # a score that was asked for is missing
    cases = list(csv.DictReader((result.folder / "cases.csv").read_text().splitlines()))
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
