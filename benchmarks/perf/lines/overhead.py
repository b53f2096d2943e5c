"""Overhead by the number of jobs: planning, explaining, handing out and noting, no work in them.

Seconds for a job must stay what they are as the plan grows: each line compares a job of the large
plan with one of a plan of about 100 jobs.
"""

from __future__ import annotations

from collections.abc import Callable

from harness import Found, line
from harnessed import measure


def _line(size: int) -> None:
    def overhead(rounds: int) -> Found:
        ours, peer = [], []
        measure(100)
        for _ in range(rounds):
            for times, wanted in ((peer, 100), (ours, size)):
                jobs, spent = measure(wanted)
                times.append(sum(spent.values()) / jobs)
        return Found("plan, explain, run with a stub, note: a job of them", "all done", ours, peer)

    added: Callable[[int], Found] = overhead
    line(f"overhead at {size:,} jobs", peer="at 100 jobs", goal=0.8,
         rounds=3 if size < 5000 else 1)(added)  # fmt: skip


_line(1000)
_line(5000)
