"""What a U-net's budget is worth, to real and to generated patches alike.

Such as ``python benchmarks/budget.py OUT --patches sn=DIR --params '{"steps": 600}'``, where DIR
holds ``images.npy`` and ``labels.npy``, as ``vbench sample ARM 4800 --to DIR`` writes them. U-nets
with the settings of each ``--params`` (otherwise those of ``benchmarks/agreement.py``) learn from
real patches of phantoms that are kept for choosing, and from those of each folder. A row is printed
for each setting: the DSC on five other phantoms, at the threshold that is best on them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import agreement
import numpy as np

from vbench.data.patches import ArrayPatches

SIZE = (16, 16, 16)


def row(
    settings: dict[str, Any], pools: dict[str, Any], judges: list[Any], seeds: list[int]
) -> str:
    """Train a U-net for each pool and seed, and return the row of a table."""
    begun, cells = time.process_time(), []
    for name, patches in pools.items():
        some = seeds if name != "real" else seeds[:1]
        found = [
            agreement.score(agreement.unet(patches, seed=s, **settings), judges)[0] for s in some
        ]
        cells.append(" ".join(f"{dsc:.3f}" for dsc in found))
        if len(found) > 1:
            cells[-1] += f" ({np.mean(found):.3f})"
    spent = time.process_time() - begun
    return f"| {json.dumps(settings)} | {' | '.join(cells)} | {spent:.0f} |"


def main() -> None:
    """Train, and print a row after each setting."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="where phantoms are kept")
    parser.add_argument("--patches", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--params", action="append", default=[], metavar="JSON")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="real: the first")
    chosen = parser.parse_args()
    train, judges = agreement.phantoms(chosen.out, SIZE)
    pools: dict[str, Any] = {"real": train}
    for name, _, folder in (text.partition("=") for text in chosen.patches):
        arrays = [np.load(Path(folder) / f"{kind}.npy") for kind in ("images", "labels")]
        pools[name] = ArrayPatches(*arrays)
    print(f"| settings | {' | '.join(pools)} | seconds |\n|---{'|---' * (len(pools) + 1)}|")
    for text in chosen.params or ["{}"]:
        print(row(json.loads(text), pools, judges, chosen.seeds), flush=True)


if __name__ == "__main__":
    main()
