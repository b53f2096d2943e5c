"""Executor ``submitit``: each job is one of a SLURM cluster's queue, or a process of this machine.

The queue gives it what its stage needs: a GPU where the stage computes on one, the memory and time
of ``limits``, as many cores as threads. The job does its task in a worker below it, as with every
executor, and leaves how it ended as JSON beside submitit's logs; nothing that comes back is
unpickled. All nodes must see the results folder under the same path.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import submitit

from vbench.engine.executors.base import Event, Executor, Slots
from vbench.engine.process import Outcome, WorkerPool
from vbench.engine.worker import Task
from vbench.errors import SpecError, did_you_mean
from vbench.files import read_json, write_json
from vbench.types import JobFailure

CLUSTERS = ("slurm", "local", "debug")
#: Seconds between two looks at the queue.
LOOK_EVERY = 0.5
#: Minutes of a job without ``limits.seconds``; ``SBATCH_TIMELIMIT`` overrides it.
MINUTES = 24 * 60
#: Minutes for starting Python, beyond the limit of a job.
SPARE_MINUTES = 5


class SubmititExecutor(Executor):
    """Submits each job to a queue and looks every so often which have ended."""

    def __init__(self, workers: int, cluster: str | None, *, gpus: bool = False) -> None:
        """Find the queue.

        Args:
            workers: Jobs in the queue at once.
            cluster: ``slurm``, ``local`` (processes of this machine) or ``debug`` (in this process,
                one after the other); None: SLURM where there is one, else ``local``.
            gpus: Whether jobs may take a GPU.

        Raises:
            SpecError: When there is no such cluster.
        """
        super().__init__()
        if cluster is not None and cluster not in CLUSTERS:
            near = did_you_mean(cluster, CLUSTERS)
            raise SpecError(f"--scheduler: submitit knows no cluster '{cluster}'{near}")
        if cluster == "slurm" and submitit.SlurmExecutor.affinity() < 0:
            raise SpecError("--scheduler slurm: there is no srun on this machine")
        self._cluster, self._gpus = cluster, gpus
        self._slots = Slots(total=workers, cpu=workers)
        self._jobs: dict[str, tuple[submitit.Job[None], Path]] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="vbench-submitit", daemon=True)
        self._watcher.start()

    @property
    def slots(self) -> Slots:
        """How many jobs are in the queue at once."""
        return self._slots

    def submit(self, key: str, task: Task) -> None:
        """Put a job in the queue."""
        folder = Path(task.store).parent / "submitit"
        told = folder / f"{key}.json"
        told.unlink(missing_ok=True)
        queue = submitit.AutoExecutor(folder, cluster=self._cluster)
        queue.update_parameters(**resources(task, gpus=self._gpus))
        made = replace(task, device=f"{task.device}:0")
        job = queue.submit(run_task, made.to_json(), str(told))
        with self._lock:
            self._jobs[key] = job, told

    def close(self) -> None:
        """Take all jobs out of the queue."""
        self._closed.set()
        self._watcher.join()
        for job, _ in self._jobs.values():
            with suppress(Exception):  # it ended meanwhile, or the queue is gone
                job.cancel(check=False)

    def _watch(self) -> None:
        while not self._closed.is_set():
            with self._lock:
                jobs = dict(self._jobs)
            for key, (job, told) in jobs.items():
                if self._closed.is_set():
                    return
                outcome = _outcome(job, told)
                if outcome is not None:
                    with self._lock:
                        del self._jobs[key]
                    self.events.put(Event(key, outcome=outcome))
            time.sleep(LOOK_EVERY)


def resources(task: Task, *, gpus: bool) -> dict[str, Any]:
    """Return what a task asks of the queue, in submitit's words.

    Args:
        task: The task; its limits are those of ``limits.seconds`` and ``limits.memory_gb``.
        gpus: Whether jobs may take a GPU.
    """
    seconds, found = task.limit_seconds, dict[str, Any]()
    found["name"] = f"vbench-{task.job['stage']}"
    found["cpus_per_task"] = task.threads
    found["timeout_min"] = SPARE_MINUTES + math.ceil(seconds / 60) if seconds else MINUTES
    if task.limit_bytes:
        found["mem_gb"] = math.ceil(task.limit_bytes / 2**30)
    if gpus and task.gpu:
        found["gpus_per_node"] = 1
    # A job that is preempted starts again, from its last checkpoint.
    found["slurm_additional_parameters"] = {"requeue": True}
    return found


def run_task(task: Mapping[str, Any], told: str) -> None:
    """Do a task on a node, in a process below, and write how it ended."""
    made = Task.from_json(task)
    pool = WorkerPool()
    try:
        with pool.worker(made.threads) as worker:
            outcome = worker.run(made, lambda step, total, metrics: None, lambda: False)
    except Exception as error:
        outcome = Outcome.of_executor(error)
    finally:
        pool.close()
    write_json(Path(told), outcome.to_json())


def _outcome(job: submitit.Job[None], told: Path) -> Outcome | None:
    """Return how a job ended; None while it waits or runs."""
    if not job.done():
        return None
    try:
        return Outcome.from_json(read_json(told))
    except (OSError, json.JSONDecodeError):
        said = (job.stderr() or "").strip().splitlines()[-1:]
        message = f"the queue ended it: {job.state}; its log is {job.paths.stderr}"
        return Outcome(failure=JobFailure("killed", message, "\n".join(said)))
