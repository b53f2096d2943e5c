"""Whole volumes by overlapping windows, only where the mask is: the one sliding window.

Places are those of MONAI's ``sliding_window_inference``; windows without any mask voxel are left
out, which changes nothing inside the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.masks.slices import margins
from vbench.types import Array

Place = tuple[slice, ...]
#: Is told how many windows of a volume are done, and of how many.
Watcher = Callable[[int, int], None]
_WATCHER: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Have volumes that are predicted by windows within the block tell how far they are.

    Args:
        watcher: Who is told; None: nobody.
    """
    token = _WATCHER.set(watcher)
    try:
        yield
    finally:
        _WATCHER.reset(token)


def blend(
    predict: Callable[[Array, Array], Array],
    image: Array,
    mask: Array,
    *,
    weight: npt.NDArray[np.float32],
    overlap: float,
    at_once: int = 1,
    outputs: int = 1,
) -> npt.NDArray[np.float32]:
    """Predict a volume by windows, and average where they overlap.

    A volume that is thinner than a window lies in its middle, as in a training patch.

    Args:
        predict: Maps windows ``(n, a, b, c)`` and their masks to probabilities of that shape; of
            several channels ``(n, channels, a, b, c)``, of several classes to ``(n, outputs, a, b,
            c)``.
        image: ``(X, Y, Z)``, -1 outside of the mask; of several channels ``(channels, X, Y, Z)``.
        mask: bool ``(X, Y, Z)``.
        weight: What each voxel of a window counts, ``(a, b, c)``, above 0.
        overlap: The share of a window that its neighbour covers, too; 0 to below 1.
        at_once: Windows that are predicted together.
        outputs: What is predicted of each voxel.

    Returns:
        float32 ``(X, Y, Z)`` in [0, 1], 0 outside of the mask; of several outputs ``(outputs, X, Y,
        Z)``.
    """
    shape, block = mask.shape, weight.shape
    extra = margins(shape, block)
    around = [(0, 0)] * (np.ndim(image) - len(shape)) + list(extra)
    volume = np.pad(np.asarray(image, np.float32), around, constant_values=-1)
    inside = np.pad(np.asarray(mask, bool), extra)
    several = (outputs,) if outputs > 1 else ()
    total = np.zeros((*several, *inside.shape), np.float32)
    norm = np.zeros(inside.shape, np.float32)
    places, watcher = _places(inside, block, overlap), _WATCHER.get()
    with watched(None):  # what predicts a window may do so by windows of its own
        for first in range(0, len(places), at_once):
            chosen = places[first : first + at_once]
            windows, masks = (
                np.stack([of[_last(place)] for place in chosen]) for of in (volume, inside)
            )
            for place, found in zip(chosen, predict(windows, masks) * weight, strict=True):
                total[_last(place)] += found
                norm[place] += weight
            if watcher:
                watcher(first + len(chosen), len(places))
    # Voxels that no window covers are outside of the mask.
    total /= np.maximum(norm, np.finfo(np.float32).tiny)
    cut = tuple(slice(before, before + n) for (before, _), n in zip(extra, shape, strict=True))
    result = total[_last(cut)]
    np.clip(result, 0, 1, out=result)
    result[..., ~np.asarray(mask, bool)] = 0
    return result


def _last(place: Place) -> Any:
    """Return the index of a place along the last axes, whatever stands before them."""
    return (..., *place)


def starts(extent: int, window: int, overlap: float) -> list[int]:
    """Return where the windows of one axis start; the last one ends at the border."""
    if extent <= window:
        return [0]
    step = max(int(window * (1 - overlap)), 1)
    return [min(s, extent - window) for s in range(0, extent - window + step, step)]


def _places(inside: Array, block: Sequence[int], overlap: float) -> list[Place]:
    """Return the windows that hold a mask voxel."""
    filled = np.argwhere(inside)
    if not len(filled):
        return []
    low, high = filled.min(0), filled.max(0)
    axes = [
        [s for s in starts(n, b, overlap) if s <= top and s + b > bottom]
        for n, b, bottom, top in zip(inside.shape, block, low, high, strict=True)
    ]
    places = (
        tuple(slice(s, s + b) for s, b in zip(at, block, strict=True)) for at in product(*axes)
    )
    return [place for place in places if inside[place].any()]
