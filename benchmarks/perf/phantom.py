"""Seconds to make a phantom of the size of a research scan, on one core.

312 × 384 × 127 voxels of 0.5 × 0.5 × 0.7 mm: vessels, head, image, label and mask.
"""

from __future__ import annotations

import os
import statistics
import time

SHAPE, SPACING = (312, 384, 127), (0.5, 0.5, 0.7)
ROUNDS = 3
LIMIT = 10.0


def main() -> None:
    """Make subjects of both scanners, and print seconds of processor time."""
    from vbench import registry

    cls = registry.default().source("phantom")
    print(f"a phantom of {SHAPE}, one core, seconds of processor time")
    medians = []
    for scanner in ("a", "b"):
        source = cls(cls.Params(scanner=scanner, shape=SHAPE, spacing=SPACING))
        seconds = []
        for name in source.subjects(ROUNDS):
            start = time.process_time()
            source.load(name)
            seconds.append(time.process_time() - start)
        medians.append(statistics.median(seconds))
        print(f"scanner {scanner}: median {medians[-1]:.1f} of {ROUNDS}, worst {max(seconds):.1f}")
    print(f"needed: at most {LIMIT:g} s: {'met' if max(medians) <= LIMIT else 'NOT MET'}")


if __name__ == "__main__":
    # Before numpy is imported: one core.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    main()
