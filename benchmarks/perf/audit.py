"""Seconds and memory of a privacy audit's basic scores, and how both grow.

``python benchmarks/perf/audit.py [--largest]``: ``copies``, ``nn-ratio``, ``near-copies`` and
``membership-auc`` with floors and ceilings, on one core, each size in a process of its own.
Patches of 16³ are cut from smooth random volumes: quick to make, and as costly to compare as any.
The second size is that of paper.toml; ``--largest`` adds the paper's own 41,000 against 41,000.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

SIZE, EDGE = 16, 48
METRICS = ("copies", "nn-ratio", "near-copies", "membership-auc")
#: Synthetic patches, patches of a patient, training and held-out patients.
SIZES = ((1200, 100, 12, 8), (4800, 400, 12, 8))
LARGEST = (41_000, 1000, 41, 8)
NEEDED = 20.0


@dataclass(frozen=True)
class Cost:
    """What one audit took: processor seconds, and the most memory in bytes, sets included."""

    seconds: float
    memory: int


def patients(n: int, each: int, seed: int) -> tuple[Any, Any]:
    """Make images ``(n · each, 16, 16, 16)`` and labels of patients of smooth noise."""
    import numpy as np
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    images = np.empty((n * each, SIZE, SIZE, SIZE), np.float16)
    for person in range(n):
        volume = ndimage.gaussian_filter(rng.standard_normal((EDGE,) * 3).astype(np.float32), 2)
        volume /= np.abs(volume).max()
        for i, start in enumerate(rng.integers(0, EDGE - SIZE, (each, 3))):
            where = tuple(slice(at, at + SIZE) for at in start)
            images[person * each + i] = volume[where]
    return images, (images > 0.3).astype(np.uint8)


def measure(made: int, each: int, trained: int, held: int) -> Cost:
    """Audit sets of these sizes, in this process."""
    import numpy as np

    from vbench import registry
    from vbench.audit import audit_patches
    from vbench.data.patches import ArrayPatches

    def real(n: int, seed: int) -> ArrayPatches:
        owner = np.repeat(np.arange(n, dtype=np.int32), each)
        return ArrayPatches(*patients(n, each, seed), subject_index=owner)

    images, labels = patients(-(-made // each), each, 2)
    synthetic = ArrayPatches(images[:made], labels[:made])
    training, heldout = real(trained, 0), real(held, 1)
    installed = registry.default().metrics("privacy")
    metrics: list[Any] = [installed[name]() for name in METRICS]
    start = time.process_time()
    audit_patches(synthetic, training, heldout, privacy=metrics, seed=0)
    seconds = time.process_time() - start
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def main() -> int:
    """Print a line for each size; return 1 when an audit of the paper's size takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", action="store_true", help="41,000 against 41,000 too")
    parser.add_argument("--one", nargs=4, type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        cost = measure(*chosen.one)
        print(cost.seconds, cost.memory)
        return 0
    slow = False
    for size in (*SIZES, *([LARGEST] if chosen.largest else [])):
        made, each, trained, held = size
        found = subprocess.run(
            [sys.executable, __file__, "--one", *map(str, size)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        cost = Cost(float(found[0]), int(found[1]))
        print(
            f"{made} synthetic, {trained * each} training, {held * each} held-out patches: "
            f"{cost.seconds:.1f} s, {cost.memory / 2**30:.2f} GiB",
            flush=True,
        )
        slow |= size == SIZES[-1] and cost.seconds > NEEDED
    if slow:
        print(f"needed: {NEEDED:.0f} s at the size of paper.toml")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
