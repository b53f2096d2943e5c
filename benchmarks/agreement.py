"""How well a GAN's labels fit its images, and what a U-net that learns from them is worth.

Such as ``python benchmarks/agreement.py OUT --plugin wgan-gp-sn --name pulled --params
'{"agreement": 10}'``. The generator learns from phantoms that are kept for choosing (``seed =
123``), with 900 steps and the patches of ``paper.toml``, the U-net with 300 steps of 16 patches, as
``paper.toml`` had then; ``--size 32 32`` takes slices, which cost a tenth. A row is appended to
``OUT/rows.jsonl``: the DSC on five other phantoms, at the threshold that is best on them, of U-nets
trained on

- ``own``: the generated patches,
- ``taught``: the same images with the labels that a U-net trained on real patches gives them,
- ``real``: real patches,

and ``agree``, the Dice of the two kinds of labels. Some samples are kept beside it.
``--show`` prints the table of the rows instead, and ``--picture FILE SAMPLES...`` draws kept
samples, real patches first: image, label, overlay.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.patches import ArrayPatches, VolumePatches
from vbench.data.predict import predict_volume
from vbench.data.prepare import open_volume, prepare_subject
from vbench.engine.validation import THRESHOLDS, dice_by_threshold
from vbench.figures.pixels import enlarge, patch_sheet, png, tile
from vbench.files import write_npy
from vbench.layout import image_of, label_of
from vbench.registry import load
from vbench.types import Setup

TRAIN, JUDGE, PER_SUBJECT, SHOWN = 12, 5, 400, 14
COMPUTE = {"precision": "auto", "memory_format": "channels_last", "threads": 1}
UNET = {"intensity": 0.15, "overlap": 0.25, **COMPUTE}
GAN = {"steps": 900, **COMPUTE}


def phantoms(folder: Path, size: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """Return real training patches, and the volumes that judge."""
    cls: Any = load().source("phantom")
    source = cls(cls.Params(seed=123, subjects=TRAIN + JUDGE))
    volumes = []
    for name in source.subjects():
        place = folder / "phantoms" / name
        if not (place / "done").exists():
            place.mkdir(parents=True, exist_ok=True)
            prepare_subject(source.load(name), place, normalise="percentile")
            (place / "done").touch()
        volumes.append(open_volume(place))
    train = VolumePatches(volumes[:TRAIN], size=size, per_subject=PER_SUBJECT)
    return train, volumes[TRAIN:]


def unet(patches: Any, seed: int, **changes: Any) -> Any:
    """Train a U-net as ``paper.toml`` did, with some parameters changed."""
    cls = load().segmenter("unet3d")
    segmenter = cls(cls.Params(**{**UNET, **changes}), Setup(patches.size))
    for _ in segmenter.fit(patches, seed=seed):
        pass
    return segmenter


def score(segmenter: Any, judges: list[Any]) -> tuple[float, float]:
    """Return the mean DSC on the judging volumes at the threshold that is best on them, and it."""
    found = [dice_by_threshold(predict_volume(segmenter, v), v.label, v.labelled) for v in judges]
    mean = np.mean(found, axis=0)
    return float(mean.max()), float(THRESHOLDS[int(mean.argmax())])


def say(segmenter: Any, images: Any) -> Any:
    """Return a segmenter's probabilities of patches, ``(n, *size)``."""
    import torch

    network = segmenter.model()
    with torch.inference_mode(), segmenter.computing().running():
        parts = [
            torch.sigmoid(network(torch.from_numpy(part[:, None]))).numpy()[:, 0]
            for part in np.array_split(np.asarray(images, np.float32), len(images) // 64)
        ]
    return np.concatenate(parts)


def dice(a: Any, b: Any) -> float:
    """Return the Dice of two sets of masks, over all patches."""
    return float(2 * (a & b).sum() / max(1, a.sum() + b.sum()))


def teacher(folder: Path, train: Any, judges: list[Any]) -> tuple[Any, float, float]:
    """Return a U-net trained on real patches, its threshold and its DSC; trained once a size."""
    place = folder / f"real-{len(train.size)}d.npz"
    if not place.exists():
        fitted = unet(train, seed=0)
        dsc, threshold = score(fitted, judges)
        np.savez(place, dsc=dsc, threshold=threshold, **fitted.weights())
    kept = dict(np.load(place))
    dsc, threshold = float(kept.pop("dsc")), float(kept.pop("threshold"))
    cls = load().segmenter("unet3d")
    fitted = cls(cls.Params(**UNET), Setup(train.size))
    fitted.load_weights(kept)
    return fitted, threshold, dsc


def trial(args: Any) -> dict[str, Any]:
    """Train one generator, and judge it."""
    folder, size = Path(args.out), tuple(args.size)
    train, judges = phantoms(folder, size)
    real, threshold, ceiling = teacher(folder, train, judges)
    cls: Any = load().generator(args.plugin)
    given = {**GAN, **json.loads(args.params)}
    gan = cls(cls.Params(**given), Setup(size))
    start, busy, watched = time.perf_counter(), time.process_time(), {}
    for progress in gan.fit(train, seed=args.seed):
        watched |= progress.metrics
    wall, cpu = time.perf_counter() - start, time.process_time() - busy
    made = gan.sample(len(train), seed=args.seed)
    images, labels = image_of(made).astype(np.float16), label_of(made).astype(np.uint8)
    kept = f"{args.name}-{args.plugin}-{len(size)}d-{args.seed}.npy"
    write_npy(folder / kept, made[:64].astype(np.float16))
    taught = (say(real, images) >= threshold).astype(np.uint8)
    own = [
        score(unet(ArrayPatches(images, labels), seed=n), judges)[0] for n in range(args.restarts)
    ]
    row = {
        "name": args.name,
        "plugin": args.plugin,
        "size": list(size),
        "seed": args.seed,
        "params": json.loads(args.params),
        "own": float(np.mean(own)),
        "own_each": own,
        "real": ceiling,
        "agree": dice(labels > 0, taught > 0),
        "vessel": float(labels.mean()),
        "empty": float((labels.reshape(len(labels), -1).max(1) == 0).mean()),
        "seconds": wall,
        "cpu_seconds": cpu,
        "watched": watched,
    }
    if args.taught:
        row["taught"] = score(unet(ArrayPatches(images, taught), seed=0), judges)[0]
    return row


def show(folder: Path) -> None:
    """Print the rows as a table: means and ranges over seeds."""
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    columns = ("own", "taught", "agree", "vessel", "empty", "cpu_seconds")
    print(f"| size | generator | variant | seeds | {' | '.join(columns)} | own / real |")
    print("|---" * (5 + len(columns)) + "|")
    groups = list(dict.fromkeys((len(r["size"]), r["plugin"], r["name"]) for r in rows))
    for group in sorted(groups, key=lambda g: (g[0], g[1])):
        mine = [r for r in rows if (len(r["size"]), r["plugin"], r["name"]) == group]
        cells = []
        for column in columns:
            values = [r[column] for r in mine if column in r]
            digits = 0 if column == "cpu_seconds" else 3
            text = f"{np.mean(values):.{digits}f}" if values else "–"
            if len(values) > 1 and column in ("own", "agree"):
                text += f" ({min(values):.{digits}f}–{max(values):.{digits}f})"
            cells.append(text)
        ratio = np.mean([r["own"] / r["real"] for r in mine])
        dims, plugin, name = group
        print(f"| {dims}D | {plugin} | {name} | {len(mine)} | {' | '.join(cells)} | {ratio:.3f} |")


def picture(args: Any) -> None:
    """Draw real patches, and below them the kept samples, in the order in which they were drawn."""
    path, *kept = (Path(name) for name in args.picture)
    samples = [np.load(name) for name in kept]
    train, _ = phantoms(Path(args.out), samples[0].shape[2:])
    real = train.draw(SHOWN, np.random.default_rng(0))
    sheets = [[patch_sheet(patches[:SHOWN])] for patches in (real, *samples)]
    path.write_bytes(png(enlarge(tile(sheets, gap=3, shade=255), 680)))


def main() -> None:
    """Train, judge, and append a row; or show what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--name", default="plain")
    parser.add_argument("--plugin", default="wgan-gp-sn")
    parser.add_argument("--params", default="{}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, nargs="+", default=[16, 16, 16])
    parser.add_argument("--restarts", type=int, default=1, help="U-nets on the generated patches")
    parser.add_argument("--taught", action="store_true", help="a U-net on the taught labels, too")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--picture", nargs="+")
    args = parser.parse_args()
    if args.picture:
        picture(args)
    elif not args.show:
        row = trial(args)
        with (Path(args.out) / "rows.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps({key: value for key, value in row.items() if key != "watched"}))
    else:
        show(Path(args.out))


if __name__ == "__main__":
    main()
