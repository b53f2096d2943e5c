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


@dataclass(frozen=True)
class Slots:
    """How many jobs run at once.

    Attributes:
        total: In all; at least 1.
        cpu: Of those that need no GPU.
        gpu: Of those that take one; None where there are none: then all jobs are alike.
    """

    total: int
    cpu: int
    gpu: int | None = None

    def free(self, on_gpu: int, on_cpu: int, gpu: bool) -> bool:
        """Whether one more job may start.

        Args:
            on_gpu: Jobs that run and take a GPU.
            on_cpu: Jobs that run and take none.
            gpu: Whether the new one takes a GPU.
        """
        if on_gpu + on_cpu >= self.total:
            return False
        if self.gpu is None:
            return True
        return on_gpu < self.gpu if gpu else on_cpu < self.cpu


class Executor(ABC):
    """Runs tasks somewhere, each in its own process."""

    def __init__(self) -> None:
        """Start with nothing to tell."""
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    @property
    @abstractmethod
    def slots(self) -> Slots:
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
