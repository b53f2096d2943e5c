"""Weights and states on disk: flat tables of arrays as safetensors; nothing is pickled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.errors import ContractError, StoreError
from vbench.files import atomic_write
from vbench.types import Weights
from vbench.usertext import regular


def save_weights(path: Path, weights: Weights, owner: str = "weights") -> None:
    """Write what a method's ``weights`` or ``state`` returned.

    Args:
        path: The file.
        weights: Flat dict of numpy arrays or torch tensors.
        owner: Who returned it, for messages.

    Raises:
        ContractError: When it is not a flat dict of arrays.
    """
    if not isinstance(weights, dict):
        raise ContractError(f"{owner} returned {type(weights).__name__}; expected a dict of arrays")
    arrays: dict[str, Any] = {}
    tensors = False
    for name, value in weights.items():
        if isinstance(value, np.ndarray | np.generic):
            arrays[name] = np.array(value, order="C")
        elif type(value).__module__.partition(".")[0] == "torch":
            arrays[name] = value.detach().cpu().contiguous()
            tensors = True
        else:
            raise ContractError(
                f"{owner}['{name}'] is {type(value).__name__}; expected a numpy array or a tensor"
            )
    with atomic_write(path) as temporary:
        if tensors:
            import torch
            from safetensors.torch import save_file

            converted = {
                # A copy each: safetensors refuses tensors that share memory.
                n: torch.from_numpy(a) if isinstance(a, np.ndarray) else a.clone()
                for n, a in arrays.items()
            }
            save_file(converted, temporary, metadata={"framework": "torch"})
        else:
            from safetensors.numpy import save_file as save_numpy

            save_numpy(arrays, temporary, metadata={"framework": "numpy"})


def load_weights(path: Path) -> Weights:
    """Read what :func:`save_weights` wrote, as tensors if there were any, else as numpy arrays.

    Raises:
        StoreError: When it is no such file, whatever its header claims.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(regular(path), framework="numpy") as file:
            framework = (file.metadata() or {}).get("framework")
        if framework == "torch":
            from safetensors.torch import load_file

            return dict(load_file(path))
        from safetensors.numpy import load_file as load_numpy

        return dict(load_numpy(path))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path}: not readable as weights ({error}); remove its folder and run again"
        ) from error
