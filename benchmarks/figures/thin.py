"""Share of thin vessels among real and generated labels.

Call: ``python benchmarks/figures/thin.py results paper``. Of the voxels of the labels' centre
lines, those whose distance to the background is one voxel at most; beside it, centre-line voxels a
patch. 800 patches each, seed 0, the last candidate.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from vbench.data.patches import VolumePatches
from vbench.data.prepare import open_volume


def tell(name, labels):
    """Print both figures of a set of labels."""
    radii = []
    for label in np.random.default_rng(0).permutation(labels)[:800]:
        mask = np.pad(label > 0, 1)
        if mask.any():
            radii.extend(distance_transform_edt(mask)[skeletonize(mask) > 0])
    print(f"{name:28s} thin {np.mean(np.array(radii) <= 1):.2f}   a patch {len(radii) / 800:.1f}")


def main(results, benchmark):
    """Print them for real patches and each generator."""
    store = Path(results) / "store"
    lines = (Path(results) / benchmark / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    inputs = next(r["inputs"] for r in records if r["stage"] == "fit-generator")
    pool = VolumePatches(
        [open_volume(store / key) for key in inputs["train"]],
        size=tuple(inputs["patches"]["size"]),
        per_subject=inputs["patches"]["per_subject"],
    )
    tell("real", pool.take(np.arange(len(pool)))[:, 1])
    made = [r for r in records if r["stage"] == "synthesise" and r["seed"] == 0]
    last = max(r["result"]["checkpoint"] for r in made)
    for record in made:
        if record["result"]["checkpoint"] == last:
            tell(record["arm"], np.load(store / record["key"] / "labels.npy"))


if __name__ == "__main__":
    main(*sys.argv[1:])
