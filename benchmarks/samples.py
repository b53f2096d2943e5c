"""Draws what each generator of a benchmark makes, beside real patches.

``python benchmarks/samples.py results paper results/summaries/methods``: a PNG a generator, of its
last candidate. Above, real patches; below, generated ones; each as image, label and overlay, in
the slice with most vessel, in the order in which they were drawn.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.patches import VolumePatches
from vbench.data.prepare import open_volume
from vbench.figures.pixels import enlarge, patch_sheet, png, tile

SHOWN = 10


def real_patches(fit: dict[str, Any], store: Path) -> Any:
    """Draw real patches, as many vessel-centred ones as the generator was fitted on."""
    inputs = fit["inputs"]
    patches = VolumePatches(
        [open_volume(store / key) for key in inputs["train"]],
        size=tuple(inputs["patches"]["size"]),
        per_subject=inputs["patches"]["per_subject"],
        vessel_centred=inputs["patches"]["vessel_centred"],
        seed=0,
    )
    return patches.draw(SHOWN, np.random.default_rng(0))


def main() -> None:
    """Write the pictures."""
    out, benchmark, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    target.mkdir(parents=True, exist_ok=True)
    lines = (out / benchmark / "records.jsonl").read_text("utf-8").splitlines()
    fits = [r for r in map(json.loads, lines) if r["stage"] == "fit-generator"]
    for fit in (r for r in fits if r["status"] == "ok"):
        label = fit["label"].partition(" · ")[0]
        last = fit["result"]["candidates"][-1]
        made = np.load(out / "store" / fit["key"] / f"samples-{last['index']}.npy")
        sheets = [patch_sheet(p) for p in (real_patches(fit, out / "store"), made[:SHOWN])]
        picture = enlarge(tile([[sheet] for sheet in sheets], gap=3, shade=255), 680)
        (target / f"samples-{label}.png").write_bytes(png(picture))
        print(f"{label}: {target / f'samples-{label}.png'}, step {last['step']}")


if __name__ == "__main__":
    main()
