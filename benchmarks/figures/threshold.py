"""The best threshold that each test volume could have, beside what a run reached.

Call: ``python benchmarks/figures/threshold.py RESULTS``, the folder that benchmarks/phantom.toml
was run into.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from vbench_plugins.sources.phantom import Phantom


def best(made):
    """Return the highest Dice that any threshold of this volume reaches."""
    image, truth = made.image[made.mask], made.label[made.mask]
    low, high = np.percentile(image, [0.5, 99.9])
    found = [image > low + t * (high - low) for t in np.linspace(0.02, 0.98, 97)]
    return max(2 * (f & truth).sum() / (f.sum() + truth.sum()) for f in found)


def main(results):
    """Print one line per scanner."""
    for benchmark, scanner in (("phantom", "a"), ("phantom-b", "b")):
        with (Path(results) / benchmark / "cases.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["metric"] == "dsc"]
        reached = {}
        for row in rows:
            reached.setdefault((row["subject"], row["arm"]), []).append(float(row["value"]))
        subjects = sorted({row["subject"] for row in rows})
        source = Phantom(Phantom.Params(scanner=scanner))
        limit = [best(source.load(name)) for name in subjects]
        real, plain = (
            np.array([np.mean(reached[name, arm]) for name in subjects])
            for arm in ("real", "baseline/threshold")
        )
        print(
            f"{scanner}: U-net {real.mean():.3f}, threshold {plain.mean():.3f}, best of each "
            f"volume {np.mean(limit):.3f}; gaps {np.mean(real - plain):.3f} (median "
            f"{np.median(real - plain):.3f}) and {np.mean(real - limit):.3f}"
        )


if __name__ == "__main__":
    main(sys.argv[1])
