"""Kills runs at random moments; what they come to must equal an undisturbed run.

    python benchmarks/chaos.py [--kills 20] [--warm] [--seed 0]

A run is killed while it starts, at a random moment of a random job of each stage, and while it
writes its results: SIGKILL of vbench alone (its workers must leave by themselves) and of its whole
process tree, in turn. It goes on until the next kill; after ten it may end, and the next one begins
in a new folder. ``--warm`` forks all processes from ones that have imported vbench and torch, which
makes a thousand kills a matter of minutes.

Exit code 1 when results or artifacts differ, a finished job is lost or done twice, or anything is
left behind: half-written files, claims, checkpoints, processes.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(ROOT / "tests"))

import warm_python  # noqa: E402 - needs the path

from vbench.cli import main as vbench  # noqa: E402
from vbench.engine import process  # noqa: E402
from vbench.engine.claims import LOCK  # noqa: E402
from vbench.files import read_json  # noqa: E402

NAME = "chaos"
SPEC = ROOT / "benchmarks" / f"{NAME}.toml"
JOBS = ("prepare", "fit-generator", "synthesise", "fit-segmenter", "audit", "evaluate")
PHASES = ("start", *JOBS, "end")
KILLS_A_RUN = 10
#: Seconds that a process may take to leave, and a run to end.
GRACE, PATIENCE = 20, 600
#: Seconds after which vbench removes a half-written file of a process that it cannot know dead.
OLD = 3700


def start(out: Path, python: str | None) -> psutil.Process:
    """Start a run; with a ``python`` to call for its workers it is forked from this process."""
    arguments = ["run", str(SPEC), "--out", str(out), "--no-tracking"]
    if python is None:
        command = [sys.executable, "-m", "vbench", *arguments]
        null = subprocess.DEVNULL
        return psutil.Process(subprocess.Popen(command, stdout=null, stderr=null).pid)

    def become() -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        process.sys = SimpleNamespace(executable=python, path=sys.path)  # type: ignore[assignment]
        sys.argv = ["vbench", *arguments]
        vbench()

    forked = multiprocessing.get_context("fork").Process(target=become)
    forked.start()
    return psutil.Process(forked.pid)


def below() -> set[psutil.Process]:
    """Return all that this process, and what it started, has started."""
    return set(psutil.Process().children(recursive=True))


def ended(run: psutil.Process, within: float = 0) -> bool:
    """Wait for a run to end; whether it has."""
    with suppress(psutil.TimeoutExpired):
        run.wait(within)
        return True
    return False


class Results:
    """A results folder, and what is known of it."""

    def __init__(self, out: Path) -> None:
        """Begin with nothing done."""
        self.out, self.store = out, out / "store"
        self.kept: dict[str, int] = {}

    def finished(self) -> dict[str, int]:
        """Return the keys of the jobs in the store, and when each was written."""
        return {p.parent.name: p.stat().st_mtime_ns for p in self.store.glob("*/record.json")}

    def working(self) -> set[str]:
        """Return the names of folders that jobs write into."""
        return {p.name for p in (self.store / "work").glob("*-*-*")}

    def lost(self) -> int:
        """Return how many jobs that had finished are gone or were done again; learn new ones."""
        now = self.finished()
        lost = len(self.kept.items() - now.items())
        self.kept = now
        return lost

    def age(self) -> None:
        """Make half-written files as old as they must be to be removed."""
        for path in self.out.rglob(".tmp-*"):
            os.utime(path, (time.time() - OLD,) * 2)

    def files(self) -> set[str]:
        """Return the names of all files, but for the lock's and of what was logged."""
        names = {p.relative_to(self.out).as_posix() for p in self.out.rglob("*") if p.is_file()}
        return names - {f"store/claims/{LOCK}", f"{NAME}/vbench.log"}

    def artifacts(self) -> dict[str, Any]:
        """Return the SHA-256 of each artifact, by job."""
        return {key: read_json(self.store / key / "record.json")["files"] for key in self.finished()}

    def faults(self, calm: Results) -> Iterator[str]:
        """Compare with the results of an undisturbed run."""
        names = [Path(NAME) / "cases.csv"]
        if any((self.out / n).read_bytes() != (calm.out / n).read_bytes() for n in names):
            yield "cases.csv differs"
        if self.artifacts() != calm.artifacts():
            yield "other jobs or artifacts are in the store"
        if odd := self.files() ^ calm.files():
            yield f"left behind or missing: {', '.join(sorted(odd))}"
        if lost := self.lost():
            yield f"{lost} finished jobs were lost or done twice"


def main() -> int:
    """Run, kill, go on, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--warm", action="store_true", help="fork processes, which is quicker")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    python = None
    if arguments.warm:
        python = warm_python.start()
        for name in warm_python.IMPORTED:
            importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="vbench-chaos-") as folder:
        return Chaos(Path(folder), python, random.Random(arguments.seed)).kill(arguments.kills)


if __name__ == "__main__":
    sys.exit(main())
