"""Kills a smoke run at random moments; the end result must equal that of an undisturbed run.

    python benchmarks/chaos.py [--kills 20] [--seed 0]

The store goes through SIGKILL of the whole process tree, then of the parent alone (its workers
must leave by themselves), in turn. Exit code 1 when the results differ or anything is left behind.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).with_name("smoke.toml")


def start(out: Path) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "vbench", "run", str(SPEC), "--out", str(out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def finished(out: Path) -> set[str]:
    """Return the keys of the jobs in a store."""
    return {path.parent.name for path in (out / "store").glob("*/record.json")}


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
        lost = 0
        for kill in range(arguments.kills):
            process = start(wild)
            # Short enough that most kills meet a run at work.
            time.sleep(moments.uniform(0.5, length / 4))
            ended = process.poll() is not None
            before = finished(wild)
            if not ended:
                if kill % 2:
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            lost += len(before - finished(wild))
            state = "had ended" if ended else "killed"
            print(f"kill {kill + 1:>2}: {state} with {len(before)} jobs finished", flush=True)
        if start(wild).wait() != 0:
            print("the run after the last kill failed")
            return 1
        cases = [(out / "smoke" / "cases.csv").read_bytes() for out in (calm, wild)]
        rest = [p.name for name in ("work", "claims") for p in (wild / "store" / name).iterdir()]
        faults = []
        if cases[0] != cases[1]:
            faults.append("cases.csv differs")
        if finished(calm) != finished(wild):
            faults.append("other jobs are in the store")
        if lost:
            faults.append(f"{lost} finished jobs were lost")
        if rest:
            faults.append(f"left behind: {', '.join(rest)}")
        print("; ".join(faults) or f"{arguments.kills} kills: the same cases.csv, nothing lost")
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
