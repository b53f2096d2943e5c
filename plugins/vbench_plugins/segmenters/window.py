"""How a network predicts a volume: by windows of the training size, blended as MONAI does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vbench.data.windows import blend
from vbench.types import Array

#: Voxels of one batch of windows: enough to fill the cores, small enough for the cache.
_BATCH_VOXELS = 2**17


def importance(size: tuple[int, ...], blending: str) -> npt.NDArray[np.float32]:
    """Return the weight of each voxel of a window: constant, or a Gaussian of sd size / 8."""
    if blending == "constant":
        return np.ones(size, np.float32)
    weight = torch.ones(())
    for n in size:
        x = torch.arange(n, dtype=torch.float32) - (n - 1) / 2
        line = torch.exp(-(x**2) / (2 * (n / 8) ** 2))
        weight = weight[..., None] * line
    found: npt.NDArray[np.float32] = weight.clamp_min(max(float(weight.min()), 1e-3)).numpy()
    return found


def predict(
    network: Callable[[Tensor], Tensor],
    image: Array,
    mask: Array,
    *,
    window: tuple[int, ...],
    overlap: float,
    blending: str,
    outputs: int = 1,
) -> Array:
    """Predict a volume.

    Args:
        network: Maps windows ``(n, channels, *window)`` to probabilities ``(n, outputs, *window)``.
        image: ``(X, Y, Z)``; of several channels ``(channels, X, Y, Z)``.
        mask: bool ``(X, Y, Z)``.
        window: Window size, 3 entries, or 2 for slice by slice along the last axis.
        overlap: Share of a window that its neighbour covers too.
        blending: ``gaussian`` or ``constant``.

        outputs: 1, or of several classes one more than there are.

    Returns:
        float32 ``(X, Y, Z)``, 0 outside of the mask; of several outputs ``(outputs, X, Y, Z)``.
    """
    block = window if len(window) == 3 else (*window, 1)

    def probabilities(windows: Array, inside: Array) -> Array:
        n = len(windows)
        found = network(torch.from_numpy(windows).reshape(n, -1, *window))
        shape = (n, outputs, *block) if outputs > 1 else (n, *block)
        return found.reshape(shape).numpy()

    return blend(
        probabilities,
        image,
        mask,
        weight=importance(window, blending).reshape(block),
        overlap=overlap,
        at_once=max(1, _BATCH_VOXELS // int(np.prod(block))),
        outputs=outputs,
    )
