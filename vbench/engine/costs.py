"""Estimates what is left from what earlier jobs took, and which jobs should go first.

A job's time grows with its amount of work (:meth:`vbench.engine.stages.base.Stage.amount`). Earlier
jobs tell seconds for each unit of it.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from statistics import median

from vbench.engine.job import Job
from vbench.engine.stages import stage
from vbench.engine.stages.base import Lengths
from vbench.engine.store import Store
from vbench.files import read_json
from vbench.interfaces import length_param
from vbench.records.job import JobRecord
from vbench.registry import Registry

#: Jobs of one kind that an estimate goes by: the last ones.
REMEMBERED = 50
#: Records of a store that a run learns from, the newest: a large one takes minutes to read.
LEARNT_FROM = 5000


def training_lengths(registry: Registry) -> Lengths:
    """Return the parameter that is the length of training, by plugin that has one."""
    found = {entry.cls.name: length_param(entry.cls.Params) for entry in registry.entries()}
    return {name: length for name, length in found.items() if length is not None}


def done_of(store: Store, job: Job) -> float:
    """Return the share of a training that an earlier attempt has done, by its checkpoint."""
    try:
        notes = read_json(store.checkpoint(job.key) / "notes.json")
        return min(1.0, notes["step"] / notes["total"])
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0.0


#: Benchmark, stage and plugin of jobs that are alike.
Kind = tuple[str, str, str]


class _Last:
    """The last values, and their median."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=REMEMBERED)
        self._median: float | None = None

    def add(self, value: float) -> None:
        self._values.append(value)
        self._median = None

    @property
    def median(self) -> float:
        if self._median is None:
            self._median = median(self._values)
        return self._median


class Costs:
    """Seconds that jobs took, by stage and plugin."""

    def __init__(self, records: Iterable[JobRecord] = (), lengths: Lengths | None = None) -> None:
        """Learn from earlier records.

        Args:
            records: The store's.
            lengths: See :func:`training_lengths`; None: no training's length is known.
        """
        self._lengths = lengths or {}
        self._own: dict[Kind, _Last] = defaultdict(_Last)
        self._exact: dict[tuple[str, str], _Last] = defaultdict(_Last)
        self._stage: dict[str, _Last] = defaultdict(_Last)
        self._amounts: dict[str, float] = {}
        for record in records:
            self.add(record)

    def add(self, record: JobRecord) -> None:
        """Learn from one more record; a job that was skipped or did not finish says nothing."""
        work = stage(record.stage)
        if record.result is None or not work.complete(record.result):
            return
        amount = work.amount(record.inputs, self._lengths, record.result)
        self._own[record.benchmark, record.stage, record.method].add(record.seconds / amount)
        self._exact[record.stage, record.method].add(record.seconds / amount)
        self._stage[record.stage].add(record.seconds)

    def known(self, job: Job) -> bool:
        """Whether an earlier job of this stage was timed."""
        return job.stage in self._stage

    def estimate(self, job: Job) -> float:
        """Return the seconds that a job will take: the median of similar jobs, scaled to its work.

        Similar jobs are those of its benchmark, else of its plugin, else of its stage; the last
        are not scaled.
        """
        return self._seconds(_kind(job), 1, self._amount(job))

    def _amount(self, job: Job) -> float:
        if job.key not in self._amounts:
            work = stage(job.stage)
            self._amounts[job.key] = work.amount(job.inputs, self._lengths)
        return self._amounts[job.key]

    def _seconds(self, kind: Kind, jobs: int, amount: float) -> float:
        """Return the seconds that this many jobs of a kind take, with this much work in all."""
        _, name, method = kind
        like = self._own.get(kind) or self._exact.get((name, method))
        if like:
            return like.median * amount
        others = self._stage.get(name)
        return jobs * (others.median if others else stage(name).seconds)

    def urgency(self, jobs: Mapping[str, Job]) -> dict[str, float]:
        """Return for each job the length of the longest chain that waits for it, itself included.

        Starting with the most urgent keeps all workers busy to the end.
        """
        longest: dict[str, float] = {}
        after: dict[str, float] = defaultdict(float)
        # A plan lists each job after those that it reads.
        for key, job in reversed(list(jobs.items())):
            longest[key] = self.estimate(job) + after[key]
            for need in job.needs:
                after[need] = max(after[need], longest[key])
        return longest


class Backlog:
    """The jobs that wait, summed up by kind, so that an estimate needs no walk over all."""

    def __init__(self, costs: Costs) -> None:
        """Start empty."""
        self._costs = costs
        self._kinds: dict[Kind, tuple[int, float]] = {}

    def add(self, job: Job, sign: int = 1) -> None:
        """Add a job; with ``sign`` -1, remove it."""
        jobs, amount = self._kinds.get(_kind(job), (0, 0.0))
        self._kinds[_kind(job)] = jobs + sign, amount + sign * self._costs._amount(job)

    def seconds(self) -> float:
        """Return the seconds that all of them will take, one after the other."""
        found = (self._costs._seconds(kind, *each) for kind, each in self._kinds.items() if each[0])
        return sum(found)


def _kind(job: Job) -> Kind:
    return job.benchmark, job.stage, job.method


class Pace:
    """How fast a running job goes on, by what it did since its first report.

    A resumed training starts with steps that cost nothing in this run.
    """

    def __init__(self, step: int, total: int, now: float | None = None) -> None:
        """Take the first report."""
        self._first = self._step = step
        self._total = total
        self._begun = self._now = time.monotonic() if now is None else now

    def report(self, step: int, total: int, now: float | None = None) -> None:
        """Take a later report; if it goes back, start over."""
        now = time.monotonic() if now is None else now
        if step < self._step:
            self._first, self._begun = step, now
        self._step, self._total, self._now = step, total, now

    def left(self, now: float | None = None) -> float | None:
        """Return the seconds that are left; None before the second report."""
        done = self._step - self._first
        if done <= 0:
            return None
        rest = (self._now - self._begun) / done * (self._total - self._step)
        return max(0.0, rest - ((time.monotonic() if now is None else now) - self._now))
