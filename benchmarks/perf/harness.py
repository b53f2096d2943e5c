"""How a line of the table is measured: in turn, by processor time, results compared first.

A line is a function in ``lines/`` under :func:`line`. Each runs in a process of its own, with one
thread, so that no line finds what another imported or cached. Processor time (user and system, of
the process and of children that ended) is what other work on the machine disturbs least; the two
sides take turns, and the ratio of each round counts, not that of two averages.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

#: A call of so many seconds hides what its first call costs more than later ones.
SLOW = 0.5
HERE = Path(__file__).resolve().parent


class NotInstalledError(Exception):
    """A peer is not installed: its line says so."""


class NoDeviceError(Exception):
    """This machine lacks what a line is measured on: the line says so."""


@dataclass(frozen=True)
class Found:
    """What a line measured.

    Attributes:
        inputs: What both sides were given.
        equal: How their results compare; checked before anything is timed.
        ours: Seconds of processor time, by round.
        peer: The peer's, by round; none where the line has no peer.
        limit: Where the limit is, as a share of the machine's peak.
        note: What else a reader needs.
    """

    inputs: str
    equal: str
    ours: list[float]
    peer: list[float] = field(default_factory=list)
    limit: str = ""
    note: str = ""


@dataclass(frozen=True)
class Line:
    """A line of the table, before it is measured.

    Attributes:
        name: What is measured.
        measure: Does it; the argument is the number of rounds.
        peer: With what it is compared, in words; its distribution in brackets gives the version.
        goal: The least ratio; where there is no peer, the most seconds.
        quick: Whether it is among the quick lines, which guard against regressions.
        rounds: How often each side is measured.
        threads: Of each side.
        why: Why the goal is not met, where it is not.
    """

    name: str
    measure: Callable[[int], Found]
    peer: str = ""
    distribution: str = ""
    goal: float | None = None
    quick: bool = False
    rounds: int = 5
    threads: int = 1
    why: str = ""


#: All lines, by name, in the order of the table.
LINES: dict[str, Line] = {}


def line(name: str, **about: Any) -> Callable[[Callable[[int], Found]], Callable[[int], Found]]:
    """Add a line to the table; the arguments are those of :class:`Line`."""

    def add(measure: Callable[[int], Found]) -> Callable[[int], Found]:
        LINES[name] = Line(name, measure, **about)
        return measure

    return add


def load_lines() -> None:
    """Import all files of lines."""
    for path in sorted((HERE / "lines").glob("[a-z]*.py")):
        importlib.import_module(f"lines.{path.stem}")


def needs_cuda() -> None:
    """See that torch has a GPU.

    Raises:
        NoDeviceError: When it has none.
    """
    import torch

    if not torch.cuda.is_available():
        raise NoDeviceError("no CUDA device")


def on_clock(call: Callable[[], Any]) -> float:
    """Return the wall time of a call that computes on a GPU, until all of it is done there."""
    import torch

    torch.cuda.synchronize()
    begun = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def needs(*distributions: str) -> None:
    """See that peers are installed.

    Raises:
        NotInstalledError: When one is not.
    """
    for name in distributions:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            raise NotInstalledError(name) from None


def seconds(call: Callable[[], Any]) -> float:
    """Return the processor time of a call, of the children that it waited for too."""
    begun = os.times()
    call()
    return sum(os.times()[:4]) - sum(begun[:4])


def fine_seconds(call: Callable[[], Any]) -> float:
    """Return the processor time of a call in this process, to the microsecond."""
    begun = time.process_time()
    call()
    return time.process_time() - begun


def in_turn(
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    rounds: int,
    timer: Callable[[Callable[[], Any]], float] = fine_seconds,
) -> tuple[list[float], list[float]]:
    """Time two calls in turn, the first to go changing with each round.

    What is over before a clock can tell is repeated within its round. What takes long needs no
    warming up: its first call counts.
    """
    repeats = [1, 1]
    found: tuple[list[float], list[float]] = ([], [])
    for side, call in enumerate((ours, peer)):
        took = timer(call)  # also warms up
        if took >= SLOW:
            found[side].append(took)
        elif timer is fine_seconds and took < 0.02:
            repeats[side] = min(50, int(0.05 / max(took, 1e-3)) + 1)
    for number in range(rounds):
        for side in (0, 1) if number % 2 else (1, 0):
            if len(found[side]) > number:
                continue
            call, times = (ours, peer)[side], repeats[side]

            def several(call: Callable[[], Any] = call, times: int = times) -> None:
                for _ in range(times):
                    call()

            found[side].append(timer(call) if times == 1 else timer(several) / times)
    return found


def child(*command: str, **environment: str) -> float:
    """Run a Python command to its end; return its processor time, children of its own included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def ratio(found: dict[str, Any]) -> tuple[float, float, float] | None:
    """Return median, least and largest ratio of the rounds; None where there is no peer."""
    if not found.get("peer"):
        return None
    each = [theirs / mine for mine, theirs in zip(found["ours"], found["peer"], strict=True)]
    return statistics.median(each), min(each), max(each)


def measure_here(name: str, rounds: int | None) -> dict[str, Any]:
    """Measure a line in this process."""
    load_lines()
    chosen = LINES[name]
    try:
        if chosen.distribution:
            needs(chosen.distribution)
        found = asdict(chosen.measure(rounds or chosen.rounds))
    except NotInstalledError as missing:
        return {"missing": str(missing)}
    except NoDeviceError as lacking:
        return {"lacking": str(lacking)}
    version = metadata.version(chosen.distribution) if chosen.distribution else ""
    return {**found, "version": version}


def measure(name: str, rounds: int | None, cores: int = 1) -> dict[str, Any]:
    """Measure a line in a process of its own, with one thread."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "ITK_GLOBAL_DEFAULT_NUMBER_OF")
    environment = {f"{each}_NUM_THREADS": str(cores) for each in names}
    environment |= {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(cores)}
    done = subprocess.run(
        [sys.executable, str(HERE), "--line", name, "--rounds", str(rounds or 0)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment, "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
