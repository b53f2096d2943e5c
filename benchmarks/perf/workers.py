"""Two single-threaded worker processes against one with two threads, on a spec with many arms.

In turn, medians; the same jobs, the same total of threads.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMOKE = Path(__file__).resolve().parents[1] / "smoke.toml"
REPEATS = 3
LONGER = ("segmenter.params.steps=60", "generators.0.params.steps=20")


def run(workers: int, threads: int) -> float:
    """Run the smoke spec, made somewhat longer; return wall seconds."""
    settings = (*LONGER, f"compute.threads={threads}")
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
    one, two = [], []
    for _ in range(REPEATS):
        one.append(run(workers=1, threads=2))
        two.append(run(workers=2, threads=1))
    a, b = statistics.median(one), statistics.median(two)
    ratios = [x / y for x, y in zip(one, two, strict=True)]
    print(f"--workers 1, 2 threads: {a:6.1f} s")
    print(f"--workers 2, 1 thread:  {b:6.1f} s")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
