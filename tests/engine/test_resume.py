"""What finished is never done again; what was interrupted goes on; the end result is the same."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toml_text import write_toml
from toy_benchmark import toy_spec, toy_table

from vbench import api
from vbench.engine.fitting import Checkpoint
from vbench.engine.store import writable
from vbench.errors import SpecError, StoreError
from vbench.spec import Spec

pytestmark = pytest.mark.usefixtures("warm_workers")


def slow_table(log: Path, **changes: Any) -> dict[str, Any]:
    params = {"steps": 6, "step_seconds": 0.05, "log": str(log)}
    return toy_table(
        generators=[{"plugin": "toy-generator", "params": params}],
        segmenter={"plugin": "toy-segmenter", "params": params},
        limits={"checkpoint_seconds": 0.0},
        **changes,
    )


def start(spec: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "vbench", "run", str(spec), "--out", str(out), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_the_same_run_again_does_nothing(tmp_path: Path) -> None:
    first = api.run(toy_spec(), tmp_path, tracking=False)
    cases = (first.folder / "cases.csv").read_bytes()
    again = api.run(toy_spec(), tmp_path, tracking=False)
    assert (first.ran, again.ran) == (len(api.plan(toy_spec(), tmp_path)), 0)
    assert (again.folder / "cases.csv").read_bytes() == cases
    assert again.board == first.board
    assert all(planned.cached for planned in api.plan(toy_spec(), tmp_path))


def test_two_runs_in_two_folders_give_the_same_cases(tmp_path: Path) -> None:
    a = api.run(toy_spec(), tmp_path / "a", workers=1, tracking=False)
    b = api.run(toy_spec(), tmp_path / "b", workers=2, tracking=False)
    assert (a.folder / "cases.csv").read_bytes() == (b.folder / "cases.csv").read_bytes()


@pytest.mark.parametrize("delay", [0.4, 1.1])
def test_a_killed_run_goes_on_and_ends_the_same(tmp_path: Path, delay: float) -> None:
    table = slow_table(tmp_path / "log")
    undisturbed = api.run(Spec.model_validate(table), tmp_path / "whole", tracking=False)
    (tmp_path / "log").unlink()
    spec = write_toml(tmp_path / "toys.toml", table)
    process = start(spec, tmp_path / "cut")
    deadline = time.monotonic() + 30
    while not (tmp_path / "log").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(delay)
    process.kill()
    process.wait()
    finished = {p.parent.name for p in (tmp_path / "cut/store").glob("*/record.json")}
    time.sleep(0.5)  # its workers leave when their channel closes
    result = api.run(Spec.model_validate(table), tmp_path / "cut", tracking=False)
    total = len(api.plan(Spec.model_validate(table), tmp_path / "cut"))
    assert result.ran <= total - len(finished)
    whole = (undisturbed.folder / "cases.csv").read_bytes()
    assert (result.folder / "cases.csv").read_bytes() == whole


def test_an_interrupted_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    log = tmp_path / "log"
    table = slow_table(log, regimes={"real": True})
    table["segmenter"]["params"]["steps"] = 40
    spec = write_toml(tmp_path / "toys.toml", table)
    process = start(spec, tmp_path / "cut")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if log.exists() and len(log.read_text().splitlines()) >= 10:
            break
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.5)
    result = api.run(Spec.model_validate(table), tmp_path / "cut", tracking=False)
    assert result.ok
    steps = Counter(line.rpartition(" ")[2] for line in log.read_text().splitlines())
    assert set(steps) == {str(i + 1) for i in range(40)}
    assert sum(steps.values()) <= 42  # at most the step that was running is done twice
    budget = result.board["rows"][0]["budget"]
    assert (budget["steps"], budget["patches_source"]) == (40, 40 * 8)
    assert not list((tmp_path / "cut/store/checkpoints").iterdir())


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_at_once_and_says_how_to_go_on(tmp_path: Path, sent: signal.Signals) -> None:
    log = tmp_path / "log"
    table = slow_table(log)
    table["segmenter"]["params"]["step_seconds"] = 30.0
    spec = write_toml(tmp_path / "toys.toml", table)
    process = subprocess.Popen(
        [sys.executable, "-m", "vbench", "run", str(spec), "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Tests that run in the background ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 30
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    begun = time.monotonic()
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=20)
    assert time.monotonic() - begun < 5
    assert process.returncode == 130
    assert b"the same command resumes the rest" in stderr
    assert [path.name for path in (tmp_path / "out/store/claims").iterdir()] == [".lock"]


def test_two_runs_at_once_share_the_work(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spec = write_toml(tmp_path / "toys.toml", slow_table(log))
    processes = [start(spec, tmp_path / "out") for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    steps = Counter(log.read_text().splitlines())
    assert set(steps.values()) == {1}
    lines = (tmp_path / "out/toys/records.jsonl").read_text().splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert len(keys) == len(set(keys)) == len(api.plan(spec, tmp_path / "out"))


def test_forced_jobs_are_done_again_with_what_depends_on_them(tmp_path: Path) -> None:
    first = api.run(toy_spec(), tmp_path, tracking=False)
    forced = api.run(toy_spec(), tmp_path, force=["synthesise"], tracking=False)
    assert forced.ran == 3  # synthesise, fit-segmenter, evaluate
    assert forced.board["rows"][0]["metrics"] == first.board["rows"][0]["metrics"]
    with pytest.raises(SpecError, match="matches no job"):
        api.run(toy_spec(), tmp_path, force=["nothing-*"], tracking=False)


def test_failed_jobs_are_tried_again(tmp_path: Path) -> None:
    flag = {"plugin": "toy-generator", "params": {"fault": "raise"}}
    first = api.run(toy_spec(generators=[flag]), tmp_path, tracking=False)
    again = api.run(toy_spec(generators=[flag]), tmp_path, tracking=False)
    assert list(first.failures) == list(again.failures)
    assert again.ran == 0
    reasons = {planned.reason for planned in api.plan(toy_spec(generators=[flag]), tmp_path)}
    assert "failed last time: RuntimeError: the toy broke" in reasons


def test_plan_says_why_a_job_is_new(tmp_path: Path) -> None:
    api.run(toy_spec(), tmp_path, tracking=False)
    spec = toy_spec(generators__0__params={"steps": 6})
    why = {f"{p.job.stage} {p.job.label}": p.reason for p in api.plan(spec, tmp_path)}
    assert why["fit-generator toy-generator · seed 0"] == "params.steps: 4 → 6"
    assert why["evaluate real · seed 0"] == ""
    assert "upstream: synthesise" in why["fit-segmenter synthetic/toy-generator · seed 0"]
    seconds = [p.seconds for p in api.plan(spec, tmp_path)]
    assert all(value is not None for value in seconds)


def test_a_training_that_its_time_limit_stops_goes_on_in_the_next_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    table = slow_table(log, regimes={"real": True})
    table["segmenter"]["params"] |= {"steps": 40, "step_seconds": 0.3}
    limited = Spec.model_validate({**table, "limits": {"seconds": 8.0, "checkpoint_seconds": 0.0}})
    first = api.run(limited, tmp_path / "out", tracking=False)
    assert [failure.reason for failure in first.failures.values()] == ["timeout", "upstream"]
    second = api.run(Spec.model_validate(table), tmp_path / "out", tracking=False)
    assert second.ok
    steps = Counter(line.rpartition(" ")[2] for line in log.read_text().splitlines())
    assert set(steps) == {str(i + 1) for i in range(40)}
    assert sum(steps.values()) <= 42
    (fit,) = [r for r in records(second) if r["stage"] == "fit-segmenter"]
    assert fit["seconds"] > 12.0  # what it took before it was stopped counts


def records(result: api.RunResult) -> list[dict[str, Any]]:
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


class Method:
    """Has a state, and may refuse to take it back."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse, self.level = refuse, 0

    def state(self) -> dict[str, np.ndarray]:
        return {"level": np.array(self.level)}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        if self.refuse:
            raise ValueError("another shape")
        self.level = int(state["level"])


