"""Kills a smoke run at random moments; the end result must equal that of an undisturbed run.

    python benchmarks/chaos.py [--kills 20] [--seed 0]

SIGKILL of the parent alone (its workers must leave by themselves) and of the whole process tree, in
turn. Exit code 1 when the results differ, a finished job is lost or done twice, or anything is left
behind: half-written folders, claims, checkpoints, processes.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from vbench.engine.claims import LOCK

SPEC = Path(__file__).with_name("smoke.toml")


def start(out: Path) -> subprocess.Popen[bytes]:
    """Start a run whose trainings are saved after each step, so that kills meet them half-way."""
    often = ["--set", "limits.checkpoint_seconds=0"]
    return subprocess.Popen(
        [sys.executable, "-m", "vbench", "run", str(SPEC), "--out", str(out), *often],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finished(out: Path) -> dict[str, int]:
    """Return the keys of the jobs in a store, and when each was written."""
    return {p.parent.name: p.stat().st_mtime_ns for p in (out / "store").glob("*/record.json")}


def survivors(processes: list[psutil.Process]) -> int:
    """Return how many of these processes are still there after a moment of grace."""
    _, alive = psutil.wait_procs(processes, timeout=10)
    zombies = psutil.STATUS_ZOMBIE  # in a container nobody may be there to collect them
    return sum(p.is_running() and p.status() != zombies for p in alive)


def main() -> int:
    """Run, kill, go on, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        calm, wild = Path(folder) / "calm", Path(folder) / "wild"
        begun = time.monotonic()
        if start(calm).wait() != 0:
            print("the undisturbed run failed")
            return 1
        length = time.monotonic() - begun
        print(f"undisturbed: {len(finished(calm))} jobs in {length:.0f} s", flush=True)
        lost = left = 0
        for kill in range(arguments.kills):
            process = start(wild)
            # Short enough that the kills meet a run at work.
            time.sleep(moments.uniform(0.5, length / 6))
            state = "had ended"
            before = finished(wild)
            if process.poll() is None:
                tree = psutil.Process(process.pid).children(recursive=True)
                process.kill()
                for each in tree if kill % 2 else ():
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
                process.wait()
                left += survivors(tree)
                state = "tree killed" if kill % 2 else "parent killed"
            lost += len(before.items() - finished(wild).items())
            print(f"kill {kill + 1:>2}: {state} with {len(before)} jobs finished", flush=True)
        if start(wild).wait() != 0:
            print("the run after the last kill failed")
            return 1
        cases = [(out / "smoke" / "cases.csv").read_bytes() for out in (calm, wild)]
        places = ("work", "claims", "checkpoints")
        rest = [p.name for name in places for p in (wild / "store" / name).iterdir()]
        rest.remove(LOCK)
        faults = []
        if cases[0] != cases[1]:
            faults.append("cases.csv differs")
        if finished(calm).keys() != finished(wild).keys():
            faults.append("other jobs are in the store")
        if lost:
            faults.append(f"{lost} finished jobs were lost or done twice")
        if left:
            faults.append(f"{left} processes outlived their run")
        if rest:
            faults.append(f"left behind: {', '.join(rest)}")
        print("; ".join(faults) or f"{arguments.kills} kills: the same cases.csv, nothing lost")
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
