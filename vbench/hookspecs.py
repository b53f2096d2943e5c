"""Every hook that a plugin may implement; the whole contract on one page.

A plugin is a module (or any object) that an entry point of group ``vbench`` names, with
functions decorated with ``vbench.hookimpl``. Registration hooks receive a ``register`` callback,
so that the core owns names and collisions::

    import vbench

    @vbench.hookimpl
    def vbench_register_generators(register):
        register(MyGan)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from vbench.interfaces import DataSource, Generator, Metric, Segmenter
from vbench.types import JobFailure, JobInfo

if TYPE_CHECKING:
    from vbench.result import RunResult

hookspec = pluggy.HookspecMarker("vbench")
hookimpl = pluggy.HookimplMarker("vbench")


class Registration:
    """Called once, when plugins are loaded."""

    @hookspec
    def vbench_register_sources(self, register: Callable[[type[DataSource]], None]) -> None:
        """Register data sources.

        Args:
            register: Call it with each :class:`~vbench.interfaces.DataSource` class.
        """

    @hookspec
    def vbench_register_generators(self, register: Callable[[type[Generator]], None]) -> None:
        """Register generators.

        Args:
            register: Call it with each :class:`~vbench.interfaces.Generator` class.
        """

    @hookspec
    def vbench_register_segmenters(self, register: Callable[[type[Segmenter]], None]) -> None:
        """Register segmenters.

        Args:
            register: Call it with each :class:`~vbench.interfaces.Segmenter` class.
        """

    @hookspec
    def vbench_register_metrics(self, register: Callable[[type[Metric]], None]) -> None:
        """Register metrics.

        Args:
            register: Call it with each class of one of the three kinds of metric.
        """


class LifeCycle:
    """Called while a benchmark runs, in the process that was started; an exception is reported."""

    @hookspec
    def vbench_job_started(self, job: JobInfo) -> None:
        """Observe that a job starts.

        Args:
            job: The job.
        """

    @hookspec
    def vbench_job_finished(self, job: JobInfo, record: dict[str, Any]) -> None:
        """Observe that a job finished and its artifacts are on disk.

        Args:
            job: The job.
            record: Its line of ``records.jsonl``.
        """

    @hookspec
    def vbench_job_failed(self, job: JobInfo, failure: JobFailure) -> None:
        """Observe that a job failed.

        Args:
            job: The job.
            failure: Why.
        """

    @hookspec
    def vbench_run_finished(
        self,
        folder: Path,
        leaderboard: dict[str, Any],
        result: RunResult,
        changed: bool,
        tracking: bool,
    ) -> None:
        """Observe that a benchmark ended, complete or not; a tracker logs it here.

        Args:
            folder: The benchmark's folder, with ``cases.csv`` and ``leaderboard.json``.
            leaderboard: The content of ``leaderboard.json``.
            result: The same as an object, with the arms' scores, curves, trials and figures.
            changed: False when every job was cached, and leaderboard and report were up to date.
            tracking: False when the person wants no tracker to log this run.
        """


class CommandLine:
    """Called when the command line is to know the commands of plugins."""

    @hookspec
    def vbench_cli(self, group: Any) -> None:
        """Add commands to ``vbench``.

        Args:
            group: The ``click.Group``; decorate functions with ``@group.command()``. One for
                ``vbench data`` goes to ``group.get_command(click.Context(group), "data")``.
        """
