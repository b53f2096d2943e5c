"""Tables of weights: compare two, and send one through a file as the engine does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from vbench.types import Array, Weights


def as_numpy(value: Any) -> Array:
    """Return a numpy array or torch tensor as a separate numpy array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if str(value.dtype) == "torch.bfloat16":
            value = value.float()
        return np.array(value.numpy())
    return np.array(value)


def copy(table: Weights) -> dict[str, Array]:
    """Return a copy that nothing else holds."""
    return {name: as_numpy(value) for name, value in table.items()}


def through_file(table: Weights) -> Weights:
    """Write a table to a safetensors file and read it back.

    As the engine does: a table with tensors comes back as tensors, one of numpy arrays as those.
    """
    from safetensors import numpy as of_numpy

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        if not any(hasattr(value, "detach") for value in table.values()):
            of_numpy.save_file(copy(table), path)
            return dict(of_numpy.load_file(path))
        import torch
        from safetensors import torch as of_torch

        tensors = {
            # A copy each: safetensors refuses tensors that share memory.
            name: torch.as_tensor(value).detach().cpu().contiguous().clone()
            for name, value in table.items()
        }
        of_torch.save_file(tensors, path)
        return dict(of_torch.load_file(path))


def difference(first: Weights, second: Weights, *, exact: bool = False) -> str:
    """Say in what two tables differ; an empty string when they do not.

    Args:
        first: One table.
        second: The other.
        exact: Whether rounding counts as a difference.
    """
    if set(first) != set(second):
        return f"names differ: {sorted(set(first) ^ set(second))}"
    for name in sorted(first):
        fault = array_difference(as_numpy(first[name]), as_numpy(second[name]), exact=exact)
        if fault:
            return f"{name}: {fault}"
    return ""


def array_difference(first: Array, second: Array, *, exact: bool = False) -> str:
    """Say in what two arrays differ; an empty string when they do not."""
    if first.shape != second.shape:
        return f"shapes {first.shape} and {second.shape}"
    if np.array_equal(first, second, equal_nan=first.dtype.kind == "f"):
        return ""
    if first.dtype.kind not in "fiub":
        return "values differ"
    left, right = first.astype(np.float64), second.astype(np.float64)
    gap = float(np.max(np.abs(left - right)))
    allowed = 0.0 if exact else 1e-6 + 1e-5 * float(np.max(np.abs(left)))
    return "" if gap <= allowed else f"values differ by up to {gap:.3g}"
