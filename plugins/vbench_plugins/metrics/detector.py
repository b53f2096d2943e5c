"""Learns from real patches what a copy keeps when it is moved and what tells patches apart.

A patch is described by the amplitudes of its frequencies, which a shift hardly changes. How much
each of them is worth is learnt: real patches are shifted, turned, scaled, blurred, made brighter
and noisier at random, and those combinations are kept that differ much between patches and little
between a patch and its disguise (Fisher's linear discriminant, weighted as in Ioffe 2006, ECCV).
They have a closed form, and are blind to who was trained on: all real patches count alike.

Turns by right angles and mirroring permute the frequencies, so all are looked at. So are turns by
30 degrees about each axis, and windows off the patch's centre: what a far shift left in the patch.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from vbench import Patches
from vbench.layout import image_of
from vbench_plugins.metrics.registration import overlap_correlation
from vbench_plugins.metrics.structure import BLANK, averages, coarse_grid, turned

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

#: The part of a patch's extent that is described, and how far off its centre it is looked for.
_WINDOW, _OFF = 5 / 8, 3 / 16
#: Frequencies of a window, about: enough for its texture. Half of them mirror the other half.
_FREQUENCIES = 729
#: The most patches that are learnt from, and directions that are kept.
_LEARNT, _KEPT = 3000, 80
#: What a discriminant may gain from directions in which disguises seem to change nothing.
_RIDGE = 0.02
#: Disguises: the largest shift in parts of the patch, the largest turn in degrees, the deviation of
#: the zoom.
_SHIFT, _TURN, _ZOOM = 1 / 16, 10.0, 0.08
#: The turns that are looked at beside right angles, in degrees.
_LOOKED = (-30.0, 30.0)
#: Cells of the grid on which patches are laid over each other.
_CELLS = 512


@dataclass(frozen=True, eq=False)
class Looks:
    """Images in every way that is looked at.

    Attributes:
        vectors: Their descriptions, ``(n, views, k)``.
        coarse: The images, turned, as vectors of cells, ``(n, turns, cells)``.
        turn: Of each view, which of these it shows.
        cells: Of each view, the permutation of cells, ``(views, cells)``.
    """

    vectors: Floats
    coarse: Floats
    turn: Indices
    cells: Indices


@dataclass(frozen=True, eq=False)
class Detector:
    """Descriptors of patches, weighted by what disguises leave.

    Attributes:
        centre: The mean description, ``(d,)``.
        weights: The discriminant, ``(d, k)``.
        views: Mirror images and right-angle turns as permutations of a description,
            ``(symmetries, d)``.
        cells: The same as permutations of a coarse image, ``(symmetries, cells)``.
        grid: The extents of that image.
    """

    centre: Floats
    weights: Floats
    views: Indices
    cells: Indices
    grid: tuple[int, ...]

    @classmethod
    def fit(cls, real: tuple[Patches, ...], seed: int) -> Detector:
        """Learn from sets of real patches of one size, whoever they belong to."""
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(seed)
        images = np.concatenate([_some(patches, len(real), rng) for patches in real])
        size = images.shape[1:]
        views, first = _views(size)
        plain, other = (spectrum(_window(part)) for part in (images, disguised(images, generator)))
        # No direction is special: each pair is seen under a symmetry of its own.
        own = views[rng.integers(len(views), size=len(images))]
        seen = ~_blank(images)
        plain, other = (np.take_along_axis(part, own, axis=1)[seen] for part in (plain, other))
        grid = coarse_grid(size, _CELLS)
        cells = np.stack(list(turned(np.arange(int(np.prod(grid))).reshape(grid), size)))
        return cls(*_discriminant(plain, other), views, cells[first], grid)

    def describe(self, images: Floats) -> Floats:
        """Describe images, ``(n, k)``, of length 1, or 0 where nothing is seen."""
        found = self._weighted(spectrum(_window(images)))
        found[_blank(images)] = 0
        return found

    def coarse(self, images: Floats) -> Floats:
        """Average images over the coarse grid, ``(n, *grid)``."""
        return averages(images, self.grid).reshape(len(images), *self.grid)

    def looks(self, images: Floats) -> Looks:
        """Describe images in every way that is looked at."""
        turns = [images, *_turned(images)]
        windows = [(0, part) for part in _windows(images)]
        windows += [(turn, _window(turns[turn])) for turn in range(1, len(turns))]
        vectors = np.concatenate(
            [self._weighted(spectrum(part)[:, self.views]) for _, part in windows], axis=1
        )
        vectors[_blank(images)] = 0
        return Looks(
            vectors,
            np.stack([self.coarse(turn).reshape(len(images), -1) for turn in turns], axis=1),
            np.repeat([turn for turn, _ in windows], len(self.views)),
            np.tile(self.cells, (len(windows), 1)),
        )

    def alike(self, looks: Looks, view: Indices, others: Floats) -> Floats:
        """Lay images, in one view each, over coarse images of others: see ``overlap_correlation``.

        A view leaves open whether the image is point-reflected as well, so both are tried.
        """
        image = looks.coarse[np.arange(len(view)), looks.turn[view]]
        image = np.take_along_axis(image, looks.cells[view], axis=1)
        return np.maximum(
            overlap_correlation(image.reshape(-1, *self.grid), others),
            overlap_correlation(image[:, ::-1].reshape(-1, *self.grid), others),
        )

    def _weighted(self, described: Floats) -> Floats:
        found = (described - self.centre) @ self.weights
        length = np.linalg.norm(found, axis=-1, keepdims=True)
        return np.divide(found, length, out=np.zeros_like(found), where=length > 1e-12)


def spectrum(images: Floats) -> Floats:
    """Return the roots of the amplitudes of half of the frequencies, mean 0 and length 1."""
    from scipy import fft

    axes = tuple(range(1, images.ndim))
    window = np.ones((), np.float32)
    for n in images.shape[1:]:
        window = window[..., None] * np.sin(np.pi * (np.arange(n, dtype=np.float32) + 0.5) / n)
    window = (window / window.sum()).astype(np.float32)
    found = fft.fftn((images - (images * window).sum(axes, keepdims=True)) * window, axes=axes)
    highest = _highest(images.shape[1:])
    for axis, most in zip(axes, highest, strict=True):
        found = found.take(np.arange(-most, most + 1), axis=axis)
    root = np.sqrt(np.abs(found.reshape(len(images), -1)[:, : found[0].size // 2 + 1]))
    root -= root.mean(axis=1, keepdims=True)
    length = np.linalg.norm(root, axis=1, keepdims=True)
    return np.divide(root, length, out=np.zeros_like(root), where=length > 1e-12).astype(np.float32)


def moved(images: Floats, matrix: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Resample images about their centres; what lies outside continues the border.

    Args:
        images: ``(n, *size)``.
        matrix: From places of the result to places of the image, in voxels, ``(n, axes, axes)``.
        shift: Added to them, in voxels, ``(n, axes)``.
    """
    extent = torch.tensor(images.shape[1:], dtype=torch.float32)
    # The grid's coordinates run from -1 to 1, the last axis first.
    scaled = (matrix * extent / extent[:, None]).flip(1, 2)
    offset = (2 * shift / extent).flip(1)[..., None]
    batch = torch.from_numpy(np.ascontiguousarray(images))[:, None]
    grid = F.affine_grid(torch.cat([scaled, offset], 2), list(batch.shape), align_corners=False)
    return F.grid_sample(batch, grid, padding_mode="border", align_corners=False)[:, 0]


