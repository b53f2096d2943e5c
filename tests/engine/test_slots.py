"""GPUs are for jobs that take one: others run beside them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toy_benchmark import toy_plan

from vbench.engine import worker
from vbench.engine.claims import Claims
from vbench.engine.executors import Executor, Slots, local, make_executor
from vbench.engine.executors.local import LocalExecutor
from vbench.engine.job import Job
from vbench.engine.process import Outcome
from vbench.engine.runner import Runner, Settings
from vbench.engine.store import Store
from vbench.engine.worker import Task
from vbench.types import JobFailure


class Silent:
    """A watcher that says nothing."""

    def started(self, job: Job) -> None: ...

    def progress(self, job: Job, step: int, total: int, metrics: Mapping[str, float]) -> None: ...

    def finished(self, job: Job, record: object) -> None: ...

    def failed(self, job: Job, failure: JobFailure) -> None: ...

    def left(self, seconds: float, done: int, total: int) -> None: ...

    def needs(self, disk: int, free: int, unknown: int) -> None: ...


class Pool:
    """Workers that note their device and wait."""

    def __init__(self) -> None:
        self.devices: dict[str, str] = {}
        self.go_on = threading.Event()

    @contextmanager
    def worker(self, threads: int) -> Any:
        yield SimpleNamespace(run=self.run)

    def run(self, task: Task, on_progress: object, cancelled: Callable[[], bool]) -> Outcome:
        self.devices[task.job["label"]] = task.device
        self.go_on.wait(20)
        return Outcome(failure=JobFailure("interrupted", "enough"))

    def close(self) -> None: ...


def task(label: str, *, gpu: bool) -> Task:
    return Task(job={"label": label}, store="", device="cuda", gpu=gpu)


def test_jobs_without_a_gpu_leave_the_gpus_to_others() -> None:
    executor, pool = LocalExecutor(2, gpus=True), Pool()
    executor._pool = pool  # type: ignore[assignment]
    for label in ("prepare a", "prepare b"):
        executor.submit(label, task(label, gpu=False))
    for label in ("fit a", "fit b"):
        executor.submit(label, task(label, gpu=True))
    while len(pool.devices) < 4:
        threading.Event().wait(0.01)
    assert sorted(pool.devices[label] for label in ("fit a", "fit b")) == ["cuda:0", "cuda:1"]
    assert pool.devices["prepare a"] == pool.devices["prepare b"] == "cuda"
    pool.go_on.set()
    executor.close()


def test_slots_count_by_what_a_job_takes() -> None:
    both = Slots(total=4, cpu=2, gpu=2)
    assert both.free(2, 1, gpu=False)
    assert not both.free(2, 1, gpu=True)
    assert not both.free(1, 2, gpu=False)
    alike = Slots(total=2, cpu=2)
    assert alike.free(1, 0, gpu=True)
    assert not alike.free(1, 1, gpu=False)


@pytest.mark.parametrize(
    ("device", "there", "total"), [("cpu", True, 3), ("auto", False, 3), ("auto", True, 6)]
)
def test_only_a_run_on_gpus_has_slots_beside_them(
    device: str, there: bool, total: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.engine.executors.may_have_gpu", lambda: there)
    executor = make_executor("local", workers=3, device=device)
    assert executor.slots.total == total
    executor.close()


class Recorder(Executor):
    """Two GPU slots and two others; notes how many of each kind run at once, then fails all."""

    def __init__(self) -> None:
        super().__init__()
        self.running: dict[str, Task] = {}
        self.most: dict[bool, int] = {True: 0, False: 0}

    @property
    def slots(self) -> Slots:
        return Slots(total=4, cpu=2, gpu=2)

    def submit(self, key: str, task: Task) -> None:
        self.running[key] = task
        same = sum(other.gpu is task.gpu for other in self.running.values())
        self.most[task.gpu] = max(self.most[task.gpu], same)

    def close(self) -> None: ...


def test_a_rule_and_a_preparation_take_no_gpu_and_a_network_does() -> None:
    plan = toy_plan(regimes={"real": True, "synthetic": True, "baseline": True})
    takes = {f"{job.stage} {job.arm}": job.gpu for job in plan.jobs.values()}
    assert takes["fit-segmenter real"]
    assert takes["evaluate real"]
    assert takes["synthesise synthetic/toy-generator"]
    assert not takes["prepare None"]
    assert not takes["fit-segmenter baseline/threshold"]
    assert not takes["evaluate baseline/threshold"]


def test_the_runner_fills_both_kinds_of_slots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = toy_plan(regimes={"real": True, "baseline": True}, benchmark__seeds=[0, 1, 2])
    prepared = {key for key, job in plan.jobs.items() if job.stage == "prepare"}
    store = Store(tmp_path / "store")
    store.create()
    monkeypatch.setattr(store, "has", lambda key: key in prepared)
    executor, claims = Recorder(), Claims(tmp_path / "store" / "claims")
    runner = Runner(plan, store, executor, claims, Settings(), Silent())
    thread = threading.Thread(target=runner.run)
    thread.start()
    for _ in range(100):
        if len(executor.running) == 4:
            break
        threading.Event().wait(0.05)
    assert executor.most == {True: 2, False: 2}
    while thread.is_alive():
        for key in list(executor.running):
            del executor.running[key]
            executor.events.put(
                local.Event(key, outcome=Outcome(failure=JobFailure("error", "no")))
            )
        thread.join(0.05)
    claims.close()


@pytest.mark.parametrize(("cards", "device"), [(1, "cuda:0"), (2, "cuda:1")])
def test_jobs_share_a_gpu_where_there_are_fewer_than_slots(
    monkeypatch: pytest.MonkeyPatch, cards: int, device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: cards)
    assert LocalExecutor(2, gpus=True).slots == Slots(total=4, cpu=2, gpu=2)
    assert worker.device_of("cuda:1") == device


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /dev as Linux has it")
@pytest.mark.parametrize(("name", "there"), [("nvidia3", True), ("kfd", True), ("null", False)])
def test_any_card_counts_and_not_only_the_first(tmp_path: Path, name: str, there: bool) -> None:
    (tmp_path / name).touch()
    assert worker.may_have_gpu(tmp_path) is there


def test_dask_is_told_of_what_its_workers_declare() -> None:
    dask = pytest.importorskip("vbench.engine.executors.dask")
    plain, rich = [{"resources": {}}], [{"resources": {"GPU": 1, "MEMORY": 2**34}}]
    job = Task(job={}, store="", gpu=True, limit_bytes=2**30)
    assert dask.resources(job, plain, gpus=True) == {}
    assert dask.resources(job, rich, gpus=True) == {"GPU": 1, "MEMORY": 2**30}
    assert dask.resources(job, rich, gpus=False) == {"MEMORY": 2**30}
    assert dask.resources(Task(job={}, store=""), rich, gpus=True) == {}
