"""What the harness costs: jobs that do nothing, a finished benchmark again, workers, Dask.

Whole runs of the command. Workers are measured by the clock: that is what two of them save, and
those of Dask are not all waited for. On a machine that is busy otherwise it says little.
"""

from __future__ import annotations

import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

from harness import Found, child, line, needs

SMOKE = Path(__file__).resolve().parents[2] / "smoke.toml"
PAPER = SMOKE.with_name("paper.toml")
#: The arms of the paper's experiment that need no generator, once, with all steps.
REAL = (
    "benchmark.seeds=[0]",
    "generators=[]",
    "regimes={baseline=true,real=true,scratch={subjects=[1,5]}}",
    'tune.parameters=["segmenter.gap","segmenter.gamma"]',
)
#: As small as a run can be.
TINY = (
    "regimes={real=true}",
    "metrics={segmentation=['dsc']}",
    "segmenter.params.steps=2",
    "patches.per_subject=4",
)


def quarter() -> tuple[str, ...]:
    """Return what gives all arms of the paper's experiment a quarter of their steps, once."""
    spec = tomllib.loads(PAPER.read_text(encoding="utf-8"))
    uses = {f"generators.{use['plugin']}": use for use in spec["generators"]}
    uses["segmenter"] = spec["segmenter"]
    steps = (f"{key}.params.steps={use['params']['steps'] // 4}" for key, use in uses.items())
    return ("benchmark.seeds=[0]", *steps)


def command(out: str, *words: str, changes: tuple[str, ...], spec: Path = SMOKE) -> tuple[str, ...]:
    """Return the command of a run."""
    settings = [word for change in changes for word in ("--set", change)]
    return ("-m", "vbench", "run", str(spec), "--out", out, *words, *settings)


def cases(out: str, spec: Path = SMOKE) -> str:
    """Return what a run found."""
    return (Path(out) / spec.stem / "cases.csv").read_text()


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


@line("Dask's workers", peer="local workers, same run", goal=0.5, rounds=1)
def dask(rounds: int) -> Found:
    needs("distributed")
    spent: dict[str, list[float]] = {"dask": [], "local": []}
    found = set()
    for _ in range(rounds):
        for name, times in spent.items():
            with tempfile.TemporaryDirectory() as out:
                words = command(out, "--workers", "1", "--executor", name, changes=TINY)
                times.append(clock(lambda words=words: child(*words)))
                found.add(cases(out))
    assert len(found) == 1
    inputs = "smoke.toml, its real arm with two steps, by the clock"
    return Found(inputs, "the same cases.csv", spent["dask"], spent["local"])


@line("two workers", peer="one worker with two threads", goal=1.6, rounds=1, threads=2,
      why="torch's two threads do the GANs' steps 1.6 times as fast as one: little is left for "
          "two workers to gain; and three GANs do not share two cores evenly.")  # fmt: skip
def workers(rounds: int) -> Found:
    return beside_one(rounds, quarter(), threads=2, what="a quarter of the steps")


@line("two workers, one thread each", peer="one worker with one thread", goal=1.6, rounds=1)
def single(rounds: int) -> Found:
    return beside_one(rounds, REAL, threads=1, what="arms without a generator")


def beside_one(rounds: int, changes: tuple[str, ...], threads: int, what: str) -> Found:
    """Run the paper's experiment in two workers, and in one."""
    spent: dict[int, list[float]] = {1: [], 2: []}
    found = {}
    for _ in range(rounds):
        for count, times in spent.items():
            with tempfile.TemporaryDirectory() as out:
                set_to = (*changes, f"compute.threads={threads if count == 1 else 1}")
                words = command(out, "--workers", str(count), changes=set_to, spec=PAPER)
                times.append(clock(lambda words=words: child(*words)))
                found[count] = cases(out, PAPER)
    assert len(found[1].splitlines()) == len(found[2].splitlines())
    same = "the same cases.csv" if found[1] == found[2] else "as many rows of cases.csv"
    return Found(f"paper.toml, one seed, {what}, by the clock", same, spent[2], spent[1])
