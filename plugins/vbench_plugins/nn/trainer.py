"""What trainers share: the count of steps, and all that the next step depends on as arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vbench.types import Array, Weights
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.flat import load_module, load_optimiser, module_arrays, optimiser_arrays


class Trainer(ABC):
    """Networks, their optimisers, and the average that is used in the end.

    Attributes:
        p: The method's parameters.
        compute: How the networks are computed.
        seed: The fit's.
        average: Of the network that samples or predicts.
        modules: What is trained, by the name under which its state is saved.
        optimisers: Likewise.
        steps: Steps done.
    """

    average: Ema
    modules: Mapping[str, nn.Module]
    optimisers: Mapping[str, torch.optim.Optimizer]

    def __init__(self, p: Any, compute: Compute, seed: int) -> None:
        """Keep these; a subclass builds the rest, with weights that depend on the seed only."""
        self.p, self.compute, self.seed, self.steps = p, compute, seed, 0

    @abstractmethod
    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step on a batch of labelled patches.

        Returns:
            What is worth watching, as tensors without graph: reading them is left to the caller,
            since it would wait for a GPU.
        """

    def state(self) -> Weights:
        """Return all that the next step depends on; random numbers depend only on its count."""
        found: Weights = {"steps": np.array(self.steps)}
        for name, module in self._saved().items():
            found |= module_arrays(module, f"{name}.")
        for name, optimiser in self.optimisers.items():
            found |= optimiser_arrays(optimiser, f"{name}.")
        return found

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        self.steps = int(state["steps"])
        for name, module in self._saved().items():
            load_module(module, state, f"{name}.")
        for name, optimiser in self.optimisers.items():
            load_optimiser(optimiser, state, f"{name}.")

    def _saved(self) -> dict[str, nn.Module]:
        return {**self.modules, "average": self.average.module}
