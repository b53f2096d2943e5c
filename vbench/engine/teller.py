"""Tells what happens in a run to the files of results, to the hooks, and to whoever watches."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pluggy

from vbench.engine import results
from vbench.engine.job import Job
from vbench.engine.runner import Watcher
from vbench.engine.store import Store
from vbench.log import gently
from vbench.records.job import JobRecord
from vbench.registry import Registry
from vbench.types import JobFailure
from vbench.usertext import size_text

logger = logging.getLogger(__name__)


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
        self.plugins = plugins.manager
        self.watcher = watcher
        self.ran = 0
        self.failures: dict[str, JobFailure] = {}

    def started(self, job: Job) -> None:
        """Pass on that a job starts."""
        announce(self.plugins, "vbench_job_started", job=job.info)
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
        announce(self.plugins, "vbench_job_finished", job=job.info, record=record.to_json())
        if self.watcher:
            self.watcher.finished(job, record)

    def failed(self, job: Job, failure: JobFailure) -> None:
        """Pass on that a job failed."""
        self.failures[f"{job.stage} {job.label}"] = failure
        record = self.store.failure(job.key)
        if record is not None:
            results.append_record(job, record, self.folder)
        announce(self.plugins, "vbench_job_failed", job=job.info, failure=failure)
        if self.watcher:
            self.watcher.failed(job, failure)

    def left(self, seconds: float, done: int, total: int) -> None:
        """Pass on what is left."""
        if self.watcher:
            self.watcher.left(seconds, done, total)

    def needs(self, disk: int, free: int, unknown: int) -> None:
        """Pass on what disk the run needs; one that is too small is a warning in any case."""
        if disk > free:
            logger.warning(
                "%s: the new jobs will take about %s, and %s are free; make room, or name another "
                "folder with --out",
                self.store.root,
                size_text(disk),
                size_text(free),
            )
        if self.watcher:
            self.watcher.needs(disk, free, unknown)


def announce(plugins: pluggy.PluginManager, hook: str, **values: Any) -> None:
    """Call a life-cycle hook of each plugin; one that fails is a warning and stops no other.

    Args:
        plugins: The plugins.
        hook: Its name.
        values: Its arguments.
    """
    everyone = plugins.get_plugins()
    for implementation in reversed(getattr(plugins.hook, hook).get_hookimpls()):
        others = everyone - {implementation.plugin}
        call = plugins.subset_hook_caller(hook, others)
        gently(lambda call=call: call(**values), f"a plugin's {hook} failed", logger)  # type: ignore[misc]
