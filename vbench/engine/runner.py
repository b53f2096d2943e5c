"""Runs the jobs of a plan that the store lacks: hands out ready ones, goes on past failures."""

from __future__ import annotations

import heapq
import logging
import queue
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from vbench.engine.claims import Claims
from vbench.engine.costs import Backlog, Costs, Pace, done_of
from vbench.engine.executors import Event, Executor
from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.engine.process import Outcome
from vbench.engine.store import Store
from vbench.engine.worker import Task
from vbench.records.job import Failure, JobRecord
from vbench.types import JobFailure

logger = logging.getLogger(__name__)

#: How often a run does jobs again because a job found their artifacts damaged.
MENDED_AT_MOST = 2
#: Seconds between two checks of jobs that another run is doing.
LOOK_ELSEWHERE = 1.0


class Watcher(Protocol):
    """Whom a run notifies: the console, hooks, the files of results."""

    def started(self, job: Job) -> None:
        """A job starts."""

    def progress(self, job: Job, step: int, total: int, metrics: Mapping[str, float]) -> None:
        """A job went on."""

    def finished(self, job: Job, record: JobRecord) -> None:
        """A job finished; its record is in the store."""

    def failed(self, job: Job, failure: JobFailure) -> None:
        """A job failed."""

    def left(self, seconds: float, done: int, total: int) -> None:
        """An estimate of what is left."""

    def needs(self, disk: int, free: int, unknown: int) -> None:
        """Bytes of disk that new jobs will take, that are free, and volumes of unknown size."""


@dataclass(frozen=True)
class Settings:
    """How a run's tasks are done.

    Attributes:
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Threads of one job.
        plugins: Local plugin files.
        checkpoint_seconds: How often a training is saved.
        keep_states: Whether a generator's training leaves a state for longer ones.
        limit_seconds: Wall time of one job; None: no limit.
        limit_bytes: Resident memory of one job; None: no limit.
    """

    device: str = "auto"
    threads: int = 1
    plugins: tuple[str, ...] = ()
    checkpoint_seconds: float = 60.0
    keep_states: bool = False
    limit_seconds: float | None = None
    limit_bytes: int | None = None


