"""Share of vessel voxels in whole scans of phantoms, and the best threshold in each volume.

Call: ``python benchmarks/figures/share.py``. 312 × 384 × 127 voxels of 0.5 × 0.5 × 0.7 mm (a), and
the same field of view in the voxels of scanner b.
"""

import numpy as np
from vbench_plugins.sources.phantom import Phantom

FIELDS = {
    "a": {"shape": (312, 384, 127), "spacing": (0.5, 0.5, 0.7)},
    "b": {"shape": (260, 320, 99)},
}
SUBJECTS = 2


def main():
    """Print one line per scanner."""
    for scanner, field in FIELDS.items():
        source = Phantom(Phantom.Params(scanner=scanner, **field))
        shares, within, scores = [], [], []
        for name in source.subjects(SUBJECTS):
            made = source.load(name)
            shares.append(100 * made.label.mean())
            within.append(100 * made.label.sum() / made.mask.sum())
            image, truth = made.image[made.mask], made.label[made.mask]
            found = [image > t for t in np.percentile(image, np.linspace(99, 99.9, 10))]
            scores.append(max(2 * (f & truth).sum() / (f.sum() + truth.sum()) for f in found))
        print(
            f"{scanner}: {min(shares):.2f} to {max(shares):.2f} % of all voxels, "
            f"{min(within):.2f} to {max(within):.2f} % of the brain mask; "
            f"best threshold of each volume: DSC {np.mean(scores):.2f}"
        )


if __name__ == "__main__":
    main()
