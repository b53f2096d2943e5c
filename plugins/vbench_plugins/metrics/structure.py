"""Compares the structure of patches, whatever was done to their contrast, direction and place.

A copied patch can be brightened, mirrored, turned, blurred, inverted or shifted before it is
released. Three descriptors see through that, each through another part:

- ``shape``: the image averaged over a coarse grid. Noise, blur, fine displacement and small turns
  hardly change it.
- ``spectrum``: the low frequencies of the image, without their phase. A small shift or an
  inversion hardly changes it.
- ``label``: the label averaged over the same grid. What is done to the image does not change it.

Images of several channels are described channel by channel, and compared by all of them together;
of several classes the label tells where any vessel is.

All have mean 0 and length 1, so gain and offset do not matter, and all are compared under the
mirror images and right-angle turns that keep the patch's shape. The similarity of two patches is
the largest correlation over these, in [-1, 1].
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vbench import Patches
from vbench.audit.closeness import views_of
from vbench.layout import image_channels, label_of
from vbench_plugins.metrics.nearest import Matches, halves, nearest

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Kind: TypeAlias = Literal["shape", "spectrum", "label"]
KINDS: tuple[Kind, ...] = ("shape", "spectrum", "label")

#: Cells of the coarse grid: few enough to average noise out, enough to tell patients apart.
_CELLS = 64
#: The highest frequency of a spectrum, in periods per patch.
_FREQUENCY = 2
#: An image whose deviation is below this, in units of intensity, shows nothing to compare.
BLANK = 0.01
#: A label in fewer cells than this looks like many others.
_TELLING = 6
#: Patches that are read together.
_READ = 512


@dataclass(frozen=True, eq=False)
class Structure:
    """Descriptors of a set of patches.

    Attributes:
        vectors: By descriptor, ``(n, d)``, mean 0 and length 1; 0 where there is nothing to see.
        views: By descriptor, symmetries as permutations of a vector, ``(symmetries, d)``: one of
            each two that are point reflections of each other.
        subject: The subject of each patch, numbered within the set from 0, ``(n,)``.
        channels: Of the images: a vector of an image has one part for each.
    """

    vectors: Mapping[Kind, Floats]
    views: Mapping[Kind, Indices]
    subject: npt.NDArray[np.int64]
    channels: int = 1

    def of(self, kind: Kind) -> int:
        """Return the parts of a descriptor's vectors."""
        return 1 if kind == "label" else self.channels

    @property
    def subjects(self) -> int:
        """Number of subjects."""
        return int(self.subject.max()) + 1

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.subject)


@dataclass(frozen=True, eq=False)
class Sample:
    """Some patches of a set.

    Attributes:
        index: Which ones, in order.
        structure: Theirs; subjects keep their numbers.
    """

    index: Indices
    structure: Structure


#: What was described or compared is kept as long as the set itself: scores share it.
_DESCRIBED: weakref.WeakKeyDictionary[Patches, Structure] = weakref.WeakKeyDictionary()
_SAMPLED: weakref.WeakKeyDictionary[Structure, dict[tuple[int, int], Sample]] = (
    weakref.WeakKeyDictionary()
)
_COMPARED: weakref.WeakKeyDictionary[
    Structure, weakref.WeakKeyDictionary[Structure, dict[Kind, Matches]]
] = weakref.WeakKeyDictionary()


def structure(patches: Patches) -> Structure:
    """Describe all patches of a set."""
    if patches not in _DESCRIBED:
        _DESCRIBED[patches] = _describe(patches)
    return _DESCRIBED[patches]


def sample(whole: Structure, most: int, seed: int) -> Sample:
    """Return at most so many patches of a set, drawn at random."""
    known = _SAMPLED.setdefault(whole, {})
    if (most, seed) not in known:
        index = np.sort(np.random.default_rng(seed).permutation(len(whole))[:most])
        vectors = {kind: found[index] for kind, found in whole.vectors.items()}
        known[most, seed] = Sample(
            index, Structure(vectors, whole.views, whole.subject[index], whole.channels)
        )
    return known[most, seed]


def _describe(patches: Patches) -> Structure:
    size = tuple(patches.size)
    grid = coarse_grid(size, _CELLS)
    channels = len(patches.channels)
    parts: dict[Kind, list[list[Floats]]] = {kind: [[] for _ in range(channels)] for kind in KINDS}
    for first in range(0, len(patches), _READ):
        taken = patches.take(np.arange(first, min(first + _READ, len(patches))))
        for number in range(channels):
            image = np.asarray(image_channels(taken)[:, number], np.float32)
            blank = image.std(axis=tuple(range(1, image.ndim))) < BLANK
            shape, spectrum = averages(image, grid), _spectrum(image)
            shape[blank] = spectrum[blank] = 0
            parts["shape"][number].append(shape)
            parts["spectrum"][number].append(spectrum)
        vessels = averages(np.asarray(label_of(taken) > 0, np.float32), grid)
        vessels[(vessels > 0).sum(axis=1) < _TELLING] = 0
        parts["label"][0].append(vessels)
    frequencies = tuple(_frequencies(n).size for n in size)
    cells, waves = _symmetries(grid, size), _symmetries(frequencies, size)
    return Structure(
        {kind: _joined([_unit(np.concatenate(p)) for p in of if p]) for kind, of in parts.items()},
        {"shape": _each(cells, channels), "label": cells, "spectrum": _each(waves, channels)},
        np.unique(patches.subject_index, return_inverse=True)[1],
        channels,
    )


