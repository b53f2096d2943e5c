"""One training step of the U-net, and all that the next one depends on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vbench.layout import image_channels, label_channels, one_hot
from vbench.types import Array, Setup, Weights
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.seeding import DROPOUT, INIT, torch_seed
from vbench_plugins.nn.trainer import Trainer
from vbench_plugins.segmenters.network import Unet

_WARM_UP = 0.1
#: Of logits and labels.
Loss = Callable[[Tensor, Tensor], Tensor]
#: Keeps the Dice of an empty batch defined.
_SMOOTH = 1e-5


def build(setup: Setup, p: Any, seed: int) -> Unet:
    """Build the network with seeded weights."""
    with torch_seed(seed, INIT):
        return Unet(setup.size, p, setup.contrasts, outputs_of(setup))


def outputs_of(setup: Setup) -> int:
    """Return the channels of logits: one for vessels, or one each for background and classes."""
    return 1 if setup.classes == 1 else setup.classes + 1


def moments_of(table: Mapping[str, Any]) -> tuple[float, float]:
    """Return mean and spread of the images from a table of weights or of a state."""
    mean, spread = np.asarray(table["moments"])
    return float(mean), float(spread)


def dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 - the soft Dice over the whole batch, so that a patch without vessels adds no term.

    In the order of MONAI's ``DiceLoss(sigmoid=True, batch=True)``, to the last digit; here for the
    reason that :class:`~vbench_plugins.segmenters.network.Convolution` is.
    """
    probability = torch.sigmoid(logits)
    axes = [0, *range(2, logits.ndim)]
    common = torch.sum(probability * labels, dim=axes)
    found_only = 0.5 * (torch.sum(probability, dim=axes) - common)
    true_only = 0.5 * (torch.sum(labels, dim=axes) - common)
    whole = 2 * (common + found_only + true_only)
    return torch.mean(1 - (2 * common + _SMOOTH) / (whole + _SMOOTH))


def dice_ce_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return :func:`dice_loss` plus the mean binary cross-entropy."""
    return dice_loss(logits, labels) + F.binary_cross_entropy_with_logits(logits, labels)


def classes_dice_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 1 - the soft Dice over the whole batch, the mean over background and classes.

    A class that the batch does not have adds no term.

    Args:
        logits: ``(n, classes + 1, *size)``, the background first.
        labels: ``(n, 1, *size)``, the index of the class.
    """
    probability = torch.softmax(logits, dim=1)
    truth = one_hot(labels[:, 0], logits.shape[1] - 1, background=True)
    axes = [0, *range(2, logits.ndim)]
    common, total = (probability * truth).sum(axes), (probability + truth).sum(axes)
    dice = (2 * common + _SMOOTH) / (total + _SMOOTH)
    there = truth.sum(axes) > 0
    return 1 - dice[there].mean()


def classes_dice_ce_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Return :func:`classes_dice_loss` plus the mean cross-entropy."""
    return classes_dice_loss(logits, labels) + F.cross_entropy(logits, labels[:, 0].long())


@cache
def loss_function(name: str, classes: int = 1) -> Loss:
    """Return a loss of (logits, labels); labels are ``(n, 1, *size)``, the index of the class."""
    if classes > 1:
        return {"dice": classes_dice_loss, "dice+ce": classes_dice_ce_loss}[name]
    if name == "dice":
        return dice_loss
    if name == "dice+ce":
        return dice_ce_loss
    from monai.losses import SoftclDiceLoss

    centreline = SoftclDiceLoss(sigmoid=True)
    return lambda logits, labels: dice_ce_loss(logits, labels) + 0.5 * centreline(logits, labels)


class PatchTrainer(Trainer):
    """The network, its optimiser and its average.

    Attributes:
        moments: Mean and spread that images are standardised with.
    """

    moments: tuple[float, float] = (0.0, 1.0)

    def __init__(self, p: Any, network: nn.Module, compute: Compute, seed: int, loss: Loss) -> None:
        super().__init__(p, compute, seed)
        self.network = compute.module(network).train()
        self.average = Ema(network, p.ema)
        self.optimiser = Adam(network.parameters(), p.lr)
        self.loss = loss
        graphs = p.cuda_graphs and compute.device.startswith("cuda")
        mode = "reduce-overhead" if graphs else "default"
        self.forward = torch.compile(network, mode=mode) if p.compile else network
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
