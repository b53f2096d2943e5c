"""Modules and optimisers as flat tables of arrays, and back: what is saved of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn


def module_arrays(module: nn.Module, prefix: str = "") -> dict[str, Any]:
    """Copy all parameters and buffers to numpy, under ``prefix + name``."""
    return {
        # copy=True: .numpy() of a CPU tensor would share memory with what training changes.
        prefix + name: np.array(value.detach().cpu().contiguous().numpy(), copy=True)
        for name, value in module.state_dict().items()
    }


def load_module(module: nn.Module, arrays: Mapping[str, Any], prefix: str = "") -> None:
    """Take over what :func:`module_arrays` returned.

    Raises:
        ValueError: When names or shapes do not fit this module.
    """
    found = {
        name.removeprefix(prefix): torch.as_tensor(np.array(value))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
    try:
        module.load_state_dict(found)
    except RuntimeError as error:
        said = _differences(module.state_dict(), found) or str(error)
        raise ValueError(f"these weights are of another network: {said}") from error


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say what is missing, what nothing has a place for, and which shapes differ; one of each."""
    said = []
    for word, names in (
        ("missing", [name for name in expected if name not in found]),
        ("unknown", [name for name in found if name not in expected]),
    ):
        if names:
            said.append(f"{len(names)} {word}, such as {names[0]}")
    for name, value in found.items():
        if name in expected and value.shape != expected[name].shape:
            said.append(f"{name} has shape {list(value.shape)}, not {list(expected[name].shape)}")
            break
    return "; ".join(said)


def optimiser_arrays(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Any]:
    """Copy an optimiser's per-parameter state (such as Adam's moments) to numpy."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    return {
        f"{prefix}{index}.{key}": np.array(value.detach().cpu().contiguous().numpy(), copy=True)
        for index, parameter in enumerate(parameters)
        for key, value in optimiser.state.get(parameter, {}).items()
    }


def load_optimiser(
    optimiser: torch.optim.Optimizer, arrays: Mapping[str, Any], prefix: str
) -> None:
    """Take over what :func:`optimiser_arrays` returned, of an optimiser built the same way."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for name, value in arrays.items():
        if not name.startswith(prefix):
            continue
        index, _, key = name.removeprefix(prefix).partition(".")
        parameter = parameters[int(index)]
        tensor = torch.as_tensor(np.array(value))
        if tensor.shape == parameter.shape:
            # Moments keep their parameter's device and memory format.
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        optimiser.state[parameter][key] = tensor
