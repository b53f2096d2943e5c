"""What an executor is: takes tasks, and tells what becomes of them."""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from vbench.engine.process import Outcome
from vbench.engine.worker import Task


@dataclass(frozen=True)
class Event:
    """Progress of a job, or its end.

    Attributes:
        key: The job's key.
        step: Steps done.
        total: Steps in all.
        metrics: Current values.
        outcome: How it ended; None while it runs.
    """

    key: str
    step: int = 0
    total: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    outcome: Outcome | None = None


class Executor(ABC):
    """Runs tasks somewhere; each in a process of its own."""

    def __init__(self) -> None:
        """Start with nothing to tell."""
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    @property
    @abstractmethod
    def slots(self) -> int:
        """How many jobs it runs at once."""

    @abstractmethod
    def submit(self, key: str, task: Task) -> None:
        """Start a job; its events come through ``events``, the last one with its outcome.

        Args:
            key: The job's key.
            task: What to do.
        """

    @abstractmethod
    def close(self) -> None:
        """Stop everything at once."""
