"""Executor ``local``: worker processes on this machine."""

from __future__ import annotations

import heapq
import os
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from vbench.engine.executors.base import Event, Executor, Slots
from vbench.engine.process import Outcome, WorkerPool
from vbench.engine.worker import Task


def usable_cores() -> int:
    """Return how many cores this process may use: under SLURM or taskset fewer than there are."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


class LocalExecutor(Executor):
    """As many worker processes as slots, each watched by a thread; devices go by slot.

    Where there are GPUs, jobs that take none have their own slots, as many again.
    """

    def __init__(self, workers: int, *, gpus: bool = False) -> None:
        """Make the slots; processes start when they are needed.

        Args:
            workers: Jobs at once.
            gpus: Whether jobs may take a GPU here.
        """
        super().__init__()
        self._pool = WorkerPool()
        self._cancelled = threading.Event()
        self._free = list(range(workers))
        self._lock = threading.Lock()
        total = 2 * workers if gpus else workers
        self._slots = Slots(total=total, cpu=workers, gpu=workers if gpus else None)
        self._threads = ThreadPoolExecutor(total, thread_name_prefix="vbench-job")

    @property
    def slots(self) -> Slots:
        """How many jobs it runs at once."""
        return self._slots

    def submit(self, key: str, task: Task) -> None:
        """Start a job in the next free worker."""
        self._threads.submit(self._watch, key, task)

    def close(self) -> None:
        """Stop everything at once."""
        self._cancelled.set()
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    def _watch(self, key: str, task: Task) -> None:
        slot = None
        if task.gpu and self._slots.gpu:
            with self._lock:
                slot = heapq.heappop(self._free)
                task = replace(task, device=f"{task.device}:{slot}")

        def progress(step: int, total: int, metrics: Mapping[str, float]) -> None:
            self.events.put(Event(key, step, total, metrics))

        try:
            with self._pool.worker(task.threads) as worker:
                outcome = worker.run(task, progress, self._cancelled.is_set)
        except Exception as error:  # no reason to hang
            outcome = Outcome.of_executor(error)
        finally:
            if slot is not None:
                with self._lock:
                    heapq.heappush(self._free, slot)
        self.events.put(Event(key, outcome=outcome))
