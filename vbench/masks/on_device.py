"""Masks that are torch tensors, and distances where they are: on a GPU, say.

torch is imported only if a mask is a tensor.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float64]

#: Distances that are held at once, 8 bytes each.
_AT_ONCE = 2**25
#: Pairs above which a tree on the host is taken: comparing all of them grows with their number.
MOST_PAIRS = 2**31
#: Points that a distance is measured to in one piece.
_TARGETS = 2**18


def on_host(mask: Any) -> npt.NDArray[Any]:
    """Return a mask as an array of the host: a tensor of any device, with or without a graph."""
    if not _is_tensor(mask):
        return np.asarray(mask)
    import torch

    tensor: Tensor = mask.detach().cpu()
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    # numpy has no such numbers as bfloat16; those of a mask, which are whole, survive it.
    known = (torch.float16, torch.float32, torch.float64)
    if tensor.is_floating_point() and tensor.dtype not in known:
        tensor = tensor.to(torch.float32)
    return tensor.resolve_neg().numpy()


def accelerator(masks: Iterable[Any]) -> str | None:
    """Return the CUDA device of the first mask that is a tensor there; None: all are on the host.

    Other devices have no numbers of double precision.
    """
    for mask in masks:
        if _is_tensor(mask) and mask.device.type == "cuda":
            return str(mask.device)
    return None


def nearest(points: Floats, targets: Floats, device: str) -> Floats | None:
    """Return the distance of each point to the nearest target, computed on a device.

    None when a tree on the host should do it: with very many pairs, or no memory left there.

    All pairs are compared, in double precision and by differences: the shortcut over a product of
    matrices loses the last half of the digits. The time grows with the number of pairs, the memory
    does not: it is some 300 MB at most, beside the points themselves.

    Args:
        points: ``(n, ndim)``, in mm.
        targets: ``(m, ndim)``, at least one.
        device: Such as ``cuda:0``.
    """
    import torch

    if len(points) * len(targets) > MOST_PAIRS:
        return None
    try:
        return _compared(points, targets, device)
    except torch.OutOfMemoryError:
        return None


def _compared(points: Floats, targets: Floats, device: str) -> Floats:
    import torch

    found = np.empty(len(points))
    there = torch.as_tensor(targets, dtype=torch.float64, device=device)
    rows = max(1, _AT_ONCE // min(len(there), _TARGETS))
    for first in range(0, len(points), rows):
        some = torch.as_tensor(points[first : first + rows], dtype=torch.float64, device=device)
        shortest = torch.full((len(some),), torch.inf, dtype=torch.float64, device=device)
        for part in there.split(_TARGETS):
            apart = torch.cdist(some, part, compute_mode="donot_use_mm_for_euclid_dist")
            shortest = torch.minimum(shortest, apart.amin(dim=1))
        found[first : first + rows] = shortest.cpu().numpy()
    return found


def _is_tensor(value: Any) -> bool:
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
