"""What a stage works with: the job, the store, its own folder, and a way to report progress."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vbench.engine.job import Job
from vbench.engine.store import Store
from vbench.errors import PluginError
from vbench.registry import Entry, Registry
from vbench.types import Kind, Volume

#: Called with steps done, steps in all, and current values.
Report = Callable[[int, int, Mapping[str, float]], None]


def cpu_seconds() -> float:
    """Return user and system time of this process and of its children that have ended."""
    return sum(os.times()[:4])


@dataclass(frozen=True)
class Context:
    """One job at work, in the worker's process.

    Attributes:
        job: What to do.
        store: Where upstream artifacts are.
        folder: Where this job's artifacts go.
        registry: The plugins.
        device: Where to compute.
        report: Tells the run how far it is.
        checkpoint_seconds: How often a training is saved.
        cost: What the stage measured of its own work: ``steps``, ``steps_per_second``, and
            ``earlier``, what it had cost before it was interrupted; ends up in the record.
    """

    job: Job
    store: Store
    folder: Path
    registry: Registry
    device: str
    report: Report
    checkpoint_seconds: float
    cost: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What decides the job's result."""
        return self.job.inputs

    def plugin(self, kind: Kind, identity: Mapping[str, Any] | None = None) -> Entry:
        """Return the plugin that was planned, and see that it is the same code here.

        Raises:
            PluginError: When this process has another version of it, as on a worker elsewhere.
        """
        planned = self.inputs["plugin"] if identity is None else identity
        entry = self.registry.get(kind, planned["name"])
        if entry.identity != dict(planned):
            raise PluginError(
                f"{kind} '{planned['name']}' is not the code that was planned (planned "
                f"{_named(planned)}, found {_named(entry.identity)}): it was edited while the run "
                "went on, or this worker has another version; run again, with one version "
                "everywhere"
            )
        return entry

    def volumes(self, name: str) -> list[Volume]:
        """Open the prepared volumes whose keys are listed under this name."""
        from vbench.data.prepare import open_volume

        return [open_volume(self.store.folder(key)) for key in self.inputs[name]]


def _named(identity: Mapping[str, Any]) -> str:
    return f"{identity['distribution']} {identity['version']}, source {identity['source']}"
