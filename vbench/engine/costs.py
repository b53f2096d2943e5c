"""Estimates what is left from what earlier jobs took, and which jobs should go first.

A job's time grows with its amount of work: steps and batches of a training, patches that are
sampled, subjects that are scored. Earlier jobs tell seconds for each unit of it.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import prod
from statistics import median
from typing import Any

from vbench.engine.job import Job
from vbench.engine.store import Store
from vbench.files import read_json
from vbench.interfaces import length_param
from vbench.registry import Registry

#: Relative weights of stages while nothing is known.
UNKNOWN_SECONDS = {
    "prepare": 1.0,
    "fit-generator": 60.0,
    "synthesise": 5.0,
    "fit-segmenter": 20.0,
    "evaluate": 5.0,
    "audit": 5.0,
}


#: By plugin, the parameter that is the length of its training.
Lengths = Mapping[str, str]


def training_lengths(registry: Registry) -> Lengths:
    """Return the parameter that is the length of training, by plugin that has one."""
    found = {entry.cls.name: length_param(entry.cls.Params) for entry in registry.entries()}
    return {name: length for name, length in found.items() if length is not None}


def amount(
    stage: str,
    inputs: Mapping[str, Any],
    lengths: Lengths,
    settled: Mapping[str, Any] | None = None,
) -> float:
    """Return a job's amount of work, in units that only its like share.

    Args:
        stage: Its stage.
        inputs: Its inputs.
        lengths: See :func:`training_lengths`.
        settled: Parameters as they were in the end, of a job that ran.
    """
    asked = {
        axis.partition(".")[2]: value
        for axis, value in ((inputs.get("asking") or {}).get("defaults") or {}).items()
    }
    params = {**asked, **(inputs.get("params") or {}), **(settled or {})}
    if stage == "prepare":
        return float(prod(params.get("shape") or (1,)))
    if stage == "synthesise":
        return float(inputs["n"] * prod(inputs["size"]))
    if stage == "evaluate":
        return float(len(inputs["test"]))
    if stage not in ("fit-generator", "fit-segmenter"):
        return 1.0
    length = lengths.get(inputs["plugin"]["name"])
    if length is None or not params.get(length):  # a rule: what takes time is its validation
        return float(len(inputs.get("val") or (1,)))
    size = (inputs.get("patches") or {}).get("size") or (1,)
    return float(params[length] * params.get("batch_size", 1) * prod(size))


def done_of(store: Store, job: Job) -> float:
    """Return the share of a training that an earlier attempt has done, by its checkpoint."""
    try:
        notes = read_json(store.checkpoint(job.key) / "notes.json")
        return min(1.0, notes["step"] / notes["total"])
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0.0


class Costs:
    """Seconds that jobs took, by stage and plugin."""

    def __init__(
        self, records: Iterable[Mapping[str, Any]] = (), lengths: Lengths | None = None
    ) -> None:
        """Learn from earlier records.

        Args:
            records: The store's.
            lengths: See :func:`training_lengths`; None: no training's length is known.
        """
        self._lengths = lengths or {}
        self._own: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self._exact: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._stage: dict[str, list[float]] = defaultdict(list)
        self._estimates: dict[str, float] = {}  # asked for many times a second
        for record in records:
            self.add(record)

    def add(self, record: Mapping[str, Any]) -> None:
        """Learn from one more record; a trial that was skipped or did not end tells nothing."""
        result = record["result"] or {}
        if result.get("skipped") or result.get("pruned") or result.get("diverged"):
            return
        stage, seconds = record["stage"], float(record["seconds"])
        self._estimates.clear()
        method = record.get("method", "")
        work = amount(stage, record.get("inputs") or {}, self._lengths, result.get("params"))
        self._own[record.get("benchmark", ""), stage, method].append(seconds / work)
        self._exact[stage, method].append(seconds / work)
        self._stage[stage].append(seconds)

    def known(self, job: Job) -> bool:
        """Whether an earlier job of this stage was timed."""
        return job.stage in self._stage

    def estimate(self, job: Job) -> float:
        """Return the seconds that a job will take: the median of its like, for as much work.

        Those of its own benchmark, else of its plugin; else of its stage, whatever the work.
        """
        if job.key not in self._estimates:
            like = self._own.get((job.benchmark, job.stage, job.method))
            like = like or self._exact.get((job.stage, job.method))
            if like:
                seconds = median(like[-50:]) * amount(job.stage, job.inputs, self._lengths)
            else:
                others = self._stage.get(job.stage)
                seconds = median(others[-50:]) if others else UNKNOWN_SECONDS[job.stage]
            self._estimates[job.key] = seconds
        return self._estimates[job.key]

    def left(self, jobs: Iterable[Job], slots: int) -> float:
        """Return the seconds until all are done, if they spread evenly over the slots."""
        return sum(self.estimate(job) for job in jobs) / max(1, slots)

    def urgency(self, jobs: Mapping[str, Job]) -> dict[str, float]:
        """Return for each job the length of the longest chain that waits for it, itself included.

        Starting with the most urgent keeps all workers busy to the end.
        """
        longest: dict[str, float] = {}
        waiting: dict[str, list[str]] = defaultdict(list)
        for key, job in jobs.items():
            for need in job.needs:
                waiting[need].append(key)
        for key in reversed(list(jobs)):  # a plan lists each job after those that it reads
            after = max((longest[k] for k in waiting[key]), default=0.0)
            longest[key] = self.estimate(jobs[key]) + after
        return longest


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
        """Take a later report; one that goes back starts anew."""
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
