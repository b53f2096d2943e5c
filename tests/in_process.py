"""Runs a benchmark's jobs one after the other in this process: no isolation, but cheap."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vbench import api
from vbench.engine.executors.base import Event, Executor, Slots
from vbench.engine.process import Outcome
from vbench.engine.worker import Task, execute, failure_of
from vbench.spec import Spec


class InProcess(Executor):
    """Does each task where it is submitted."""

    slots = Slots(total=1, cpu=1)  # type: ignore[assignment]

    def submit(self, key: str, task: Task) -> None:
        """Do it."""

        def report(step: int, total: int, metrics: Mapping[str, float]) -> None:
            self.events.put(Event(key, step, total, metrics))

        try:
            outcome = Outcome(record=execute(task, report))
        except Exception as error:
            outcome = Outcome(failure=failure_of(error, 0.0))
        self.events.put(Event(key, outcome=outcome))

    def close(self) -> None:
        """Nothing is left."""


def run(spec: Spec, out: Path, *, report: bool = False, **how: Any) -> api.RunResult:
    """Run a benchmark in this process.

    Args:
        spec: The benchmark.
        out: The results folder.
        report: Whether to write the report, which takes longer than small jobs do.
        how: As for :func:`vbench.api.run`.
    """
    with patch("vbench.engine.session.make_executor", lambda *_, **__: InProcess()):
        if report:
            return api.run(spec, out, tracking=False, **how)
        with patch("vbench.report.write_report", lambda *_: None):
            return api.run(spec, out, tracking=False, **how)
