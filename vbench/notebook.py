"""What Jupyter shows: a run's progress, and tables.

Plain HTML that replaces itself, so that it needs no widgets and stays small when it is saved.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from vbench.engine.job import Job
from vbench.records.job import JobRecord
from vbench.types import JobFailure

#: Seconds between two updates, at least.
EVERY = 0.25


def table(header: Sequence[str], lines: Iterable[Sequence[tuple[str, bool]]]) -> Markup:
    """Return an HTML table, everything escaped.

    Args:
        header: Titles of the columns.
        lines: The cells of each line: text, and whether it is bold.
    """
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in header)
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td><b>{}</b></td>" if bold else "<td>{}</td>").format(text)
                for text, bold in line
            )
        )
        for line in lines
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, rows)


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


class NotebookProgress:
    """Shows the running jobs below a cell; a :class:`~vbench.engine.runner.Watcher`."""

    def __init__(self) -> None:
        """Show nothing yet: a run of which all is cached needs no display."""
        # tqdm, which MLflow imports, asks for widgets that nothing here needs.
        warnings.filterwarnings("ignore", message="IProgress not found")
        self._handle: Any = None
        self._running: dict[str, tuple[Job, str]] = {}
        self._failed: list[str] = []
        self._overall = (0, 0, 0.0)
        self._shown = 0.0
        self._begun = time.monotonic()

    def started(self, job: Job) -> None:
        """Add a line."""
        self._running[job.key] = (job, "")
        self._show()

    def progress(self, job: Job, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """Change a job's line."""
        values = [f"{name} {value:.3g}" for name, value in list(metrics.items())[:2]]
        self._running[job.key] = (job, " · ".join([f"{step}/{total}", *values]))
        self._show()

    def finished(self, job: Job, record: JobRecord) -> None:
        """Take a job's line away."""
        self._running.pop(job.key, None)
        self._show()

    def failed(self, job: Job, failure: JobFailure) -> None:
        """Keep why a job failed."""
        self._running.pop(job.key, None)
        if failure.reason != "upstream":
            self._failed.append(f"{job.stage} {job.label}: {failure.reason}: {failure.message}")
        self._show()

    def left(self, seconds: float, done: int, total: int) -> None:
        """Move the bar of the whole."""
        self._overall = (done, total, seconds)
        self._show()

    def needs(self, disk: int, free: int, unknown: int) -> None:
        """Show nothing: a disk that is too small is a warning already."""

    def close(self) -> None:
        """Leave one line, and the failures."""
        self._running.clear()
        if self._handle is not None:
            self._show(last=True)

    def _show(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self._shown < EVERY:
            return
        self._shown = now
        html = self._html(now - self._begun, last)
        from IPython.display import HTML, display

        if self._handle is None:
            self._handle = display(HTML(html), display_id=True)
        else:
            self._handle.update(HTML(html))

    def _html(self, spent: float, last: bool) -> str:
        from vbench.analysis.wording import duration

        done, total, seconds = self._overall
        words = f"{done} of {total} jobs"
        words += f" done in {duration(spent)}" if last else f", about {duration(seconds)} left"
        bar = Markup('<progress value="{}" max="{}"></progress> {}').format(done, total or 1, words)
        lines = [
            [(job.stage, False), (job.label, False), (text, False)]
            for job, text in self._running.values()
        ]
        failed = Markup("").join(Markup("<div>✗ {}</div>").format(text) for text in self._failed)
        return str(bar + (table(("stage", "job", ""), lines) if lines else Markup("")) + failed)
