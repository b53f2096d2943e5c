"""Labelled patches of prepared volumes, of synthetic arrays, and of both.

The positions are drawn once, from a seed. A pool that is small enough is cut once and kept in
memory at half precision; a larger one is cut from the memory-mapped volumes as it is asked for,
and what was read is handed back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.data.ignore import check_free
from vbench.data.mapped import Budget, release
from vbench.data.normalise import scale_channels, scale_patches
from vbench.errors import DataError
from vbench.layout import contrasts_of, empty_patches, images_shape, join_patches
from vbench.masks.slices import MOST_PADDING, fitting, lead, padding
from vbench.masks.slices import block as block_of
from vbench.types import Array, Patches, Setup, Subject, Volume

#: A pool of at most this many bytes is kept in memory.
IN_MEMORY = 512 * 2**20
#: Bytes of memory-mapped files that may be resident.
RESIDENT = 256 * 2**20


class VolumePatches(Patches):
    """Patches of prepared volumes at fixed, seeded positions.

    Patch ``i`` belongs to volume ``i // per_subject``. Of each volume's patches a share is centred
    on vessel voxels, of each class in turn, the rest on mask voxels; a centre near the border is
    moved inwards. A volume thinner than a patch is padded on both sides, the image with -1 and the
    label with 0. A volume's positions depend on its id and the seed, not on the other volumes. No
    patch holds a voxel that nobody labelled (``Volume.ignore``).
    """

    def __init__(
        self,
        volumes: Sequence[Volume],
        *,
        size: Sequence[int],
        per_subject: int,
        vessel_centred: float = 0.5,
        seed: int = 0,
        groups: Sequence[str] | None = None,
        in_memory: int = IN_MEMORY,
        vessel_free: bool = False,
    ) -> None:
        """Draw the positions.

        Args:
            volumes: The prepared volumes.
            size: Extent in voxels: three entries, or two for axial slices (a plane of the first
                two axes; of one slice its own plane, see :func:`vbench.masks.slices.across`).
            per_subject: Patches of each volume.
            vessel_centred: The share that is centred on vessel voxels, 0 to 1.
            seed: Of the positions.
            groups: The person of each volume, who is its subject in ``subject_index``; None: each
                volume is of another person.
            in_memory: Keep the pool in memory when it takes at most this many bytes.
            vessel_free: Whether a volume may have no vessel; its patches are centred anywhere.

        Raises:
            DataError: When there is no volume, or one has no mask voxel or no vessel voxel, or
                too few that are far enough from what is not labelled.
        """
        if not volumes:
            raise DataError("no subjects to cut patches from; give the training split some")
        self.size = tuple(size)
        self._volume = np.repeat(np.arange(len(volumes), dtype=np.int32), per_subject)
        persons = list(dict.fromkeys(groups or ()))
        own = [persons.index(name) for name in groups] if groups else range(len(volumes))
        self.subject_index = np.array(own, dtype=np.int32)[self._volume]
        self._volumes = list(volumes)
        self._blocks = [block_of(volume.shape, self.size) for volume in volumes]
        self.labels, self.channels = volumes[0].labels, volumes[0].channels
        self._contrasts = len(self.channels)
        self._minmax = np.array([v.normalise == "patch-minmax" for v in volumes])
        n_vessel = round(per_subject * vessel_centred)
        self._starts = np.empty((len(self._volume), 3), dtype=np.int32)
        for i, volume in enumerate(volumes):
            none = vessel_free and not (np.asarray(volume.label) * np.asarray(volume.mask)).any()
            on_vessel = 0 if none else n_vessel
            centres = _centres(volume, on_vessel, per_subject - on_vessel, seed, self.size)
            shape, block = np.array(volume.shape), np.array(self._blocks[i])
            inward = np.clip(centres - block // 2, 0, np.maximum(shape - block, 0))
            # A thin volume lies in the middle of its patch: the start is negative.
            before = [lead(n, edge) for n, edge in zip(shape, block, strict=True)]
            self._starts[i * per_subject : (i + 1) * per_subject] = inward - before
        self._budget = Budget((a for v in volumes for a in (v.image, v.label)), RESIDENT)
        self._pool: ArrayPatches | None = None
        if len(self) * int(np.prod(self.size)) * (2 * self._contrasts + 1) <= in_memory:
            self._pool = self._cut_all()

    @property
    def volumes(self) -> Sequence[Volume]:
        """The prepared volumes, in the order that they were given in."""
        return tuple(self._volumes)

    @property
    def in_memory(self) -> bool:
        """Whether the patches were cut once and are kept; if not, they are cut when asked for."""
        return self._pool is not None

    def place(self, index: int) -> tuple[int, tuple[int, ...]]:
        """Return the volume of a patch, by its number, and the voxel where the patch begins."""
        return int(self._volume[index]), tuple(int(voxel) for voxel in self._starts[index])

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.subject_index)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        index = np.asarray(index)
        if self._pool is not None:
            return self._pool.take(index)
        return join_patches(*self._cut(index))

    def _cut_all(self) -> ArrayPatches:
        """Cut all patches, one volume after the other."""
        images = np.empty(images_shape(len(self), self.size, self._contrasts), dtype=np.float16)
        labels = np.empty((len(self), *self.size), dtype=np.uint8)
        for i, volume in enumerate(self._volumes):
            which = np.flatnonzero(self._volume == i)
            if len(which):
                images[which], labels[which] = self._cut(which)
            release(volume.image, volume.label)
        return ArrayPatches(images, labels, subject_index=self.subject_index, like=self)

    def _cut(self, index: npt.NDArray[np.int64]) -> tuple[Array, Array]:
        """Cut patches from the volumes: float16 images, uint8 labels, ``(n, *size)`` each.

        Images of several channels are ``(n, channels, *size)``.
        """
        shape = images_shape(len(index), self.size, self._contrasts)
        images = np.full(shape, -1, dtype=np.float16)
        channels = shape[1 : len(shape) - len(self.size)]
        labels = np.zeros((len(index), *self.size), dtype=np.uint8)
        for k, i in enumerate(index):
            volume, block = (own[self._volume[i]] for own in (self._volumes, self._blocks))
            start = self._starts[i]
            if start.min() >= 0:
                x, y, z = start.tolist()
                a, b, c = block
                cut = volume.image[..., x : x + a, y : y + b, z : z + c]
                images[k] = cut.reshape(shape[1:])
                labels[k] = volume.label[x : x + a, y : y + b, z : z + c].reshape(self.size)
            else:
                there, here = _overlap(start, block, volume.shape)
                to: Any = (..., *here)
                of: Any = (..., *there)
                images[k].reshape(*channels, *block)[to] = volume.image[of]
                labels[k].reshape(block)[here] = volume.label[there]
            # In Fortran order, each axial plane of a block is contiguous.
            row = 2 * block[1] * volume.shape[0] * self._contrasts
            self._budget.spend(2 * block[2], row)
        scaled = self._minmax[self._volume[index]]
        if scaled.any():
            fine = images[scaled].astype(np.float32)
            (scale_channels if channels else scale_patches)(fine)
            images[scaled] = fine
        return images, labels


class ArrayPatches(Patches):
    """Patches of two arrays, in memory or memory-mapped, such as synthetic ones."""

    def __init__(
        self,
        images: Array,
        labels: Array,
        *,
        subject_index: npt.NDArray[np.int32] | None = None,
        like: Patches | Setup | None = None,
    ) -> None:
        """Keep the arrays.

        Args:
            images: ``(n, *size)`` in [-1, 1], any float type; of several channels
                ``(n, channels, *size)``.
            labels: ``(n, *size)``, the index of the class, any integer type.
            subject_index: The subject of each; -1 (synthetic) when None.
            like: What has the same classes and channels; None: one of each.

        Raises:
            ValueError: When the shapes differ or are not those of patches.
        """
        if like is not None:
            self.labels, self.channels = like.labels, like.channels
        try:
            sound = contrasts_of(images, labels) == len(self.channels) and labels.ndim in (3, 4)
        except ValueError:
            sound = False
        if not sound:
            raise ValueError(f"images {images.shape} and labels {labels.shape}: not patches")
        self.size = tuple(labels.shape[1:])
        none = np.full(len(images), -1, dtype=np.int32)
        self.subject_index = none if subject_index is None else subject_index
        self._images, self._labels = images, labels
        self._budget = Budget((images, labels), RESIDENT)

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self._images)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        index = np.asarray(index)
        patches = join_patches(self._images[index], self._labels[index])
        self._budget.spend(2 * len(index), self._images[0].nbytes)
        return patches


class MixedPatches(Patches):
    """Several sets of patches as one, such as real and synthetic ones, one after the other."""

    def __init__(self, parts: Sequence[Patches]) -> None:
        """Join sets of the same patch size.

        Args:
            parts: The sets; subjects of different sets count as different ones.

        Raises:
            ValueError: When there is none, or sizes, classes or channels differ.
        """
        sizes = {part.size for part in parts}
        if len(sizes) != 1:
            raise ValueError(f"patches of one size are needed, these have {sorted(sizes)}")
        self.size = parts[0].size
        self.labels, self.channels = parts[0].labels, parts[0].channels
        for part in parts:
            if (part.labels, part.channels) != (self.labels, self.channels):
                raise ValueError(
                    f"patches of one kind are needed, these have the classes {self.labels} and "
                    f"{part.labels}, the channels {self.channels} and {part.channels}"
                )
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])
        subjects, first = [], 0
        for part in parts:
            own = np.where(part.subject_index < 0, -1, part.subject_index + first)
            subjects.append(own.astype(np.int32))
            first = max([first, *(own + 1).tolist()])
        self.subject_index = np.concatenate(subjects)

    @property
    def volumes(self) -> Sequence[Volume]:
        """Those of all sets, in their order."""
        return tuple(volume for part in self._parts for volume in part.volumes)

    def __len__(self) -> int:
        """Return the number of patches."""
        return int(self._ends[-1])

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        index = np.asarray(index)
        which = np.searchsorted(self._ends, index, side="right")
        patches = empty_patches(len(index), self.size, len(self.channels))
        for i, part in enumerate(self._parts):
            mine = np.flatnonzero(which == i)
            if len(mine):
                first = self._ends[i] - len(part)
                patches[mine] = part.take(index[mine] - first)
        return patches


def check_labelled(
    subject: Subject, *, size: Sequence[int], per_subject: int, vessel_centred: float
) -> None:
    """Refuse a subject that has too few places for patches without an unlabelled voxel.

    As cutting them does, before it is prepared; a mask that is yet to be derived is not known.

    Raises:
        DataError: With the share of places that is free, and the size that fits.
    """
    if subject.ignore is None:
        return
    mask = np.ones(subject.label.shape, bool) if subject.mask is None else subject.mask
    n_vessel = round(per_subject * vessel_centred)
    places = {"vessel": mask & subject.label, "mask": mask}
    wanted = {"vessel": n_vessel, "mask": per_subject - n_vessel}
    check_free(subject.id, places, subject.ignore, size, wanted)


def check_fit(shapes: Mapping[str, Sequence[int]], size: Sequence[int]) -> None:
    """Refuse a patch that would be mostly padding in some volume.

    Args:
        shapes: Shape by subject.
        size: The patch.

    Raises:
        DataError: Naming the subject, and the size that fits all of them.
    """
    shares = {name: padding(shape, block_of(shape, size)) for name, shape in shapes.items()}
    worst = max(shares, key=lambda name: shares[name], default=None)
    if worst is None or shares[worst] <= MOST_PADDING:
        return
    others = sum(share > MOST_PADDING for share in shares.values()) - 1
    more = f" (and of {others} more)" if others else ""
    fits = fitting(list(shapes.values()), size)
    mend = "leave out volumes that small" if fits is None else f"use patches.size = {fits}"
    raise DataError(
        f"patches.size = {list(size)}: {int(100 * shares[worst])} % of a patch of subject "
        f"'{worst}'{more} would be padding, its shape is {tuple(shapes[worst])}; {mend}"
    )


def _centres(volume: Volume, n_vessel: int, n_other: int, seed: int, size: Sequence[int]) -> Array:
    """Draw centres ``(n, 3)``: first on vessel voxels within the mask, then on mask voxels.

    Vessel voxels are of each class in turn, so that a rare one is seen as often as any.
    """
    digest = hashlib.blake2b(volume.id.encode(), digest_size=8).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest, "little")])
    mask = np.asarray(volume.mask)
    free = mask
    if volume.ignore is not None:
        places = {"vessel": mask & (np.asarray(volume.label) > 0), "mask": mask}
        wanted = {"vessel": n_vessel, "mask": n_other}
        free = check_free(volume.id, places, np.asarray(volume.ignore), size, wanted)
    drawn = []
    for n, where, what in ((n_vessel, volume.label, "vessel"), (n_other, mask, "mask")):
        if n == 0:
            continue
        voxels = np.flatnonzero((free & mask & (np.asarray(where) > 0)).T)
        if not len(voxels):
            raise DataError(f"subject {volume.id}: no {what} voxel to centre a patch on")
        if what == "vessel" and len(volume.labels) > 1:
            drawn.append(_in_turn(voxels, np.asarray(where).T.ravel()[voxels], n, rng))
        else:
            drawn.append(voxels[rng.integers(len(voxels), size=n)])
    release(volume.label, volume.mask)
    flat = np.concatenate(drawn) if drawn else np.empty(0, dtype=np.int64)
    return np.stack(np.unravel_index(flat, mask.shape[::-1])[::-1], axis=1)


def _in_turn(voxels: Array, classes: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw ``n`` voxels, of each class that there is as many, but for the rest of a division.

    Args:
        voxels: Their numbers, ``(m,)``.
        classes: The class of each.
        n: How many.
        rng: Whose turn is first is random, too.
    """
    order = np.argsort(classes, kind="stable")
    borders = np.flatnonzero(np.diff(classes[order])) + 1
    groups = np.split(voxels[order], borders)
    first = rng.permutation(len(groups))
    shares = [len(range(turn, n, len(groups))) for turn in range(len(groups))]
    drawn = [
        groups[group][rng.integers(len(groups[group]), size=share)]
        for group, share in zip(first, shares, strict=True)
    ]
    return np.concatenate(drawn)


def _overlap(
    start: Array, block: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where a block that reaches beyond a volume lies in it, and where that is in it."""
    low = [max(0, int(s)) for s in start]
    high = [min(n, int(s) + b) for s, b, n in zip(start, block, shape, strict=True)]
    there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    here = tuple(slice(a - int(s), b - int(s)) for s, a, b in zip(start, low, high, strict=True))
    return there, here