def disguised(images: Floats, generator: torch.Generator) -> Floats:
    """Shift, turn, scale, blur, brighten and disturb each image at random."""
    n, size = len(images), images.shape[1:]
    axes = len(size)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    skew = torch.randn(n, axes, axes, generator=generator)
    skew = skew - skew.transpose(1, 2)
    angle = torch.deg2rad(uniform(0, _TURN, 1, 1))
    skew = skew / skew.norm(dim=(1, 2), keepdim=True).clamp(min=1e-6) * (angle * 2**0.5)
    zoom = torch.exp(_ZOOM * torch.randn(n, 1, 1, generator=generator))
    shift = uniform(-_SHIFT, _SHIFT, axes) * torch.tensor(size, dtype=torch.float32)
    image = moved(images, torch.matrix_exp(skew) * zoom, shift)

    each = (1,) * axes
    light = ((image + 1) / 2).clamp(0, 1) ** torch.exp(uniform(-0.5, 0.5, *each))
    light = light * uniform(0.6, 1.1, *each) + uniform(-0.1, 0.1, *each)
    blurred = _blurred(light)
    light = torch.where(uniform(0, 1, *each) < 0.3, blurred, light)
    noise = torch.randn(light.shape, generator=generator) * uniform(0, 0.06, *each)
    found: Floats = (2 * light - 1 + noise).numpy()
    return found


