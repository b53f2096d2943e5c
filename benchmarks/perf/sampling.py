"""Patches a second from prepared volumes, beside TorchIO's queue with a label sampler.

One core, batches of 32 patches of 16³, half of them centred on vessels. vbench reads volumes that
were prepared on disk; TorchIO is given volumes that are in memory already.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SHAPE = (312, 384, 127)
SIZE = (16, 16, 16)
SUBJECTS = 2
PER_SUBJECT = 1000
BATCH = 32
SECONDS = 2.0
ROUNDS = 3
NEEDED, NEEDED_RATIO = 20_000, 20.0


def subjects(n: int) -> Iterator[Any]:
    """Make subjects of noise with straight vessels in an ellipsoid: quick, right in size."""
    import numpy as np

    from vbench.types import Subject

    axes = np.meshgrid(
        *[np.linspace(-1.05, 1.05, k, dtype=np.float32) for k in SHAPE], indexing="ij"
    )
    brain = sum(a**2 for a in axes) < 1
    for i in range(n):
        rng = np.random.default_rng(i)
        vessel = np.zeros(SHAPE, dtype=bool)
        for x, y in rng.integers(60, 250, (120, 2)):
            vessel[x : x + 3, y : y + 3, 10:110] = True
        vessel &= brain
        image = rng.normal(100, 15, SHAPE).astype(np.float32) + 120 * vessel
        yield Subject(
            f"s{i:02d}", image, vessel, (0.5, 0.5, 0.7), np.diag([0.5, 0.5, 0.7, 1]), brain
        )


def rate(draw: Callable[[], int]) -> float:
    """Return patches a second of processor time, over whole calls: others' load does not count."""
    start, n = time.process_time(), 0
    while time.process_time() - start < SECONDS:
        n += draw()
    return n / (time.process_time() - start)


def torchio_epoch(made: list[Any], samples_per_volume: int) -> Callable[[], int]:
    """Return a function that fills a TorchIO queue once and takes all that is in it."""
    import torch
    import torchio as tio

    dataset = tio.SubjectsDataset(
        [
            tio.Subject(
                image=tio.ScalarImage(tensor=torch.from_numpy(s.image)[None]),
                label=tio.LabelMap(tensor=torch.from_numpy(s.label.astype("u1"))[None]),
            )
            for s in made
        ]
    )
    # Half of the patches centred on vessels, as vbench's.
    sampler = tio.LabelSampler(SIZE, "label", label_probabilities={0: 0.5, 1: 0.5})
    queue = tio.Queue(dataset, max_length=4000, samples_per_volume=samples_per_volume,
                      sampler=sampler, num_workers=0)  # fmt: skip
    loader = tio.SubjectsLoader(queue, batch_size=BATCH, num_workers=0)

    return lambda: sum(len(batch["image"]["data"]) for batch in loader)


def main() -> None:
    """Measure in turns, and print medians."""
    import numpy as np
    import torch

    from vbench.data.patches import VolumePatches
    from vbench.data.prepare import open_volume, prepare_subject

    torch.set_num_threads(1)
    made = list(subjects(SUBJECTS))
    with tempfile.TemporaryDirectory() as place:
        for subject in made:
            prepare_subject(subject, Path(place) / subject.id)
        volumes = [open_volume(Path(place) / subject.id) for subject in made]
        start = time.perf_counter()
        pool = VolumePatches(volumes, size=SIZE, per_subject=PER_SUBJECT, seed=0)
        opening = time.perf_counter() - start
        cut = VolumePatches(volumes, size=SIZE, per_subject=PER_SUBJECT, seed=0, in_memory=0)
        rng = np.random.default_rng(0)
        ways: dict[str, Callable[[], int]] = {
            "vbench, pool in memory": lambda: len(pool.draw(BATCH, rng)),
            "vbench, cut from mapped volumes": lambda: len(cut.draw(BATCH, rng)),
            "TorchIO, 1000 samples a volume": torchio_epoch(made, 1000),
            "TorchIO, 10 samples a volume": torchio_epoch(made, 10),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                rates[name].append(rate(way))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    best = max(value for name, value in medians.items() if name.startswith("TorchIO"))
    print(f"{SUBJECTS} volumes of {SHAPE}, patches of {SIZE}, one core")
    print(f"{'':34}{'patches/s':>11}{'× TorchIO at best':>20}")
    for name, value in medians.items():
        print(f"{name:34}{value:11,.0f}{value / best:20.1f}")
    ours = medians["vbench, pool in memory"]
    print(f"opening a pool of {len(pool)} patches takes {opening:.2f} s")
    print(f"needed: {NEEDED:,} patches/s and {NEEDED_RATIO:g} × TorchIO: "
          f"{'met' if ours >= NEEDED and ours >= NEEDED_RATIO * best else 'NOT MET'}")  # fmt: skip


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
