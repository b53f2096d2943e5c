"""Tells what happens in a run to the files of results, to the hooks, and to whoever watches."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from vbench.engine import results
from vbench.engine.job import Job
from vbench.engine.runner import Watcher
from vbench.engine.store import Store
from vbench.records.job import JobRecord
from vbench.registry import Registry
from vbench.types import JobFailure


class Teller:
    """Passes on what happens: to the files of results, the hooks, and whoever watches."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        plugins: Registry,
        watcher: Watcher | None,
    ) -> None:
        """Start to count: nothing ran, nothing failed."""
        self.store, self.folder = store, folder
        self.hook = plugins.manager.hook
        self.watcher = watcher
        self.ran = 0
        self.failures: dict[str, JobFailure] = {}

    def started(self, job: Job) -> None:
        """Pass on that a job starts."""
        gently(lambda: self.hook.vbench_job_started(job=job.info))
        if self.watcher:
            self.watcher.started(job)

    def progress(self, job: Job, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Pass on that a job went on."""
        if self.watcher:
            self.watcher.progress(job, step, total, metrics)

    def finished(self, job: Job, record: JobRecord) -> None:
        """Pass on that a job finished."""
        self.ran += 1
        results.append_record(job, record, self.folder)
        told = record.to_json()
        gently(lambda: self.hook.vbench_job_finished(job=job.info, record=told))
        if self.watcher:
            self.watcher.finished(job, record)

    def failed(self, job: Job, failure: JobFailure) -> None:
        """Pass on that a job failed."""
        self.failures[f"{job.stage} {job.label}"] = failure
        record = self.store.failure(job.key)
        if record is not None:
            results.append_record(job, record, self.folder)
        gently(lambda: self.hook.vbench_job_failed(job=job.info, failure=failure))
        if self.watcher:
            self.watcher.failed(job, failure)

    def left(self, seconds: float, done: int, total: int) -> None:
        """Pass on what is left."""
        if self.watcher:
            self.watcher.left(seconds, done, total)


def gently(act: Callable[[], object]) -> None:
    """Call what must not stop a run: a hook of a plugin, or a view; its error is a warning."""
    try:
        act()
    except Exception as error:
        warnings.warn(f"{type(error).__name__}: {error}", stacklevel=3)
