"""Can checkpoints of a GAN be chosen by how well its labels fit its images?

Such as ``python benchmarks/checkpoints.py OUT --plugin wgan-gp-sn --seed 0``. The GAN learns from
slices of phantoms that are kept for choosing, as in :mod:`agreement`. For each of its evenly spaced
checkpoints a row is appended to ``OUT/checkpoints.jsonl``: ``agree``, the Dice of its labels and
those that a U-net of real patches gives its images, and the DSC of a U-net trained on its patches,
on phantoms to choose by (``chosen_by``) and on others (``told_by``), with their processor time.
``--show`` prints what each way to choose is worth.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from agreement import COMPUTE, phantoms, say, score, teacher, unet
from agreement import dice as overlap

from vbench.data.patches import ArrayPatches
from vbench.layout import image_of, label_of
from vbench.registry import load
from vbench.types import Setup

#: Judging phantoms to choose by; the others tell what the choice is worth.
CHOOSE = 2
SIZE, STEPS, CHECKPOINTS = (32, 32), 400, 4
#: Patches that agreement is taken of.
FEW = 300
UNET = {"steps": 600, "batch_size": 8}


def checkpoints(args: Any) -> Iterator[dict[str, Any]]:
    """Train one GAN and judge each of its checkpoints both ways."""
    folder = Path(args.out)
    train, judges = phantoms(folder, SIZE)
    real, threshold, _ = teacher(folder, train, judges)
    cls: Any = load().generator(args.plugin)
    params = cls.Params(**{"steps": STEPS, **COMPUTE, **json.loads(args.params)})
    gan = cls(params, Setup(SIZE))
    marks = {round(STEPS * (i + 1) / CHECKPOINTS) for i in range(CHECKPOINTS)}
    states = []
    for done, _ in enumerate(gan.fit(train, seed=args.seed), start=1):
        if done in marks:
            states.append((done, gan.weights()))
    for done, weights in states:
        made = cls(params, Setup(SIZE))
        made.load_weights(weights)
        patches = made.sample(len(train), seed=args.seed)
        images, labels = image_of(patches), label_of(patches).astype(np.uint8)
        begun = time.process_time()
        few = np.random.default_rng(0).permutation(len(images))[:FEW]
        agree = overlap(labels[few] > 0, say(real, images[few]) >= threshold)
        between = time.process_time()
        network = unet(ArrayPatches(images, labels), seed=args.seed, **UNET)
        chosen_by = score(network, judges[:CHOOSE])[0]
        ended = time.process_time()
        yield {
            "name": args.name or args.plugin,
            "seed": args.seed,
            "steps": done,
            "agree": agree,
            "chosen_by": chosen_by,
            "told_by": score(network, judges[CHOOSE:])[0],
            "agree_seconds": between - begun,
            "unet_seconds": ended - between,
        }


def show(folder: Path) -> None:
    """Print, for each GAN, the mean DSC of what each way chooses, and what the choice costs."""
    lines = (folder / "checkpoints.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    print(
        "| GAN | seeds | last | by agreement | by a U-net | best | seconds: agreement | a U-net |"
    )
    print("|---" * 8 + "|")
    for name in dict.fromkeys(row["name"] for row in rows):
        groups: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            if row["name"] == name:
                groups.setdefault(row["seed"], []).append(row)
        cells = []
        for key in ("steps", "agree", "chosen_by", "told_by"):
            taken = [max(group, key=lambda row: row[key])["told_by"] for group in groups.values()]
            each = ", ".join(f"{dsc:.3f}" for dsc in taken)
            cells.append(f"{np.mean(taken):.3f} ({each})")
        costs = [
            f"{np.mean([row[key] for group in groups.values() for row in group]):.1f}"
            for key in ("agree_seconds", "unet_seconds")
        ]
        print(f"| `{name}` | {len(groups)} | {' | '.join([*cells, *costs])} |")


def main() -> None:
    """Train, judge and append rows; or show what they say."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--name", default="", help="of the form; default: the plugin's")
    parser.add_argument("--plugin", default="wgan-gp-sn")
    parser.add_argument("--params", default="{}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", action="store_true")
    args = parser.parse_args()
    if args.show:
        show(Path(args.out))
        return
    Path(args.out).mkdir(parents=True, exist_ok=True)
    with (Path(args.out) / "checkpoints.jsonl").open("a") as file:
        for row in checkpoints(args):
            print(row)
            file.write(json.dumps(row) + "\n")
            file.flush()


if __name__ == "__main__":
    main()