def _blurred(images: torch.Tensor) -> torch.Tensor:
    axes = images.ndim - 1
    pool = F.avg_pool3d if axes == 3 else F.avg_pool2d
    padded = F.pad(images[:, None], (1,) * (2 * axes), mode="replicate")
    return pool(padded, 3, 1)[:, 0]


def _window(images: Floats, off: tuple[int, ...] | None = None) -> Floats:
    """Cut a window out of each image, at its centre or so many voxels off."""
    out = images
    for axis, n in enumerate(images.shape[1:], start=1):
        width = _width(n)
        first = (n - width) // 2 + (0 if off is None else off[axis - 1])
        out = out.take(np.arange(first, first + width), axis=axis)
    return out


def _windows(images: Floats) -> list[Floats]:
    """Cut all windows that are looked at."""
    steps = []
    for n in images.shape[1:]:
        most = min(round(n * _OFF), (n - _width(n)) // 2)
        steps.append(sorted({-most, 0, most}))
    return [_window(images, off) for off in itertools.product(*steps)]


def _width(n: int) -> int:
    return max(1, round(n * _WINDOW))


def _turned(images: Floats) -> list[Floats]:
    """Return images turned in each plane by each angle that is looked at."""
    n, axes = len(images), images.ndim - 1
    out = []
    for first, second in itertools.combinations(range(axes), 2):
        for degrees in _LOOKED:
            skew = torch.zeros(axes, axes)
            skew[first, second] = np.deg2rad(degrees)
            matrix = torch.matrix_exp(skew - skew.T).expand(n, -1, -1)
            out.append(moved(images, matrix, torch.zeros(n, axes)).numpy())
    return out


def _discriminant(plain: Floats, other: Floats) -> tuple[Floats, Floats]:
    """Return the mean, and directions that differ between pairs, weighted by how reliably.

    Each has variance 1 within pairs and ``v`` in all, of which ``(v - 1) / v`` is the patch's own.
    """
    from scipy import linalg

    everything = np.concatenate([plain, other])
    centre = everything.mean(axis=0) if len(everything) else np.zeros(plain.shape[1], np.float32)
    apart = plain - other
    within = (apart.T @ apart).astype(np.float64) / (2 * max(1, len(apart)))
    centred = everything - centre
    between = (centred.T @ centred).astype(np.float64) / max(1, len(everything))
    d = len(within)
    within[np.diag_indices(d)] += _RIDGE * np.trace(within) / d + 1e-9
    kept = min(_KEPT, d)
    variance, directions = linalg.eigh(between, within, subset_by_index=(d - kept, d - 1))
    own = np.sqrt(np.clip((variance - 1) / np.maximum(variance, 1), 1e-6, None))
    return centre, (directions * own).astype(np.float32)


def _highest(size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the highest frequency along each axis, in periods per window."""
    most = max(1, round((_FREQUENCIES ** (1 / len(size)) - 1) / 2))
    return tuple(min(most, (n - 1) // 2) for n in size)


def _views(size: tuple[int, ...]) -> tuple[Indices, Indices]:
    """Return symmetries as permutations of half of a window's frequencies, and which they are."""
    grid = tuple(2 * most + 1 for most in _highest(tuple(_width(n) for n in size)))
    last = int(np.prod(grid)) - 1
    every = np.stack(list(turned(np.arange(last + 1).reshape(grid), size)))[:, : last // 2 + 1]
    return np.unique(np.minimum(every, last - every), axis=0, return_index=True)


def _some(patches: Patches, sets: int, rng: np.random.Generator) -> Floats:
    index = np.sort(rng.permutation(len(patches))[: _LEARNT // sets])
    return np.asarray(image_of(patches.take(index)), np.float32)


def _blank(images: Floats) -> npt.NDArray[np.bool_]:
    blank: npt.NDArray[np.bool_] = images.std(axis=tuple(range(1, images.ndim))) < BLANK
    return blank
