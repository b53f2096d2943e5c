"""Labelled patches that somebody made already: fits nothing, reads a folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from vbench.data.holdings import Arrays, Chunk, Holding, Scans, by, cut, is_cut, look
from vbench.data.normalise import normalise, scale_patches
from vbench.data.patches import IN_MEMORY, check_fit
from vbench.data.prepare import prepare_scan
from vbench.errors import DataError
from vbench.interfaces import Count, Generator, Params, param
from vbench.layout import image_of, images_shape, join_patches, label_of
from vbench.types import CHANNELS, Array, Patches, Progress, Setup, Weights

#: The share by which the spacing may differ from that of the real data.
APART = 0.2
#: Intensities of each piece that percentiles are taken of.
_DRAWN = 20_000
_CHUNK = 256


class FolderParams(Params):
    """Parameters of :class:`Folder`."""

    path: Path = param(
        ...,
        "Arrays (images.npy, labels.npy), NIfTI files in one of the layouts, or a manifest; "
        "relative to the spec",
    )
    layout: str | None = param(
        None, "The layout of NIfTI files: nnunet, bids, manifest, pairs; not given: as it looks"
    )
    options: dict[str, Any] = param({}, "Parameters of that layout, such as { classes = [1] }")
    labels: dict[str, Any] = param(
        {},
        "The values of several classes, as in a spec: { artery = 1, vein = [2, 3] }; not given: as "
        "dataset.json names them",
    )
    channels: list[str] | None = param(
        None, "Several channels of NIfTI files, as their layout names them; arrays need none"
    )
    intensities: Literal["by-range", "as-is", "normalise"] = param(
        "by-range",
        "Of patches: 'as-is' takes them in [-1, 1]; 'normalise' scales them all together by the "
        "benchmark's method; 'by-range' scales what does not span a range like the real patches'",
    )
    any_spacing: bool = param(
        False, "Take them though their spacing is more than 20 % off that of the real data"
    )
    most: int | None = param(
        None, "Patches that are kept at most; not given: as many as take 512 MiB", ge=1
    )


class Folder(Generator):
    """Labelled pairs from a folder: patches as they are, whole volumes cut as real ones are."""

    name = "folder"
    learns = "elsewhere"
    gpu = False
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    Params = FolderParams

    def __init__(self, params: FolderParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self._images: Array = np.zeros(images_shape(0, setup.size, setup.contrasts), np.float16)
        self._labels: Array = np.zeros((0, *setup.size), np.uint8)
        self._remarks: list[str] = []

    @classmethod
    def check(cls, params: FolderParams, setup: Setup) -> None:
        """Refuse a folder that holds no labelled pairs that patches can be had from."""
        try:
            held = _open(params, setup)
            if is_cut(held, setup.size):
                check_fit({str(held.path): shape for shape in _solid(held)}, setup.size)
        except DataError as error:
            raise ValueError(str(error)) from error

    @classmethod
    def inspect(cls, params: FolderParams, setup: Setup) -> Sequence[str]:
        """Compare headers and, unless the set is large, read it: as when it is fitted."""
        held, vessels = _open(params, setup), False
        if isinstance(held, Scans):
            held.check_grids()
        _spacing_said(held, params, setup)
        size = sum(path.stat().st_size for path in cls.files(params).values())
        if size > IN_MEMORY:
            return [
                f"{params.path}: {size / 2**30:.1f} GiB; its values are looked at when it is "
                "fitted, only names and headers before"
            ]
        if is_cut(held, setup.size):
            for subject, _ in held.subjects(vessel_free=True):
                vessels |= bool(subject.label.any())
                try:
                    prepare_scan(subject.image, subject.mask, setup.cutting.normalise)
                except DataError as error:
                    raise DataError(f"{held.path}: {subject.id}: {error}") from error
        else:
            for chunk in held.chunks():
                vessels |= bool(chunk.labels is not None and chunk.labels.any())
            _scaling(held, params, setup)
        if vessels:
            return []
        return [f"{held.path}: no label has a vessel; such a set teaches no segmenter anything"]

    @classmethod
    def files(cls, params: FolderParams) -> Mapping[str, Path]:
        """Name the images, labels and masks."""
        return look(
            params.path,
            layout=params.layout,
            options=params.options,
            channels=params.channels or CHANNELS,
        ).files()

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Read the folder, and compare it with the real patches."""
        held = _open(self.params, self.setup)
        self._remarks = [_spacing_said(held, self.params, self.setup)]
        if is_cut(held, self.setup.size):
            self._cut(held)
        else:
            self._take(held)
        self._remarks.append(_compared(self._images, self._labels, patches))
        yield Progress(1, 1, {"patches": float(len(self._images))})

    def sample(self, n: int, *, seed: int) -> Array:
        """Hand out patches in the order of a seeded permutation, again from its start."""
        index = self._order(n, seed)
        return join_patches(self._images[index], self._labels[index])

    def sample_many(self, n: int, *, seed: int) -> Iterator[Array]:
        """Hand out each patch once before any comes again."""
        index = self._order(n, seed)
        for first in range(0, n, _CHUNK):
            part = index[first : first + _CHUNK]
            yield join_patches(self._images[part], self._labels[part])

    def weights(self) -> Weights:
        """Return the patches."""
        return {"images": self._images.copy(), "labels": self._labels.copy()}

    def load_weights(self, weights: Weights) -> None:
        """Take over the patches."""
        self._images, self._labels = np.array(weights["images"]), np.array(weights["labels"])

    def remarks(self) -> Sequence[str]:
        """Say what was read, and how it compares with the real patches."""
        return self._remarks

    def _order(self, n: int, seed: int) -> Array:
        return np.resize(np.random.default_rng(seed).permutation(len(self._images)), n)

    @property
    def _most(self) -> int:
        each = (2 * self.setup.contrasts + 1) * int(np.prod(self.setup.size))
        return self.params.most or max(1, IN_MEMORY // each)

    def _cut(self, held: Holding) -> None:
        """Cut volumes as the benchmark cuts its own."""
        count, how = held.count(), self.setup.cutting
        each = min(how.per_subject, max(1, self._most // count))
        with tempfile.TemporaryDirectory(prefix="vbench-folder-") as place:
            how = replace(how, per_subject=each)
            chunks = cut(held, self.setup.size, how, Path(place), vessel_free=True)
            self._keep(chunks, each * count)
        fewer = f" (fewer than of real ones: {self.setup.cutting.per_subject})"
        self._remarks.append(
            f"{count} volumes, {each} patches cut from each"
            + (fewer if each < self.setup.cutting.per_subject else "")
        )

    def _take(self, held: Holding) -> None:
        """Take patches as they are; scale all together what is not in the range of real ones."""
        count, kept = held.count(), np.arange(held.count())
        if count > self._most:
            order = np.random.default_rng(self.setup.cutting.seed).permutation(count)
            kept = np.sort(order[: self._most])
        scales, said = _scaling(held, self.params, self.setup)
        self._keep(_scaled(held.chunks(), kept, scales), len(kept))
        fewer = f", {len(kept)} of them kept" if len(kept) < count else ""
        self._remarks.append(f"{count} patches of {by(self.setup.size)}{fewer}, {said}")

    def _keep(self, chunks: Iterator[Chunk], n: int) -> None:
        """Keep all patches of these pieces, in the precision in which volumes are prepared."""
        self._images = np.empty(images_shape(n, self.setup.size, self.setup.contrasts), np.float16)
        self._labels = np.empty((n, *self.setup.size), np.uint8)
        done = 0
        for chunk in chunks:
            end = done + len(chunk.images)
            self._images[done:end], self._labels[done:end] = chunk.images, chunk.labels
            done = end


def _open(params: FolderParams, setup: Setup) -> Holding:
    """Look into the folder, for these classes and channels.

    Raises:
        DataError: When there are no labelled pairs, they cannot be read, or are of others.
    """
    channels = setup.channels if params.channels is None else tuple(params.channels)
    if len(channels) != setup.contrasts:
        raise DataError(
            f"channels names {len(channels)}, and data.source.channels {setup.contrasts}; name as "
            "many, in the same order"
        )
    held = look(
        params.path,
        layout=params.layout,
        options=params.options,
        classes=setup.labels,
        labels=params.labels or None,
        channels=channels if setup.contrasts > 1 else CHANNELS,
    )
    if setup.contrasts > 1 and params.channels is None and not isinstance(held, Arrays):
        raise DataError(
            f"{held.path}: files of {setup.contrasts} channels; name these in the order of "
            f"data.source.channels, such as channels = {list(setup.channels)}"
        )
    if not held.labelled:
        raise DataError(f"{held.path}: no labels.npy beside images.npy; add it")
    if params.options and isinstance(held, Arrays):
        raise DataError(f"{held.path}: arrays have no options; remove them, or name a layout")
    return held


def _spacing_said(held: Holding, params: FolderParams, setup: Setup) -> str:
    """Say what the spacing is.

    Raises:
        DataError: When it is too far from that of the real data.
    """
    real, found = setup.spacing, held.spacings()
    if not found:
        return "its spacing is not known, and taken for that of the real data"
    own = np.median(np.array(found), axis=0)
    said = f"spacing {_mm(own)}"
    if real is None:
        return said
    off = float(np.max(np.abs(np.log(own / np.asarray(real)))))
    if off > np.log1p(APART) and not params.any_spacing:
        raise DataError(
            f"{held.path}: {said}, that of the real data {_mm(real)}, more than "
            f"{APART:.0%} off; resample it, or allow it with any_spacing = true"
        )
    return f"{said}, real data {_mm(real)}"


def _solid(held: Holding) -> list[tuple[int, ...]]:
    """Return the shapes of volumes, three axes each."""
    return [(*shape, 1, 1)[:3] for shape in held.shapes()]


def _scaling(
    held: Holding, params: FolderParams, setup: Setup
) -> tuple[list[tuple[float, float] | None], str]:
    """Return what becomes -1 and 1 in each channel of all patches, and say it.

    Returns:
        For each channel both intensities; None: of each patch its minimum and maximum.

    Raises:
        DataError: When intensities are not finite, constant, or out of the range that was said.
    """
    low, high, some = _range(held, setup.contrasts)
    for number, values in enumerate(some):
        if values.min() == values.max():
            which = "" if len(some) == 1 else f" in channel {setup.channels[number]}"
            raise DataError(
                f"{held.path}: the images are constant ({values.flat[0]:g}){which}, nothing can "
                "be learned; save the images again"
            )
    how, method = params.intensities, setup.cutting.normalise
    within = low >= -1.0 and high <= 1.0
    if how == "as-is" and not within:
        raise DataError(
            f"{held.path}: intensities reach from {low:g} to {high:g}; expected [-1, 1] with "
            "intensities = 'as-is': scale them, or write 'normalise'"
        )
    # Normalised images reach below 0: air, or what is outside of a mask, is -1.
    if how == "as-is" or (how == "by-range" and within and low < 0):
        return [(-1.0, 1.0)] * len(some), "as they are"
    if method == "patch-minmax":
        return [None] * len(some), "each scaled by its minimum and maximum"
    try:
        found = [normalise(one, np.ones(one.shape, bool), method)[1] for one in some]
    except DataError as error:
        raise DataError(f"{held.path}: {error}") from error
    limits = ", ".join(f"{each['low']:.4g} and {each['high']:.4g}" for each in found)
    scales: list[tuple[float, float] | None] = [(each["low"], each["high"]) for each in found]
    return scales, f"intensities {limits} became -1 and 1 ({method})"


def _range(held: Holding, channels: int) -> tuple[float, float, list[Array]]:
    """Return the lowest and highest intensity, and some of each channel.

    Raises:
        DataError: When one is not finite.
    """
    rng = np.random.default_rng(0)
    low, high = np.inf, -np.inf
    some: list[list[Array]] = [[] for _ in range(channels)]
    for chunk in held.chunks():
        values = np.asarray(chunk.images, np.float32)
        sound = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if not sound.all():
            where = chunk.places[int(np.flatnonzero(~sound)[0])]
            raise DataError(
                f"{held.path}: {where} has values that are NaN or infinite; correct or remove it"
            )
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        for number, own in enumerate(some):
            flat = _channel(values, number, channels).ravel()
            own.append(flat if flat.size <= _DRAWN else rng.choice(flat, _DRAWN))
    return low, high, [np.concatenate(own)[:, None, None] for own in some]


def _channel(images: Array, number: int, channels: int) -> Array:
    """Return one channel of images, a view ``(n, *size)``."""
    return images if channels == 1 else images[:, number]


def _scaled(
    chunks: Iterator[Chunk], kept: Array, scales: Sequence[tuple[float, float] | None]
) -> Iterator[Chunk]:
    """Yield those patches that are kept, scaled.

    Args:
        chunks: All patches.
        kept: Their numbers, ascending.
        scales: What becomes -1 and 1 in each channel; None: of each patch its minimum and maximum.
    """
    first = 0
    for chunk in chunks:
        rows = kept[(kept >= first) & (kept < first + len(chunk.images))] - first
        first += len(chunk.images)
        images = np.array(chunk.images[rows], np.float32)
        for number, scale in enumerate(scales):
            own = _channel(images, number, len(scales))
            if scale is None:
                scale_patches(own)
            elif scale != (-1.0, 1.0):
                low, high = scale
                own[...] = np.clip((own - low) * (2.0 / (high - low)) - 1.0, -1.0, 1.0)
        labels = None if chunk.labels is None else chunk.labels[rows]
        yield replace(chunk, images=images, labels=labels)


def _compared(images: Array, labels: Array, patches: Patches) -> str:
    """Compare with real patches: intensity, vessel, empty labels."""
    rng = np.random.default_rng(0)
    real = patches.draw(min(_CHUNK, len(patches)), rng)
    own = np.sort(rng.permutation(len(images))[:_CHUNK])
    found = []
    for image, label in ((images[own], labels[own] > 0), (image_of(real), label_of(real) > 0)):
        marks = np.percentile(image.astype(np.float32), (1, 50, 99))
        empty = 1 - float(label.reshape(len(label), -1).any(axis=1).mean())
        found.append((", ".join(f"{m:.2f}" for m in marks), f"{label.mean():.1%}", f"{empty:.0%}"))
    names = ("intensity (1st percentile, median, 99th)", "vessel", "empty labels")
    return "; ".join(
        f"{name} {made}, of real patches {true}"
        for name, made, true in zip(names, *found, strict=True)
    )


def _mm(spacing: Sequence[float] | Array) -> str:
    return " × ".join(f"{edge:.3g}" for edge in spacing) + " mm"
