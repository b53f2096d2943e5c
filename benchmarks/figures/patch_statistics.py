"""What patches of each generator have in common with real ones, in a few plain numbers.

Call: ``python benchmarks/figures/patch_statistics.py RESULTS BENCHMARK``: a table of real patches
and of each generator's last candidate, a row for each seed. ``vessel``: share of voxels; ``empty``:
share of patches without any; ``between``: standard deviation of the patches' mean intensities, in
[-1, 1]; ``grain``: mean difference between neighbours.
"""

import json
import sys
from pathlib import Path

import numpy as np

from vbench.data.patches import VolumePatches
from vbench.data.prepare import open_volume

DRAWN = 2000


def real(fit, store):
    """Draw real patches ``(n, *size)``, images and labels, as a generator was shown them."""
    inputs = fit["inputs"]
    patches = VolumePatches(
        [open_volume(store / key) for key in inputs["train"]],
        size=tuple(inputs["patches"]["size"]),
        per_subject=inputs["patches"]["per_subject"],
        vessel_centred=inputs["patches"]["vessel_centred"],
        seed=0,
    )
    drawn = patches.draw(DRAWN, np.random.default_rng(0))
    return drawn[:, 0], drawn[:, 1]


def row(name, images, labels):
    """Return a row of the table."""
    inside = tuple(range(1, images.ndim))
    found = (
        (labels > 0).mean(),
        (~(labels > 0).any(axis=inside)).mean(),
        images.mean(axis=inside).std(),
        np.abs(np.diff(images, axis=1)).mean(),
    )
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in found)} |"


if __name__ == "__main__":
    out, benchmark = Path(sys.argv[1]), sys.argv[2]
    lines = (out / benchmark / "records.jsonl").read_text("utf-8").splitlines()
    records = [r for r in map(json.loads, lines) if r["status"] == "ok"]
    fit = next(r for r in records if r["stage"] == "fit-generator" and r["inputs"]["train"])
    print("| patches | vessel | empty | between | grain |\n|---|---|---|---|---|")
    print(row("real", *real(fit, out / "store")))
    last = {}  # the candidates of a fit come in their order
    for record in sorted(
        (r for r in records if r["stage"] == "synthesise"), key=lambda r: r["label"]
    ):
        last[record["label"].partition(" · checkpoint")[0]] = out / "store" / record["key"]
    for name, folder in last.items():
        arrays = [
            np.load(folder / f"{kind}.npy", mmap_mode="r")[:DRAWN].astype(np.float32)
            for kind in ("images", "labels")
        ]
        print(row(name, *arrays))
