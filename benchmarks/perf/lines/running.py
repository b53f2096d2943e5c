"""What the harness costs: jobs that do nothing, a finished benchmark again, workers, Dask.

Whole runs of the command. Two workers against one is the one line measured by the clock, since
that is what two workers save; on a machine that is busy otherwise it says little.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness import Found, child, line, needs

SMOKE = Path(__file__).resolve().parents[2] / "smoke.toml"
#: Eight arms and seeds without a generator: each a training and an evaluation, nothing shared.
MANY_ARMS = (
    "benchmark.seeds=[0,1]",
    "regimes={baseline=true,real=true,scratch={subjects=[1,2]}}",
    "data.target.split={train=3,val=1,test=1}",
    "segmenter.params.steps=40",
)
#: As small as a run can be.
TINY = (
    "regimes={real=true}",
    "metrics={segmentation=['dsc']}",
    "segmenter.params.steps=2",
    "patches.per_subject=4",
)


def command(out: str, *words: str, changes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command of a run."""
    settings = [word for change in changes for word in ("--set", change)]
    return ("-m", "vbench", "run", str(SMOKE), "--out", out, *words, *settings)


def cases(out: str) -> str:
    """Return what a run found."""
    return (Path(out) / "smoke" / "cases.csv").read_text()


def clock(call: Callable[[], object]) -> float:
    """Return wall seconds."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


@line("a finished benchmark again", peer="its first run", goal=10, rounds=2)
def again(rounds: int) -> Found:
    with tempfile.TemporaryDirectory() as out:
        words = command(out, "--workers", "1", changes=TINY)
        first = child(*words)
        found = cases(out)
        ours = [child(*words) for _ in range(rounds)]
        assert cases(out) == found
    return Found("smoke.toml, its real arm with two steps", "the same cases.csv", ours,
                 [first] * rounds)  # fmt: skip


@line("Dask's workers", peer="local workers, same run", goal=0.5, rounds=1, distribution="dask")
def dask(rounds: int) -> Found:
    needs("distributed")
    spent: dict[str, list[float]] = {"dask": [], "local": []}
    found = set()
    for _ in range(rounds):
        for name, times in spent.items():
            with tempfile.TemporaryDirectory() as out:
                words = command(out, "--workers", "1", "--executor", name, changes=TINY)
                times.append(child(*words))
                found.add(cases(out))
    assert len(found) == 1
    return Found("smoke.toml, its real arm with two steps", "the same cases.csv", spent["dask"],
                 spent["local"])  # fmt: skip


@line("two workers", peer="one worker with two threads", goal=1.6, rounds=3, threads=2)
def workers(rounds: int) -> Found:
    one, two = [], []
    for _ in range(rounds):
        for times, count, threads in ((one, 1, 2), (two, 2, 1)):
            with tempfile.TemporaryDirectory() as out:
                changes = (*MANY_ARMS, f"compute.threads={threads}")
                words = command(out, "--workers", str(count), changes=changes)
                times.append(clock(lambda words=words: child(*words)))
    return Found("a spec of eight arms and seeds, by the clock", "as many rows", two, one)
