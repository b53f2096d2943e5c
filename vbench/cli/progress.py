"""What a person sees while a benchmark runs: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TextColumn

from vbench.cli.common import duration
from vbench.cli.terminal import Console
from vbench.engine.costs import Pace
from vbench.engine.job import Job
from vbench.records.job import JobRecord
from vbench.records.judging import EvaluateResult
from vbench.records.training import FitGeneratorResult, FitSegmenterResult
from vbench.types import JobFailure
from vbench.usertext import counted, size_text

#: Seconds between two lines about the same job, when there is no terminal.
LINE_EVERY = 15.0


class Display(AbstractContextManager["Display"]):
    """Tells of jobs as they go; a :class:`~vbench.engine.runner.Watcher`."""

    def __init__(self, console: Console) -> None:
        """Choose bars or lines by what the console is."""
        self._console = console
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.fields[stage]:>13}", style="cyan"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[values]}", style="dim"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._paces: dict[str, Pace] = {}
        self._said: dict[str, float] = {}
        self._overall: TaskID | None = None
        self._share = ""

    def __enter__(self) -> Display:
        """Begin to show."""
        if self._live:
            self._bars.start()
            self._overall = self._bars.add_task("", total=None, stage="benchmark", values="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear the bars."""
        if self._live:
            self._bars.stop()

    def started(self, job: Job) -> None:
        """Show a new bar."""
        self._said[job.key] = time.monotonic()
        if self._live:
            self._tasks[job.key] = self._bars.add_task(
                job.label, total=None, stage=job.stage, values=""
            )

    def progress(self, job: Job, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Move a job's bar; without a terminal, write a line now and then."""
        now = time.monotonic()
        pace = self._paces.setdefault(job.key, Pace(step, total, now))
        pace.report(step, total, now)
        left = pace.left(now)
        shown = [f"{name} {value:.3g}" for name, value in list(metrics.items())[:2]]
        shown += [] if left is None else [f"{duration(left)} left"]
        text = " · ".join([f"{step}/{total}", *shown])
        if self._live:
            if job.key in self._tasks:
                self._bars.update(self._tasks[job.key], completed=step, total=total, values=text)
        elif now - self._said.get(job.key, now) >= LINE_EVERY:
            self._said[job.key] = now
            self._line(f"  {job.stage} {job.label}: {text}")

    def finished(self, job: Job, record: JobRecord) -> None:
        """Take a job's bar away; say that it is done."""
        self._remove(job)
        seconds = duration(record.seconds)
        told = _outcome(record)
        self._line(
            f"[green]✓[/] [dim]{self._share}[/] {job.stage} {job.label}{told} [dim]{seconds}[/]"
        )
        if isinstance(record.result, EvaluateResult):
            for metric, fault in record.result.metric_faults.items():
                self._line(f"[red]✗[/] metric {metric} failed: {_plain(fault)}")

    def failed(self, job: Job, failure: JobFailure) -> None:
        """Take a job's bar away; say why it failed, with its traceback for the first cause."""
        self._remove(job)
        told = failure.message
        if failure.reason == "upstream":
            told = told.partition(": ")[0]  # why that job failed was said when it did
        self._line(
            f"[red]✗[/] [dim]{self._share}[/] {job.stage} {job.label} "
            f"[red]{failure.reason}[/]: {_plain(told)}"
        )
        if failure.traceback and failure.reason not in ("upstream", "data", "gpu-memory"):
            self._console.print(failure.traceback, style="dim", markup=False, highlight=False)

    def left(self, seconds: float, done: int, total: int) -> None:
        """Move the bar of the whole."""
        width = len(str(total))
        self._share = f"{done:>{width}}/{total}"
        if self._live and self._overall is not None:
            self._bars.update(
                self._overall,
                completed=done,
                total=total,
                values=f"{done}/{total} jobs · about {duration(seconds)} left",
            )

    def needs(self, disk: int, free: int, unknown: int) -> None:
        """Say how much disk the run will take."""
        parts = [f"about {size_text(disk)} of disk"] if disk or not unknown else []
        if unknown:
            parts.append(f"{counted(unknown, 'volume')} of unknown size")
        self._line(f"[dim]{' and '.join(parts)} for new jobs, {size_text(free)} free[/]")

    def _remove(self, job: Job) -> None:
        self._paces.pop(job.key, None)
        task = self._tasks.pop(job.key, None)
        if task is not None:
            self._bars.remove_task(task)

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


def _outcome(record: JobRecord) -> str:
    """Say in a few words what a job found."""
    result = record.result
    if getattr(result, "skipped", None):
        return " [dim]skipped: the arm's time for tuning is used up[/]"
    if isinstance(result, FitSegmenterResult) and result.score is not None:
        pruned = ", pruned" if result.pruned else ""
        return f" [dim]validation[/] {result.score:.3f}{pruned}"
    if isinstance(result, EvaluateResult) and result.cases:
        metric = result.cases[0].metric
        cases = [case for case in result.cases if (case.metric, case.label) == (metric, None)]
        values = [case.value for case in cases if case.status == "ok" and case.value is not None]
        return f" [dim]test {metric}[/] {sum(values) / len(values):.3f}" if values else ""
    if isinstance(result, FitGeneratorResult) and result.candidates:
        collapsed = result.candidates[-1].collapsed
        start = result.went_on_from
        went_on = f" [dim]went on from step {start} of a shorter training[/]" if start else ""
        return f"{went_on} [yellow]collapsed: {collapsed}[/]" if collapsed else went_on
    return ""


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
