"""Two single-threaded worker processes against one with two threads, on a spec with many arms.

    python benchmarks/perf/workers.py [--pairs 3]

In turn, medians; the same jobs, the same total of threads. Whole runs of the command: planning,
report and MLflow, which use one core, count in both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMOKE = Path(__file__).resolve().parents[1] / "smoke.toml"
#: Eight arms and seeds without a generator: each a training and an evaluation, nothing shared.
MANY_ARMS = (
    "benchmark.seeds=[0,1]",
    "regimes={baseline=true,real=true,scratch={subjects=[1,2]}}",
    "data.target.split={train=3,val=1,test=1}",
    "segmenter.params.steps=40",
)


def run(workers: int, threads: int) -> float:
    """Run the spec; return wall seconds."""
    settings = (*MANY_ARMS, f"compute.threads={threads}")
    changes = [word for setting in settings for word in ("--set", setting)]
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "vbench", "run", str(SMOKE), "--out", out]
        begun = time.perf_counter()
        subprocess.run(
            [*command, "--workers", str(workers), *changes],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return time.perf_counter() - begun


def main() -> None:
    """Print both and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    one, two = [], []
    for _ in range(parser.parse_args().pairs):
        one.append(run(workers=1, threads=2))
        two.append(run(workers=2, threads=1))
        print(f"1 × 2 threads {one[-1]:6.1f} s    2 × 1 thread {two[-1]:6.1f} s", flush=True)
    ratios = [x / y for x, y in zip(one, two, strict=True)]
    print(f"--workers 1, 2 threads: {statistics.median(one):6.1f} s")
    print(f"--workers 2, 1 thread:  {statistics.median(two):6.1f} s")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
