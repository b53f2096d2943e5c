"""Whole volumes by overlapping windows of the training size, only where the mask is.

Places and weights of the windows are those of MONAI's ``sliding_window_inference``; windows
without any mask voxel are left out, which changes nothing inside the mask.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor

from vbench.types import Array

#: Voxels of one batch of windows: enough to fill the cores, small enough for the cache.
_BATCH_VOXELS = 2**17


def starts(extent: int, window: int, overlap: float) -> list[int]:
    """Return where the windows of one axis start; the last one ends at the border."""
    if extent <= window:
        return [0]
    step = max(int(window * (1 - overlap)), 1)
    return [min(s, extent - window) for s in range(0, extent - window + step, step)]


def importance(size: tuple[int, ...], blending: str) -> Tensor:
    """Return the weight of each voxel of a window: constant, or a Gaussian of sd size / 8."""
    weight = torch.ones(())
    for n in size:
        x = torch.arange(n, dtype=torch.float32) - (n - 1) / 2
        line = torch.exp(-(x**2) / (2 * (n / 8) ** 2))
        weight = weight[..., None] * line
    if blending == "constant":
        return torch.ones(size)
    return weight.clamp_min(max(float(weight.min()), 1e-3))


def predict(
    network: Callable[[Tensor], Tensor],
    image: Array,
    mask: Array,
    *,
    window: tuple[int, ...],
    overlap: float,
    blending: str,
) -> Array:
    """Predict a volume.

    Args:
        network: Maps windows ``(n, 1, *window)`` to probabilities of the same shape.
        image: ``(X, Y, Z)``.
        mask: bool ``(X, Y, Z)``.
        window: Window size, 3 entries, or 2 for slice by slice along the last axis.
        overlap: Share of a window that its neighbour covers too.
        blending: ``gaussian`` or ``constant``.

    Returns:
        float32 ``(X, Y, Z)``, 0 outside of the mask.
    """
    block = window if len(window) == 3 else (*window, 1)
    shape = image.shape
    # Thinner volumes lie in the middle of a window, as they do in training patches.
    short = [max(b - n, 0) for n, b in zip(shape, block, strict=True)]
    before = [s // 2 for s in short]
    padding = [(b, s - b) for b, s in zip(before, short, strict=True)]
    volume = torch.from_numpy(np.pad(np.asarray(image, np.float32), padding, constant_values=-1))
    inside = np.pad(np.asarray(mask, bool), padding)
    weight = importance(window, blending).reshape(block)
    total = torch.zeros(volume.shape)
    norm = torch.zeros(volume.shape)
    places = _places(inside, block, overlap)
    count = max(1, _BATCH_VOXELS // int(np.prod(block)))
    for first in range(0, len(places), count):
        chosen = places[first : first + count]
        patches = torch.stack([volume[place] for place in chosen])
        found = network(patches.reshape(len(chosen), 1, *window)).reshape(len(chosen), *block)
        found = found * weight
        for place, patch in zip(chosen, found, strict=True):
            total[place] += patch
            norm[place] += weight
    # Voxels that no window covers are outside of the mask.
    result = (total / norm.clamp_min(torch.finfo(torch.float32).tiny)).numpy()
    cut = tuple(slice(b, b + n) for b, n in zip(before, shape, strict=True))
    return np.where(mask, np.clip(result[cut], 0, 1), np.float32(0))


def _places(
    inside: Array, block: tuple[int, ...], overlap: float
) -> list[tuple[slice, slice, slice]]:
    """Return the windows that hold a mask voxel."""
    filled = np.argwhere(inside)
    if not len(filled):
        return []
    axes = [starts(n, b, overlap) for n, b in zip(inside.shape, block, strict=True)]
    low, high = filled.min(0), filled.max(0)
    axes = [
        [s for s in axis if s <= top and s + b > bottom]
        for axis, b, bottom, top in zip(axes, block, low, high, strict=True)
    ]
    places = (
        (slice(x, x + block[0]), slice(y, y + block[1]), slice(z, z + block[2]))
        for x, y, z in product(*axes)
    )
    return [place for place in places if inside[place].any()]
