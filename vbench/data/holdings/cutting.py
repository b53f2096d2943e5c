"""Patches of a folder's volumes, cut as a benchmark cuts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from vbench.data.holdings.holding import CHUNK, Chunk, Holding, Shape
from vbench.data.patches import VolumePatches, check_fit
from vbench.data.prepare import open_volume, prepare_subject
from vbench.errors import DataError
from vbench.layout import image_of, label_of
from vbench.types import Cutting


def is_cut(held: Holding, size: Shape) -> bool:
    """Return whether a set has to be cut: what it holds are not patches of this size."""
    return held.shapes() != [size]


def cut(
    held: Holding,
    size: Shape,
    how: Cutting,
    folder: Path,
    *,
    alike: bool = False,
    vessel_free: bool = False,
) -> Iterator[Chunk]:
    """Yield patches of a set's volumes, at random places, as a benchmark does.

    Args:
        held: The set.
        size: Of the patches.
        how: Number, places, seed, intensities.
        folder: For the prepared volumes; they are needed until the last patch was taken.
        alike: Cut a volume and its copy at the same places, whatever they are called.
        vessel_free: Also take volumes without a vessel.

    Raises:
        DataError: When a volume cannot be used, or is too small.
    """
    volumes, names, people = [], [], []
    for number, (subject, person) in enumerate(held.subjects(vessel_free=vessel_free)):
        place = folder / str(number)
        try:
            prepare_subject(
                subject, place, normalise=how.normalise, vessel_free=vessel_free,
                labels=held.label_map, channels=held.channels,
            )  # fmt: skip
        except DataError as error:
            raise DataError(f"{held.path}: {error}") from error
        names.append(subject.id)
        volume = open_volume(place)
        # Places are drawn by name.
        volumes.append(replace(volume, id="volume") if alike else volume)
        people.append(person)
    try:
        shapes = [volume.label.shape for volume in volumes]
        check_fit(dict(zip(names, shapes, strict=True)), size)
        patches = VolumePatches(
            volumes,
            size=size,
            per_subject=how.per_subject,
            vessel_centred=how.vessel_centred,
            seed=how.seed,
            vessel_free=vessel_free,
        )
    except DataError as error:
        raise DataError(f"{held.path}: {error}") from error
    for first in range(0, len(patches), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(patches)))
        taken = patches.take(rows)
        found = [patches.place(int(row)) for row in rows]
        yield Chunk(
            image_of(taken),
            label_of(taken) > 0 if held.label_map is None else label_of(taken).astype(np.uint8),
            [people[volume] for volume, _ in found],
            [f"{names[volume]} at {', '.join(map(str, start))}" for volume, start in found],
        )
