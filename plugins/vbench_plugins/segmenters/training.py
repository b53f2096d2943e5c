"""One training step of the U-net, and all that the next one depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vbench.layout import image_channels, label_channels
from vbench.types import Array, Weights
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.seeding import DROPOUT, INIT, torch_seed
from vbench_plugins.nn.trainer import Trainer
from vbench_plugins.segmenters.network import Unet

_WARM_UP = 0.1


def build(size: tuple[int, ...], p: Any, seed: int) -> Unet:
    """Build the network with seeded weights."""
    with torch_seed(seed, INIT):
        return Unet(size, p)


def moments_of(table: Mapping[str, Any]) -> tuple[float, float]:
    """Return mean and spread of the images from a table of weights or of a state."""
    mean, spread = np.asarray(table["moments"])
    return float(mean), float(spread)


def loss_function(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss of (logits, labels), both ``(n, 1, *size)``.

    Dice is taken over the whole batch, so that a patch without vessels adds no term.
    """
    from monai.losses import DiceCELoss, DiceLoss, SoftclDiceLoss

    if name == "dice":
        return DiceLoss(sigmoid=True, batch=True)
    both = DiceCELoss(sigmoid=True, batch=True)
    if name == "dice+ce":
        return both
    centreline = SoftclDiceLoss(sigmoid=True)
    return lambda logits, labels: both(logits, labels) + 0.5 * centreline(logits, labels)


class PatchTrainer(Trainer):
    """The network, its optimiser and its average.

    Attributes:
        moments: Mean and spread that images are standardised with.
    """

    moments: tuple[float, float] = (0.0, 1.0)

    def __init__(self, p: Any, network: nn.Module, compute: Compute, seed: int) -> None:
        super().__init__(p, compute, seed)
        self.network = compute.module(network).train()
        self.average = Ema(network, p.ema)
        self.optimiser = torch.optim.Adam(network.parameters(), p.lr)
        self.loss = loss_function(p.loss)
        self.forward = torch.compile(network) if p.compile else network
        self.modules, self.optimisers = {"network": self.network}, {"adam": self.optimiser}

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step and return the loss."""
        self.steps += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.p.lr * self._scale()
        image = self.compute.tensor((image_channels(batch) - self.moments[0]) / self.moments[1])
        label = self.compute.tensor(label_channels(batch))
        with torch_seed(self.seed, DROPOUT, self.steps, self.compute.device):
            with self.compute.autocast():
                logits = self.forward(image)
            loss = self.loss(logits.float(), label)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.average.update(self.network, self.steps)
        return {"loss": loss.detach()}

    def _scale(self) -> float:
        if self.p.schedule == "constant":
            return 1.0
        done = self.steps / self.p.steps
        if done < _WARM_UP:
            return done / _WARM_UP
        return 0.5 * (1 + math.cos(math.pi * (done - _WARM_UP) / (1 - _WARM_UP)))

    def state(self) -> Weights:
        """Return all that the next step depends on, with the moments of the images."""
        return {**super().state(), "moments": np.array(self.moments)}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        super().load_state(state)
        self.moments = moments_of(state)