@dataclass
class Runner:
    """One run of a plan on a store.

    Attributes:
        plan: What to do.
        store: What is done.
        executor: Where it is done.
        claims: Keeps other runs off our jobs.
        settings: How.
        watcher: Whom to notify.
        costs: Estimates.
    """

    plan: Plan
    store: Store
    executor: Executor
    claims: Claims
    settings: Settings
    watcher: Watcher
    costs: Costs = field(default_factory=Costs)

    def __post_init__(self) -> None:
        """Start with nothing failed and nothing running."""
        self._failed: dict[str, JobFailure] = {}
        self._running: dict[str, float] = {}
        self._paces: dict[str, Pace] = {}
        self._mended: Counter[str] = Counter()
        self._readers: dict[str, list[str]] = defaultdict(list)
        for key, job in self.plan.jobs.items():
            for need in dict.fromkeys(job.needs):
                self._readers[need].append(key)
        self._urgency = self.costs.urgency(self.plan.jobs)

    def run(self, *, reading: bool = False) -> list[JobFailure]:
        """Do all missing jobs; returns when each is in the store or has failed.

        Args:
            reading: Only the jobs that read data.

        Returns:
            The failures so far.
        """
        jobs = self.plan.jobs
        self._done = {key for key in jobs if self.store.has(key)}
        self._waiting = {
            key
            for key, job in jobs.items()
            if key not in self._done
            and key not in self._failed
            and (not reading or job.reads or job.stage == "prepare")
        }
        self._backlog = Backlog(self.costs)
        for key, job in jobs.items():
            if key not in self._done and key not in self._failed:
                self._backlog.add(job)
        self._missing: dict[str, int] = {}
        self._ready: dict[bool, list[tuple[float, int, str]]] = {True: [], False: []}
        self._elsewhere: list[str] = []
        self._looked = time.monotonic()
        self._places = {key: place for place, key in enumerate(jobs)}
        for key in jobs:  # each after those that it reads
            if key in self._waiting:
                needs = set(jobs[key].needs)
                self._missing[key] = len(needs - self._done)
                if not self._failed.keys().isdisjoint(needs):
                    self._inherit(jobs[key])
                elif self._missing[key] == 0:
                    self._push(key)
        while self._waiting or self._running:
            self._hand_out()
            self._tell_left()
            self._listen()
        return list(self._failed.values())

    def _push(self, key: str) -> None:
        """Note that a job is ready: all that it reads is done."""
        entry = (-self._urgency[key], self._places[key], key)
        heapq.heappush(self._ready[self.plan.jobs[key].gpu], entry)

    def _hand_out(self) -> None:
        """Start ready jobs while there are slots; the most urgent first."""
        now = time.monotonic()
        if self._elsewhere and now - self._looked >= LOOK_ELSEWHERE:
            self._looked = now
            for key in self._elsewhere:
                self._push(key)
            self._elsewhere = []
        slots = self.executor.slots
        for gpu in (True, False):
            while self._ready[gpu] and slots.free(self._count(True), self._count(False), gpu):
                self._start(heapq.heappop(self._ready[gpu])[2])

    def _count(self, gpu: bool) -> int:
        return sum(self.plan.jobs[key].gpu is gpu for key in self._running)

    def _start(self, key: str) -> None:
        """Start a ready job, unless another run did it or is doing it."""
        job = self.plan.jobs[key]
        if self._missing[key] or key not in self._waiting:
            return  # what it reads is done again
        if not self.claims.take(key):
            self._elsewhere.append(key)
            return
        if self.store.has(key):
            self.claims.release(key)
            self._succeed(job, self.store.record(key))
            return
        self._waiting.discard(key)
        self._backlog.add(job, -1)
        self._running[key] = time.monotonic()
        self.watcher.started(job)
        self.executor.submit(key, self._task(job))

    def _task(self, job: Job) -> Task:
        s = self.settings
        return Task(
            job=job.to_json(),
            store=str(self.store.root.resolve()),
            device=s.device,
            gpu=job.gpu,
            threads=s.threads,
            plugins=s.plugins,
            checkpoint_seconds=s.checkpoint_seconds,
            keep_states=s.keep_states,
            limit_seconds=s.limit_seconds,
            limit_bytes=s.limit_bytes,
        )

    def _listen(self) -> None:
        """Handle the executor's events, for a moment."""
        try:
            event = self.executor.events.get(timeout=0.1)
        except queue.Empty:
            return
        while True:
            self._take(event)
            try:
                event = self.executor.events.get_nowait()
            except queue.Empty:
                return

    def _take(self, event: Event) -> None:
        if event.key not in self._running:
            return
        job = self.plan.jobs[event.key]
        if event.outcome is None:
            pace = self._paces.setdefault(event.key, Pace(event.step, event.total))
            pace.report(event.step, event.total)
            self.watcher.progress(job, event.step, event.total, event.metrics)
            return
        del self._running[event.key]
        self._paces.pop(event.key, None)
        self._end(job, event.outcome)
        self.claims.release(event.key)

    def _end(self, job: Job, outcome: Outcome) -> None:
        if outcome.record is not None:
            self._succeed(job, outcome.record)
        elif self.store.has(job.key):  # it was stopped after it had published
            self._succeed(job, self.store.record(job.key))
        elif outcome.failure is not None and not (
            outcome.failure.reason == "damaged" and self._mend(job)
        ):
            self._fail(job, outcome.failure)

    def _mend(self, job: Job) -> bool:
        """Do again what a job read that is damaged, and then the job; False after some times."""
        self._mended[job.key] += 1
        if self._mended[job.key] > MENDED_AT_MOST:
            return False
        again = [job.key]
        for key in self.plan.sources(job.key):
            damage = self.store.damage(key, files=True)
            if damage is None:
                continue
            logger.warning("%s", damage)
            again.append(key)
            with self.claims.changing():  # another run may have done it again meanwhile
                if self.store.damage(key, files=True):
                    self.store.remove([key])
        for key in again:
            self._done.discard(key)
            self._waiting.add(key)
            self._backlog.add(self.plan.jobs[key])
        for key in self._waiting:
            self._missing[key] = len(set(self.plan.jobs[key].needs) - self._done)
        for key in again:
            if self._missing[key] == 0:
                self._push(key)
        return True

    def _succeed(self, job: Job, record: JobRecord) -> None:
        self._leave(job)
        self._done.add(job.key)
        self.costs.add(record)
        for reader in self._readers[job.key]:
            if reader in self._missing:
                self._missing[reader] -= 1
                if self._missing[reader] == 0 and reader in self._waiting:
                    self._push(reader)
        self._tell_left()
        self.watcher.finished(job, record)

    def _leave(self, job: Job) -> None:
        """Remove a job from those that wait, if it is one of them."""
        if job.key in self._waiting:
            self._waiting.discard(job.key)
            self._backlog.add(job, -1)

    def _fail(self, job: Job, failure: JobFailure) -> None:
        self._leave(job)
        self._failed[job.key] = failure
        record = JobRecord(
            **job.about(),
            benchmark=job.benchmark,
            status="failed",
            seconds=failure.seconds,
            inputs=job.inputs,
            failure=Failure(**asdict(failure), stage=job.stage),
        )
        self.store.fail(job.key, record)
        self._tell_left()
        self.watcher.failed(job, failure)
        for reader in self._readers[job.key]:
            if reader in self._waiting:
                self._inherit(self.plan.jobs[reader])

    def _inherit(self, job: Job) -> None:
        """Fail a job because one that it reads failed; the message is the first cause."""
        cause = next(need for need in job.needs if need in self._failed)
        failure = self._failed[cause]
        message = failure.message
        if failure.reason != "upstream":
            upstream = self.plan.jobs[cause]
            message = f"{upstream.stage} {upstream.label}: {failure.reason}: {message}"
        self._fail(job, JobFailure("upstream", message, failure.traceback))

    def _tell_left(self) -> None:
        total = len(self.plan.jobs)
        slots = self.executor.slots.total
        running = sum(self._left_of(key) for key in self._running)
        seconds = (self._backlog.seconds() + running) / slots
        self.watcher.left(seconds, len(self._done) + len(self._failed), total)

    def _left_of(self, key: str) -> float:
        """Return the seconds that a running job still takes: by its pace, when that is known."""
        pace = self._paces.get(key)
        paced = pace.left() if pace else None
        if paced is not None:
            return paced
        job = self.plan.jobs[key]
        rest = self.costs.estimate(job) * (1 - done_of(self.store, job))
        return max(0.0, rest - (time.monotonic() - self._running[key]))
