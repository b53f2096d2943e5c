"""Workers that outlive a run, so that the next one waits for no process to import vbench.

Within a run the engine lends a worker that ended its job well to the next job. In a module of tests
that asks for the fixture ``warm_workers`` it is lent to the module's next run too, when that would
start it in the same surroundings. So what a job leaves behind is found by more jobs, not by fewer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from vbench.engine.executors import local
from vbench.engine.process import WorkerPool, WorkerProcess

#: Bytes of memory beyond which a worker ends with its run: tests limit some to 0.5 GiB.
LIGHT = 200 * 2**20


def surroundings() -> tuple[Any, ...]:
    """Return all that a new worker would take over from this process, but the test's name."""
    variables = sorted(pair for pair in os.environ.items() if pair[0] != "PYTEST_CURRENT_TEST")
    return (sys.executable, Path.cwd(), *sys.path, *variables)


@contextmanager
def warm_workers() -> Iterator[None]:
    """Keep workers from run to run."""
    kept: dict[tuple[Any, ...], list[WorkerProcess]] = {}

    class Pool(WorkerPool):
        def __init__(self) -> None:
            super().__init__()
            self._started_in = surroundings()
            self._idle = kept.pop(self._started_in, [])

        def close(self) -> None:
            with self._lock:
                light = [w for w in self._idle if w.usable and _memory(w) < LIGHT][:2]
                self._idle = [w for w in self._idle if w not in light]
                for worker in kept.pop(self._started_in, []):
                    worker.kill()
                kept[self._started_in] = light
            super().close()

    with patch.object(local, "WorkerPool", Pool):
        try:
            yield
        finally:
            for workers in kept.values():
                for worker in workers:
                    worker.kill()


def _memory(worker: WorkerProcess) -> int:
    try:
        return int(psutil.Process(worker._process.pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return LIGHT
