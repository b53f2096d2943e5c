"""Writes eroded and shifted copies of label maps: predictions whose scores can be checked by hand.

The labels are written, too, without the planes at either end of the first axis, so that a shift
loses nothing: then the shifted mask has all voxels of the true one, and none of its border is
further away than the shift; an eroded mask has lost the border and nothing else. What plain
counting of voxels gives, without vbench, is printed.

    python benchmarks/altered_labels.py LABELS OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.ndimage import binary_erosion

#: Voxels along the first axis.
SHIFT = 2


def main(labels: Path, out: Path) -> None:
    """Write ``out/truth``, ``out/eroded`` and ``out/shifted``; print a row for each prediction."""
    print(f"{'':42s} {'|T|':>9s} {'|P|':>9s} {'|P∩T|':>9s} {'dsc':>7s} {'recall':>7s} shift in mm")
    for path in sorted(labels.glob("*.nii.gz")):
        image = nib.load(path)
        truth = np.asarray(image.dataobj) > 0
        truth[: SHIFT + 1] = truth[-SHIFT - 1 :] = False
        unit = {"micron": 1e-3, "meter": 1e3}.get(image.header.get_xyzt_units()[0], 1.0)
        masks = {
            "truth": truth,
            "eroded": binary_erosion(truth),
            "shifted": np.roll(truth, SHIFT, 0),
        }
        for name, mask in masks.items():
            (out / name).mkdir(parents=True, exist_ok=True)
            copy = nib.Nifti1Image(mask.astype(np.uint8), image.affine, image.header)
            copy.set_data_dtype(np.uint8)
            nib.save(copy, out / name / path.name)
            if name == "truth":
                continue
            t, p, both = (int(np.count_nonzero(m)) for m in (truth, mask, truth & mask))
            moved = f"{SHIFT * image.header.get_zooms()[0] * unit:.6f}" if name == "shifted" else ""
            subject = f"{name} {path.name.partition('.')[0]}"
            counts = f"{t:9d} {p:9d} {both:9d} {2 * both / (p + t):7.4f} {both / t:7.4f}"
            print(f"{subject:42s} {counts} {moved}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