def _joined(parts: list[Floats]) -> Floats:
    """Join the vectors of channels to one of length 1; what is 0 in all of them stays 0."""
    if len(parts) == 1:
        return parts[0]
    joined = np.concatenate(parts, axis=1)
    length = np.linalg.norm(joined, axis=1, keepdims=True)
    return np.divide(joined, length, out=np.zeros_like(joined), where=length > 0)


def _each(views: Indices, channels: int) -> Indices:
    """Return the views of one channel as those of several, each turned alike."""
    width = views.shape[1]
    return np.concatenate([views + number * width for number in range(channels)], axis=1)


def _halves(vectors: Floats, signed: bool, channels: int) -> Floats:
    """Return :func:`~vbench_plugins.metrics.nearest.halves` of each channel, what turns last."""
    if channels == 1:
        return halves(vectors, signed)
    apart = vectors.reshape(*vectors.shape[:-1], channels, -1)
    found = halves(apart, signed)
    odd = apart.shape[-1] // 2 if signed else 0
    even = found.shape[-1] - odd
    parts = [found[..., :even], found[..., even:]]
    return np.concatenate([p.reshape(*vectors.shape[:-1], -1) for p in parts], axis=-1)


def matches(queries: Structure, others: Structure, kind: Kind) -> Matches:
    """Find the most similar patch of each subject of another set, under all symmetries."""
    known = _COMPARED.setdefault(queries, weakref.WeakKeyDictionary()).setdefault(others, {})
    if kind not in known:
        known[kind] = _match(queries, others, kind)
    return known[kind]


def _match(queries: Structure, others: Structure, kind: Kind) -> Matches:
    vectors, views = queries.vectors[kind], queries.views[kind]
    signed = kind != "spectrum"  # which is the same under the point reflection
    channels = queries.of(kind)
    # What shows nothing resembles all by 0, and need not be compared.
    telling = np.flatnonzero(vectors.any(axis=1))
    found = nearest(
        lambda rows: _halves(vectors[telling[rows]][:, views], signed, channels),
        len(telling),
        _halves(others.vectors[kind], signed, channels),
        others.subject,
        odd=channels * (vectors.shape[1] // channels // 2) if signed else 0,
    )
    if len(telling) == len(vectors):
        return found
    similarity = np.zeros((len(vectors), others.subjects), np.float32)
    place = np.tile(np.unique(others.subject, return_index=True)[1], (len(vectors), 1))
    similarity[telling], place[telling] = found.similarity, found.place
    return Matches(similarity, place, np.maximum(found.back, 0))


def coarse_grid(size: tuple[int, ...], cells: int) -> tuple[int, ...]:
    """Return the cells per axis: about so many in all, as cubic as the patch allows."""
    edge = float(np.prod(size) / cells) ** (1 / len(size))
    return tuple(min(n, max(1, round(n / edge))) for n in size)


def _average(n: int, cells: int) -> Floats:
    """Return the matrix that averages ``n`` values over ``cells`` parts of equal length."""
    edges = np.linspace(0, n, cells + 1)
    left, right = np.arange(n), np.arange(n) + 1
    overlap = np.minimum(edges[1:, None], right) - np.maximum(edges[:-1, None], left)
    return (np.maximum(overlap, 0) * (cells / n)).astype(np.float32)


def averages(values: Floats, grid: tuple[int, ...]) -> Floats:
    """Return means over a coarse grid, ``(n, cells)``."""
    out = values
    for axis, cells in enumerate(grid, start=1):
        matrix = _average(values.shape[axis], cells)
        out = np.moveaxis(np.tensordot(out, matrix, axes=(axis, 1)), -1, axis)
    return np.ascontiguousarray(out).reshape(len(values), -1)


def _spectrum(image: Floats) -> Floats:
    from scipy import fft

    axes = tuple(range(1, image.ndim))
    window = np.ones((), np.float32)
    for n in image.shape[1:]:
        window = window[..., None] * np.hanning(n + 2)[1:-1].astype(np.float32)
    window /= window.sum()
    centred = (image - (image * window).sum(axes, keepdims=True)) * window
    found = fft.fftn(centred, axes=axes)
    for axis in axes:
        found = found.take(_frequencies(image.shape[axis]), axis=axis)
    # Roots, because the lowest frequencies hold most of the power.
    return np.sqrt(np.abs(found)).reshape(len(image), -1).astype(np.float32)


def _frequencies(n: int) -> Indices:
    highest = min(_FREQUENCY, (n - 1) // 2)
    return np.arange(-highest, highest + 1)


def _unit(vectors: Floats) -> Floats:
    centred = vectors - vectors.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-12)


def _symmetries(grid: tuple[int, ...], size: tuple[int, ...]) -> Indices:
    """Return flat indices of a grid, mirrored and with axes of equal extent swapped.

    Of two views that are point reflections of each other, one: see
    :func:`vbench_plugins.metrics.nearest.halves`.
    """
    views = np.stack(list(turned(np.arange(int(np.prod(grid))).reshape(grid), size)))
    halved = np.minimum(views, views.shape[1] - 1 - views)
    return views[np.sort(np.unique(halved, axis=0, return_index=True)[1])]


def turned(grid: npt.NDArray[Any], size: tuple[int, ...]) -> Iterator[npt.NDArray[Any]]:
    """Return all symmetries of an array over a patch of this size, each as a vector."""
    for view in views_of(size):
        yield view.of(grid[None])[0].ravel()