def test_a_checkpoint_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    made = Method()
    made.level = 5
    kept = Checkpoint(tmp_path)
    kept.notes["step"] = 7
    assert kept.save(made)  # type: ignore[arg-type]
    (tmp_path / ".tmp-123-state-8.safetensors").write_text("of a write that was killed")
    found = Checkpoint(tmp_path)
    back = Method()
    assert found.restore(back)  # type: ignore[arg-type]
    assert (back.level, found.notes["step"]) == (5, 7)
    assert not list(tmp_path.glob(".tmp-*"))
    (tmp_path / "state-7.safetensors").write_bytes(b"not whole")
    assert not Checkpoint(tmp_path).restore(Method())  # type: ignore[arg-type]
    (tmp_path / "state-7.safetensors").unlink()
    assert not Checkpoint(tmp_path).restore(Method())  # type: ignore[arg-type]


def test_a_state_that_a_method_refuses_is_forgotten(tmp_path: Path) -> None:
    Checkpoint(tmp_path).save(Method())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="another shape"):
        Checkpoint(tmp_path).restore(Method(refuse=True))  # type: ignore[arg-type]
    assert not Checkpoint(tmp_path).restore(Method())  # type: ignore[arg-type]


def test_a_leaderboard_that_a_killed_run_left_old_is_written_again(tmp_path: Path) -> None:
    first = api.run(toy_spec(), tmp_path, tracking=False)
    board = first.folder / "leaderboard.json"
    board.write_text('{"rows": []}')  # as it was before the last jobs ended
    os.utime(board, (0, 0))
    again = api.run(toy_spec(), tmp_path, tracking=False)
    assert (again.ran, again.board) == (0, first.board)


def test_a_budget_of_time_stops_further_trials_in_every_arm_the_same(tmp_path: Path) -> None:
    params = {"steps": 4, "step_seconds": 0.1}  # one trial takes longer than all may
    spec = toy_spec(
        tune={"trials": 4, "seconds": 0.2},
        segmenter__params=params,
        generators__0__params=params,
    )
    result = api.run(spec, tmp_path, workers=2, tracking=False)
    assert result.ok
    for row in result.board["rows"]:
        assert (row["trials"]["planned"], row["trials"]["ended"]) == (4, 1)
        assert row["trials"]["skipped"] == 3
    again = api.run(spec, tmp_path, tracking=False)
    assert (again.ran, again.board) == (0, result.board)


def test_a_full_or_read_only_folder_is_said_in_one_line(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "x.json")
    with (
        pytest.raises(StoreError, match=r"x\.json: cannot write here \(No space left"),
        writable(tmp_path),
    ):
        raise full
    with pytest.raises(ConnectionError), writable(tmp_path):
        raise ConnectionError("another matter")
