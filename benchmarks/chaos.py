"""Kills runs at random moments; what they come to must equal an undisturbed run.

    python benchmarks/chaos.py [--kills 20] [--warm] [--seed 0]

Kills meet a run while it starts, at a random moment of a random job of each stage, and while it
writes its results: SIGKILL of vbench alone (its workers must leave by themselves) and of its whole
process tree, in turn. Each time the same command goes on; after twenty it may end, and the next
run begins in a new folder. ``--warm`` forks all processes from ones that have imported vbench and
torch already: a thousand kills are then a matter of minutes.

Exit code 1 when scores or artifacts differ, a finished job is lost or done twice, or anything is
left behind: half-written files, claims, checkpoints, processes.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(1, str(ROOT / "tests"))

import warm_python  # noqa: E402 - needs the path

from vbench import api  # noqa: E402
from vbench.cli import main as vbench  # noqa: E402
from vbench.engine import process  # noqa: E402
from vbench.engine.claims import LOCK  # noqa: E402
from vbench.files import read_json  # noqa: E402

SPEC = ROOT / "tests" / "fixtures" / "chaos.toml"
STAGES = ("prepare", "fit-generator", "synthesise", "fit-segmenter", "audit", "evaluate")
#: Where runs are killed, in the order in which they come there.
PHASES = ("start", *STAGES, "end")
KINDS = ("vbench killed", "tree killed")
KILLS_A_RUN = 20
#: Characters that are shown of what a run said that failed.
LAST = 1500
#: Seconds that a process may take to leave, and a run to end.
GRACE, PATIENCE = 20, 600
#: Seconds after which a half-written file is nobody's, and a run removes it.
OLD = 7200


@dataclass(frozen=True)
class Results:
    """A results folder."""

    out: Path

    @property
    def told(self) -> Path:
        """The file with all that its runs printed."""
        return self.out.with_suffix(".log")

    def start(self, python: str | None) -> psutil.Process:
        """Start a run; with a ``python`` to call for its workers, it is forked from here."""
        for path in self.out.rglob(".tmp-*"):
            os.utime(path, (time.time() - OLD,) * 2)
        arguments = ["run", str(SPEC), "--out", str(self.out), "--no-tracking"]
        with self.told.open("ab") as told:
            if python is None:
                command = [sys.executable, "-m", "vbench", *arguments]
                return psutil.Process(subprocess.Popen(command, stdout=told, stderr=told).pid)

            def become() -> None:
                os.dup2(told.fileno(), 1)
                os.dup2(told.fileno(), 2)
                sys.argv = ["vbench", *arguments]
                warm = SimpleNamespace(executable=python, path=sys.path)
                with patch.object(process, "sys", warm):
                    vbench()

            forked = multiprocessing.get_context("fork").Process(target=become)
            forked.start()
            return psutil.Process(forked.pid)

    def end(self, python: str | None) -> None:
        """Let a run go on to its end."""
        run = self.start(python)
        if not ended(run, PATIENCE) or run.wait() != 0:
            raise SystemExit(f"a run failed:\n{self.told.read_text()[-2000:]}")

    def working(self) -> set[str]:
        """Return the names of the folders that jobs write into, which begin with the key."""
        return {path.name for path in (self.out / "store" / "work").glob("*-*-*")}

    def finished(self) -> dict[str, int]:
        """Return the keys of the jobs in the store, and when each was written."""
        found = (self.out / "store").glob("*/record.json")
        return {path.parent.name: path.stat().st_mtime_ns for path in found}

    def records(self) -> dict[str, Any]:
        """Return the records in the store, by key."""
        found = (self.out / "store").glob("*/record.json")
        return {path.parent.name: read_json(path) for path in found}

    def files(self) -> set[str]:
        """Return the names of all files, but for the lock's and the log's."""
        names = {p.relative_to(self.out).as_posix() for p in self.out.rglob("*") if not p.is_dir()}
        return names - {f"store/claims/{LOCK}", "chaos/vbench.log"}

    def faults(self, calm: Results) -> Iterator[str]:
        """Compare with the results of an undisturbed run."""
        scores = [(each.out / "chaos" / "cases.csv").read_bytes() for each in (self, calm)]
        if scores[0] != scores[1]:
            yield "cases.csv differs"
        sums = [{key: r["files"] for key, r in each.records().items()} for each in (self, calm)]
        if sums[0].keys() != sums[1].keys():
            yield "other jobs are in the store"
        elif odd := [key for key in sums[0] if sums[0][key] != sums[1][key]]:
            yield f"other artifacts: {', '.join(odd)}"
        if names := self.files() ^ calm.files():
            yield f"missing or left behind: {', '.join(sorted(names))}"


class Chaos:
    """Kills, and what came of them.

    Attributes:
        met: Kills by what was at work, and by kind.
        kills: How many there were.
        runs: Runs that went on to their end after their kills, and were compared.
        faults: What was wrong.
    """

    def __init__(self, folder: Path, python: str | None, seed: int) -> None:
        """Do the undisturbed run."""
        self.folder, self.python, self.random = folder, python, random.Random(seed)
        self.others = below()
        self.met: Counter[tuple[str, str]] = Counter()
        self.kills = self.runs = 0
        self.faults: list[str] = []
        self.calm = Results(folder / "calm")
        self.seconds: dict[str, float] = {}
        self.end(self.calm)
        self.stages = {key: record["stage"] for key, record in self.calm.records().items()}
        print(f"undisturbed: {len(self.stages)} jobs", flush=True)

    def end(self, results: Results) -> None:
        """Let a run go on to its end, and note how long everything takes at present."""
        begun = time.time()
        results.end(self.python)
        now = time.time()
        self.seconds |= {key: record["seconds"] for key, record in results.records().items()}
        written = {key: at / 1e9 for key, at in results.finished().items() if at / 1e9 > begun}
        if written:
            first = min(written[key] - self.seconds[key] for key in written)
            self.seconds |= {"start": max(0, first - begun), "end": now - max(written.values())}

    def disturb(self, kills: int) -> None:
        """Kill a run at so many moments, let it end, and compare."""
        wild = Results(self.folder / f"wild-{self.runs}")
        known = len(self.faults)
        for phase in sorted(self.random.choices(PHASES, k=kills), key=PHASES.index):
            self.faults += self.kill(wild, phase)
        kept = wild.finished()
        self.end(wild)
        self.faults += [*lost(kept, wild), *wild.faults(self.calm)]
        self.runs += 1
        found = "; ".join(self.faults[known:]) or "no fault"
        print(f"{self.kills} kills, {self.runs} runs; {found}", flush=True)
        shutil.rmtree(wild.out)

    def kill(self, wild: Results, phase: str) -> Iterator[str]:
        """Start a run and kill it at a moment of a phase, if it comes there; say what is wrong."""
        kept, left_over = wild.finished(), wild.working()
        jobs = sorted(key for key in self.stages if self.stages[key] == phase and key not in kept)
        if phase in STAGES and not jobs:
            return
        target = self.random.choice(jobs) if jobs else phase
        run = wild.start(self.python)
        while not ended(run) and not self.reached(target, wild, left_over):
            time.sleep(0.005)
        if ended(run, self.random.uniform(0, self.seconds[target])):
            if run.wait() != 0:
                told = wild.told.read_text(encoding="utf-8", errors="replace")
                yield f"exit code {run.wait()}, having said …{told[-LAST:]!r}"
            return
        tree, done = below() - self.others, wild.finished()
        at = {self.stages[name.partition("-")[0]] for name in wild.working() - left_over}
        kind = KINDS[self.kills % 2]
        run.kill()
        for each in tree if kind == "tree killed" else ():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        run.wait()
        if n := survivors(tree | (below() - self.others)):
            yield f"{n} processes outlived their run"
        yield from lost(kept | done, wild)
        self.kills += 1
        if not at:
            at = {
                "end" if len(done) == len(self.stages) else "start" if kept == done else "between"
            }
        self.met.update((each, kind) for each in at)

    def reached(self, target: str, wild: Results, left_over: set[str]) -> bool:
        """Whether a run has come to a phase or to a job, or is past it."""
        done = wild.finished()
        if target in ("start", "end"):
            return target == "start" or len(done) == len(self.stages)
        return target in done or any(n.startswith(target) for n in wild.working() - left_over)

    def table(self) -> str:
        """Return what was at work, by kind of kill, as Markdown."""
        rows = [
            (phase, *(str(self.met[phase, kind]) for kind in KINDS))
            for phase in (*PHASES[:-1], "between", "end")
        ]
        rows = [("at work", *KINDS), ("---",) * 3, *rows]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def lost(kept: dict[str, int], wild: Results) -> Iterator[str]:
    """Say how many finished jobs are no longer there, or were done again."""
    if gone := kept.items() - wild.finished().items():
        yield f"{len(gone)} finished jobs were lost or done twice"


def ended(run: psutil.Process, within: float = 0) -> bool:
    """Whether a run ends within so many seconds."""
    with suppress(psutil.TimeoutExpired):
        run.wait(within)
        return True
    return False


def below() -> set[psutil.Process]:
    """Return all that this process has started, and what that has."""
    return set(psutil.Process().children(recursive=True))


def survivors(processes: set[psutil.Process]) -> int:
    """Return how many of these processes are still there after a moment of grace."""
    begun = time.monotonic()
    while (left := sum(map(lives, processes))) and time.monotonic() < begun + GRACE:
        time.sleep(0.01)
    return left


def lives(process: psutil.Process) -> bool:
    """Whether a process lives; in a container nobody may be there to collect those that do not."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def main() -> int:
    """Run, kill, go on, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--warm", action="store_true", help="fork processes, which is quicker")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    python = None
    if options.warm:
        python = warm_python.start()
        for name in warm_python.IMPORTED:
            importlib.import_module(name)
        api.plan(SPEC)  # reads the code of plugins, once
        quiet, ping = subprocess.DEVNULL, ["-P", "-m", "vbench.engine.worker", "0"]
        subprocess.run([python, *ping], stdin=quiet, stderr=quiet)  # until the server is there
        gc.freeze()
    with tempfile.TemporaryDirectory(prefix="vbench-chaos-") as folder:
        chaos = Chaos(Path(folder), python, options.seed)
        with suppress(KeyboardInterrupt):  # what was found until then counts
            while chaos.kills < options.kills:
                chaos.disturb(min(KILLS_A_RUN, options.kills - chaos.kills))
        for each in below():
            with suppress(psutil.NoSuchProcess):
                each.kill()
    print(chaos.table())
    print(f"{chaos.kills} kills, {chaos.runs} runs, {len(chaos.faults)} faults")
    for fault in chaos.faults:
        print(fault)
    return 1 if chaos.faults else 0


if __name__ == "__main__":
    sys.exit(main())
