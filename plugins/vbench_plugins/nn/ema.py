"""An exponential moving average of a network: smoother than its last state, and better."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Ema:
    """Follows a module's parameters and buffers.

    Attributes:
        module: The average, in evaluation mode, without gradients.
        decay: Share of the old value that each update keeps; 0 makes the average a plain copy.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        """Start as a copy of the module."""
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the module's present state.

        Args:
            module: The module that is trained.
            step: Steps done so far, 1-based. Early updates keep less, so that the random start
                is soon forgotten.
        """
        keep = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        for mine, theirs in zip(
            self.module.state_dict().values(), module.state_dict().values(), strict=True
        ):
            if mine.is_floating_point() and keep:
                mine.lerp_(theirs.to(mine.dtype), 1 - keep)
            else:
                mine.copy_(theirs)
