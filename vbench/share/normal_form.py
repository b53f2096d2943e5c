"""Patches of any origin in one form, on disk while they are audited; what cannot be judged is told.

Of every image, two percentiles become -1 and 1, and what is beyond is clipped: whatever the unit,
gain and offset of a set, of a patient or of a single patch, the same picture becomes the same
numbers, and hardly others where its brightest voxels were clipped before. Labels become 0 or 1.
Patches of one grey value are left out: they are nobody's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from vbench.data.holdings import Chunk, Shape
from vbench.data.patches import ArrayPatches
from vbench.errors import DataError
from vbench.types import Array, Patches

#: The percentiles of each image that become -1 and 1.
PERCENTILES = (0.5, 99.5)
#: Images that differ by less than this from their mean image, in [-1, 1], are all the same one.
SAME = 0.02
#: Vessel voxels from which on two equal labels are no coincidence.
TELLING = 8


@dataclass(frozen=True)
class Side:
    """One of the three sets, ready to be audited.

    Attributes:
        path: Where it came from.
        patches: Its patches, in one form; subjects are numbered as ``people`` are.
        people: The patients; empty for synthetic patches.
        places: Of each patch, where it lies in the folder.
        rows: Of each patch, its number among all that were read.
        left_out: Patches of one grey value.
        vessel: Share of vessel voxels.
        images: A digest of each patch's image.
        labels: A digest of each patch's label; None where it has hardly a vessel.
    """

    path: Path
    patches: Patches
    people: tuple[str, ...]
    places: tuple[str, ...]
    rows: tuple[int, ...]
    left_out: int
    vessel: float
    images: tuple[bytes, ...]
    labels: tuple[bytes | None, ...]

    def counts(self) -> list[int]:
        """Return the number of patches of each patient."""
        found = np.bincount(self.patches.subject_index, minlength=len(self.people))
        return [int(n) for n in found]


def lay_down(
    path: Path,
    chunks: Iterator[Chunk],
    n: int,
    size: Shape,
    folder: Path,
    *,
    labelled: bool,
    owned: bool,
) -> Side:
    """Bring patches into one form.

    Args:
        path: Where they come from, for messages.
        chunks: The patches.
        n: As many as there may be.
        size: Of each.
        folder: Where to keep them.
        labelled: Whether labels count; without, all are 0.
        owned: Whether they are of patients; synthetic ones are of nobody.

    Raises:
        DataError: When a value is not finite, or the set is no set of labelled vessels: all images
            alike or of one grey value, no vessel in any label, or labels in the place of images.
    """
    folder.mkdir()
    images = open_memmap(folder / "images.npy", "w+", np.float16, (n, *size))
    labels = open_memmap(folder / "labels.npy", "w+", np.uint8, (n, *size))
    survey = _Survey(path, size)
    kept = 0
    for chunk in chunks:
        there = survey.scaled(chunk)
        end = kept + len(there.images)
        images[kept:end] = there.images
        if labelled and there.labels is not None:
            labels[kept:end] = there.labels
        survey.add(there.images, labels[kept:end])
        survey.people += there.people
        survey.places += there.places
        kept = end
    survey.check(labelled=labelled)
    people = tuple(dict.fromkeys(survey.people)) if owned else ()
    number = {name: i for i, name in enumerate(people)}
    return Side(
        path=path,
        patches=ArrayPatches(
            images[:kept],
            labels[:kept],
            subject_index=np.array([number.get(name, -1) for name in survey.people], np.int32),
        ),
        people=people,
        places=tuple(survey.places),
        rows=tuple(survey.rows),
        left_out=survey.seen - kept,
        vessel=survey.vessel / max(1, kept),
        images=tuple(survey.image_digests),
        labels=tuple(survey.label_digests),
    )


class _Survey:
    """What is found out about a set while its patches pass by."""

    def __init__(self, path: Path, size: Shape) -> None:
        self._path = path
        self.seen = 0
        self.vessel = 0.0
        self.people: list[str] = []
        self.places: list[str] = []
        self.rows: list[int] = []
        self.image_digests: list[bytes] = []
        self.label_digests: list[bytes | None] = []
        self._two_valued = True
        self._sum = np.zeros(size)
        self._squares = np.zeros(size)

    def scaled(self, chunk: Chunk) -> Chunk:
        """Return those patches of a chunk that are not of one grey value, scaled.

        Raises:
            DataError: When a value is not finite.
        """
        values = np.array(chunk.images, np.float32)
        sound = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if not sound.all():
            where = chunk.places[int(np.flatnonzero(~sound)[0])]
            raise DataError(
                f"{self._path}: {where} has values that are NaN or infinite; correct or remove it"
            )
        values = scaled(values)
        there = np.flatnonzero(values.any(axis=tuple(range(1, values.ndim))))
        self.rows += [self.seen + int(row) for row in there]
        self.seen += len(values)
        return Chunk(
            values[there],
            None if chunk.labels is None else chunk.labels[there],
            [chunk.people[int(row)] for row in there],
            [chunk.places[int(row)] for row in there],
        )

    def add(self, images: Array, labels: Array) -> None:
        """Count patches that are kept."""
        self.vessel += float(labels.mean(axis=tuple(range(1, labels.ndim))).sum())
        self._sum += images.sum(axis=0, dtype=np.float64)
        self._squares += (images.astype(np.float64) ** 2).sum(axis=0)
        # A byte a voxel: equal whatever the type that the images were stored in.
        coarse = np.rint((images + 1) * 127.5).astype(np.uint8)
        for image, label in zip(coarse, labels, strict=True):
            self._two_valued &= bool(((image == 0) | (image == 255)).all())
            self.image_digests.append(_digest(image))
            telling = int(label.sum()) >= TELLING
            self.label_digests.append(_digest(np.packbits(label)) if telling else None)

    def check(self, *, labelled: bool) -> None:
        """Raise DataError when the set cannot be judged."""
        kept = len(self.rows)
        if not self.seen:
            raise DataError(f"{self._path}: holds no patch; check the folder")
        if not kept:
            raise DataError(
                f"{self._path}: every image is of one grey value; there is nothing to compare"
            )
        mean = self._sum / kept
        apart = float(np.sqrt(np.maximum(self._squares / kept - mean**2, 0)).max())
        if kept > 1 and apart < SAME:
            raise DataError(
                f"{self._path}: all {kept} images are the same; a set of one image says nothing"
            )
        if self._two_valued:
            raise DataError(
                f"{self._path}: the images have two values only; are they the labels? give images"
            )
        if labelled and not self.vessel:
            raise DataError(
                f"{self._path}: no label has a vessel voxel; without vessels the set is "
                "meaningless: label them, or leave the labels out to compare images alone"
            )


def scaled(images: Array) -> Array:
    """Return images ``(n, *size)`` in [-1, 1], float32; one of one grey value becomes 0.

    An image with less than a percentile of anything but one grey value is scaled to its minimum
    and maximum.
    """
    if not len(images):
        return images.astype(np.float32)
    flat = images.reshape(len(images), -1).astype(np.float32)
    low, high = np.percentile(flat, PERCENTILES, axis=1, keepdims=True).astype(np.float32)
    thin = low == high
    low, high = (
        np.where(thin, extreme(axis=1, keepdims=True), edge)
        for extreme, edge in ((flat.min, low), (flat.max, high))
    )
    extent = high - low
    flat = (flat - low) * (2 / np.where(extent > 0, extent, 1)) - np.where(extent > 0, 1, 0)
    return np.asarray(np.clip(flat, -1, 1), np.float32).reshape(images.shape)


def _digest(array: Array) -> bytes:
    return hashlib.blake2b(array.tobytes(), digest_size=12).digest()
