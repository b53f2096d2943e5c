"""Results are the same wherever the jobs run."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from toy_benchmark import toy_spec

from vbench import api
from vbench.engine.job import Job
from vbench.errors import SpecError
from vbench.types import JobFailure


def cases(out: Path, **how: object) -> bytes:
    result = api.run(toy_spec(tune={"trials": 2}), out, tracking=False, **how)  # type: ignore[arg-type]
    assert result.ok
    return (result.folder / "cases.csv").read_bytes()


def test_local_1_local_2_and_dask_give_the_same_cases(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    one = cases(tmp_path / "one", workers=1)
    assert one == cases(tmp_path / "two", workers=2)
    assert one == cases(tmp_path / "dask", workers=2, executor="dask")


class Assassin:
    """Kills the Dask worker under the first training."""

    def __init__(self) -> None:
        self.killed: list[int] = []

    def started(self, job: Job) -> None: ...

    def progress(self, job: Job, step: int, total: int, metrics: object) -> None:
        if job.stage == "fit-generator" and not self.killed:
            for process in psutil.Process().children(recursive=True):
                if "vbench.engine.worker" in process.cmdline():
                    parent = process.parent()
                    assert parent is not None
                    self.killed.append(parent.pid)
                    os.kill(parent.pid, signal.SIGKILL)
                    break

    def finished(self, job: Job, record: object) -> None: ...

    def failed(self, job: Job, failure: JobFailure) -> None: ...

    def left(self, seconds: float, done: int, total: int) -> None: ...

    def needs(self, disk: int, free: int, unknown: int) -> None: ...


def test_a_run_outlives_the_death_of_a_dask_worker(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    assassin = Assassin()
    spec = toy_spec(
        generators=[{"plugin": "toy-generator", "params": {"steps": 20, "step_seconds": 0.1}}]
    )
    result = api.run(spec, tmp_path, workers=2, executor="dask", watcher=assassin, tracking=False)
    assert assassin.killed
    assert result.ok


def test_an_unknown_executor_and_a_silent_scheduler_are_said(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="did you mean 'dask'"):
        api.run(toy_spec(), tmp_path, executor="dusk", tracking=False)


#: submitit leaves the logs of its debug jobs open.
LEFT_OPEN = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@LEFT_OPEN
@pytest.mark.parametrize("cluster", ["local", "debug"])
def test_submitit_gives_the_same_cases(tmp_path: Path, cluster: str) -> None:
    pytest.importorskip("submitit")
    spec, how = toy_spec(regimes={"real": True}), {"workers": 2, "tracking": False}
    local = api.run(spec, tmp_path / "local", **how)
    queued = api.run(spec, tmp_path / "queue", executor="submitit", scheduler=cluster, **how)
    assert queued.ok
    found = [(run.folder / "cases.csv").read_bytes() for run in (local, queued)]
    assert found[0] == found[1]


@LEFT_OPEN
def test_a_failure_on_a_queue_is_that_of_its_job(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    segmenter = {"plugin": "toy-segmenter", "params": {"fault": "abort"}}
    spec = toy_spec(regimes={"real": True}, segmenter=segmenter)
    how = {"executor": "submitit", "scheduler": "local", "workers": 2}
    result = api.run(spec, tmp_path, tracking=False, **how)
    assert not result.ok
    assert {row["status"] for row in result.board["rows"]} == {"failed"}


def test_a_stage_asks_the_queue_for_what_it_needs() -> None:
    pytest.importorskip("submitit")
    from vbench.engine.executors.submitit import MINUTES, resources
    from vbench.engine.worker import Task

    job = {"stage": "fit-segmenter"}
    plain = resources(Task(job, "store", threads=4), gpus=True)
    assert plain["cpus_per_task"] == 4
    assert plain["timeout_min"] == MINUTES
    assert {"gpus_per_node", "mem_gb"}.isdisjoint(plain)
    limited = Task(job, "store", gpu=True, limit_seconds=90.0, limit_bytes=5 * 2**29)
    asked = resources(limited, gpus=True)
    assert (asked["gpus_per_node"], asked["timeout_min"], asked["mem_gb"]) == (1, 7, 3)
    assert "gpus_per_node" not in resources(limited, gpus=False)


def test_a_cluster_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    with pytest.raises(SpecError, match="did you mean 'slurm'"):
        api.run(toy_spec(), tmp_path, executor="submitit", scheduler="slrum", tracking=False)
