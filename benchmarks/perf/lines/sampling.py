"""Patches from prepared volumes, beside TorchIO's queue with a label sampler.

Batches of 32 patches of 16³, half of them centred on vessels. vbench reads volumes that were
prepared on disk; TorchIO is given volumes that are in memory already.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from harness import Found, fine_seconds, line
from machine import share_of_bytes
from volumes import SHAPE, subjects

SIZE, BATCH, EACH = (16, 16, 16), 32, 1000


def torchio_loader(made: list[Any]) -> Any:
    """Return a loader over a TorchIO queue."""
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
    sampler = tio.LabelSampler(SIZE, "label", label_probabilities={0: 0.5, 1: 0.5})
    queue = tio.Queue(dataset, max_length=4000, samples_per_volume=EACH, sampler=sampler,
                      num_workers=0)  # fmt: skip
    return tio.SubjectsLoader(queue, batch_size=BATCH, num_workers=0)


@line("patch sampling", peer="TorchIO", distribution="torchio", goal=20, quick=True, rounds=3)
def sampling(rounds: int) -> Found:
    import numpy as np

    from vbench.data.patches import VolumePatches
    from vbench.data.prepare import open_volume, prepare_subject

    made = list(subjects(1))
    with tempfile.TemporaryDirectory() as place:
        for subject in made:
            prepare_subject(subject, Path(place) / subject.id)
        volumes = [open_volume(Path(place) / subject.id) for subject in made]
        opened: list[Any] = []
        opening = fine_seconds(lambda: opened.append(
            VolumePatches(volumes, size=SIZE, per_subject=EACH, seed=0)
        ))  # fmt: skip
        pool, loader, rng = opened[0], torchio_loader(made), np.random.default_rng(0)
        # The same share of patches has a vessel at its centre; the values are scaled by vbench.
        centred = np.mean([batch["label"]["data"][:, 0, 8, 8, 8].numpy().mean()
                           for batch, _ in zip(loader, range(12), strict=False)])  # fmt: skip
        mine = float(pool.take(np.arange(EACH))[:, 1, 8, 8, 8].mean())
        assert abs(mine - centred) < 0.12, (mine, centred)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(fine_seconds(lambda: [pool.draw(BATCH, rng) for _ in range(300)])
                        / (300 * BATCH))  # fmt: skip
            count: list[int] = []
            spent = fine_seconds(lambda c=count: c.extend(len(b["image"]["data"]) for b in loader))
            theirs.append(spent / sum(count))
    moved = 2 * SIZE[0] * SIZE[1] * SIZE[2] * 4 * 2
    return Found(
        f"a patch of 16³ with label, of a volume of {' × '.join(map(str, SHAPE))}",
        f"share of patches on a vessel {mine:.2f} and {centred:.2f}",
        ours,
        theirs,
        limit=f"writing the patch: {share_of_bytes(moved, min(ours))}",
        note=f"opening the pool of {EACH} patches takes {opening:.2f} s, once.",
    )
