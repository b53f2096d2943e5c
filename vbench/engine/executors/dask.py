"""Executor ``dask``: jobs on a Dask cluster, a small one in this machine or any that runs.

SLURM, Kubernetes and clouds come through the usual Dask deployers; all workers must see the
results folder under the same path. Each job still has its own process below the Dask worker,
so that a plugin that aborts or hangs takes no Dask worker with it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

from distributed import Client, Future, LocalCluster, get_worker
from distributed.client import ClosedClientError

from vbench.engine.executors.base import Event, Executor, Slots
from vbench.engine.process import Outcome, WorkerPool
from vbench.engine.worker import Task
from vbench.errors import SpecError, VbenchError
from vbench.types import JobFailure

_TOPIC = "vbench-progress"


class DaskExecutor(Executor):
    """Hands tasks to a Dask scheduler; progress comes back as logged events."""

    def __init__(self, workers: int, scheduler: str | None, *, gpus: bool = False) -> None:
        """Connect to a scheduler, or start one with workers in this machine.

        Args:
            workers: Workers of a cluster in this machine.
            scheduler: Address of a running scheduler; None: a cluster in this machine.
            gpus: Whether jobs may take a GPU.

        Raises:
            SpecError: When no scheduler answers at the address.
        """
        super().__init__()
        self._gpus = gpus
        self._cluster: LocalCluster | None = None
        if scheduler is None:
            self._cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
            )
        try:
            self._client = Client(self._cluster or scheduler, timeout="20s")
        except (OSError, TimeoutError, ValueError) as error:
            raise SpecError(f"--scheduler {scheduler}: no Dask scheduler answers there") from error
        self._futures: dict[str, Future] = {}
        self._closed = threading.Event()
        self._client.subscribe_topic(_TOPIC, self._on_progress)

    @property
    def slots(self) -> Slots:
        """Worker threads of the cluster, which may grow while we run; at least one.

        Where workers declare the resource ``GPU``, as many jobs take one at once as there are.

        Raises:
            VbenchError: When the scheduler is gone.
        """
        workers = self._workers()
        threads = max(1, sum(int(worker["nthreads"]) for worker in workers))
        gpus = int(_declared(workers, "GPU"))
        return Slots(total=threads, cpu=threads, gpu=gpus if self._gpus and gpus else None)

    def _workers(self) -> list[Mapping[str, Any]]:
        workers = self._client.scheduler_info(n_workers=-1).get("workers")
        if workers is None:
            raise VbenchError(
                "the Dask scheduler is gone; what finished is kept, and the same command goes on "
                "from there once it is back"
            )
        return list(workers.values())

    def submit(self, key: str, task: Task) -> None:
        """Start a job on the cluster; a job whose worker dies is started on another one."""
        needs = resources(task, self._workers(), gpus=self._gpus)
        # A job that needs a GPU first: any worker can do the others.
        future = self._client.submit(
            _run,
            key,
            task.to_json(),
            pure=False,
            retries=0,
            resources=needs,
            priority=int("GPU" in needs),
        )
        self._futures[key] = future
        future.add_done_callback(lambda done: self._on_done(key, done))

    def close(self) -> None:
        """Cancel what runs, and end the cluster if it is ours."""
        self._closed.set()
        with suppress(OSError, TimeoutError, RuntimeError, ClosedClientError):  # it may be gone
            self._client.cancel(list(self._futures.values()), force=True)
            self._client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _on_progress(self, event: tuple[float, Mapping[str, Any]]) -> None:
        told = event[1]
        self.events.put(Event(told["key"], told["step"], told["total"], told["metrics"]))

    def _on_done(self, key: str, future: Future) -> None:
        if self._closed.is_set():
            return
        self._futures.pop(key, None)
        try:
            outcome = Outcome.from_json(future.result())
        except Exception as error:  # Dask gave up on it: KilledWorker, lost
            if self._client.status != "running":
                return  # with its scheduler; not the fault of the job
            outcome = Outcome(failure=JobFailure("killed", f"Dask: {error}"))
        self.events.put(Event(key, outcome=outcome))


def resources(task: Task, workers: Sequence[Mapping[str, Any]], *, gpus: bool) -> dict[str, float]:
    """Return how much a task takes of the resources that workers declare: ``GPU``, ``MEMORY``.

    Args:
        task: The task; its memory is the limit of ``limits.memory_gb``, in bytes.
        workers: What the scheduler says of each worker.
        gpus: Whether jobs may take a GPU.
    """
    found: dict[str, float] = {}
    if gpus and task.gpu and _declared(workers, "GPU"):
        found["GPU"] = 1
    if task.limit_bytes and _declared(workers, "MEMORY"):
        found["MEMORY"] = task.limit_bytes
    return found


def _declared(workers: Sequence[Mapping[str, Any]], name: str) -> float:
    """Return how much of a resource all workers declare."""
    return sum(float((worker.get("resources") or {}).get(name, 0)) for worker in workers)


@cache
def _pool() -> WorkerPool:
    """Return the warm workers of this Dask worker."""
    return WorkerPool()


def _run(key: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """Do a task on a Dask worker, in a process below it."""
    dask_worker = get_worker()
    name = dask_worker.get_current_task()

    def unwanted() -> bool:
        """Whether the run was stopped, or died: Dask cancels its tasks, but stops no thread."""
        task = dask_worker.state.tasks.get(name)
        return task is None or task.state != "executing"

    def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
        values = {"key": key, "step": step, "total": total, "metrics": dict(metrics)}
        dask_worker.log_event(_TOPIC, values)

    made = Task.from_json(task)
    made = replace(made, device=f"{made.device}:0")
    with _pool().worker(made.threads) as worker:
        return worker.run(made, progress, unwanted).to_json()
