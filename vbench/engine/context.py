"""What a stage works with: the job, the store, its own folder, and a way to report progress."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vbench.engine.job import Job, identity
from vbench.engine.store import Store
from vbench.errors import PluginError
from vbench.records.parts import PluginIdentity
from vbench.registry import Entry, Registry
from vbench.types import Kind

#: Called with steps done, steps in all, and current values.
Report = Callable[[int, int, Mapping[str, float]], None]


def cpu_seconds() -> float:
    """Return user and system time of this process and of its children that have ended."""
    return sum(os.times()[:4])


@dataclass
class Cost:
    """What a stage measured about its work; ends up in the record.

    Attributes:
        steps: Steps of a training, or patches sampled.
        steps_per_second: Of a training, from its second step on, without validations.
        validation_seconds: What a training's validations, previews and candidates took.
        earlier_seconds: Wall time before it was interrupted.
        earlier_cpu_seconds: Processor time before it was interrupted.
    """

    steps: int | None = None
    steps_per_second: float | None = None
    validation_seconds: float | None = None
    earlier_seconds: float = 0.0
    earlier_cpu_seconds: float = 0.0


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
        keep_states: Whether a generator's training leaves a state for longer ones.
        cost: What the stage measured about its work.
    """

    job: Job
    store: Store
    folder: Path
    registry: Registry
    device: str
    report: Report
    checkpoint_seconds: float
    keep_states: bool = False
    cost: Cost = field(default_factory=Cost)

    def plugin(self, kind: Kind, planned: PluginIdentity) -> Entry:
        """Return the plugin that was planned, and see that it is the same code here.

        Raises:
            PluginError: When this process has another version of it, as on a worker elsewhere.
        """
        entry = self.registry.get(kind, planned.name)
        here = identity(entry)
        if here != planned:
            raise PluginError(
                f"{kind} '{planned.name}' is not the code that was planned (planned "
                f"{_named(planned)}, found {_named(here)}): it was edited while the run "
                "went on, or this worker has another version; run again, with one version "
                "everywhere"
            )
        return entry


def _named(plugin: PluginIdentity) -> str:
    return f"{plugin.distribution} {plugin.version}, source {plugin.source}"
