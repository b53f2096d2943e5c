"""Estimates what is left from what earlier jobs took, and which jobs should go first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from vbench.engine.job import Job

#: Relative weights of stages while nothing is known.
UNKNOWN_SECONDS = {
    "prepare": 1.0,
    "fit-generator": 60.0,
    "synthesise": 5.0,
    "fit-segmenter": 20.0,
    "evaluate": 5.0,
    "audit": 5.0,
}


class Costs:
    """Seconds that jobs took, by stage and plugin."""

    def __init__(self, records: Iterable[Mapping[str, Any]] = ()) -> None:
        """Learn from earlier records."""
        self._own: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self._exact: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._stage: dict[str, list[float]] = defaultdict(list)
        self._medians: dict[tuple[str, str, str], float] = {}  # asked for many times a second
        for record in records:
            self.add(record)

    def add(self, record: Mapping[str, Any]) -> None:
        """Learn from one more record; a skipped trial tells nothing."""
        if (record["result"] or {}).get("skipped"):
            return
        stage, seconds = record["stage"], float(record["seconds"])
        self._medians.clear()
        method = record.get("method", "")
        self._own[record.get("benchmark", ""), stage, method].append(seconds)
        self._exact[stage, method].append(seconds)
        self._stage[stage].append(seconds)

    def known(self, job: Job) -> bool:
        """Whether an earlier job of this stage was timed."""
        return job.stage in self._stage

    def estimate(self, job: Job) -> float:
        """Return the seconds that a job will take: the median of its like.

        Those of its own benchmark, else of its plugin, else of its stage.
        """
        kind = (job.benchmark, job.stage, job.method)
        if kind not in self._medians:
            like = self._own.get(kind) or self._exact.get(kind[1:]) or self._stage.get(job.stage)
            self._medians[kind] = median(like[-50:]) if like else UNKNOWN_SECONDS[job.stage]
        return self._medians[kind]

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
