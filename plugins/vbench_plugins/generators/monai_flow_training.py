"""One training step of the flow, its integration, and all that the next step depends on."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.networks.nets import DiffusionModelUNet
from monai.networks.schedulers import RFlowScheduler
from torch import Tensor, nn

from vbench.types import Array
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.form import ONE, Form
from vbench_plugins.nn.seeding import INIT, NOISE, numpy_rng, torch_seed
from vbench_plugins.nn.trainer import Trainer

_GROUPS = 8
_TIMES = 1000
#: Patches whose loss is computed at once.
_CHUNK = 64


def build(p: Any, size: tuple[int, ...], seed: int, form: Form = ONE) -> nn.Module:
    """Build the network with seeded weights."""
    widths = [p.width * 2**level for level in range(p.levels)]
    with torch_seed(seed, INIT):
        return DiffusionModelUNet(
            spatial_dims=len(size),
            in_channels=form.channels,
            out_channels=form.channels,
            num_res_blocks=p.blocks,
            channels=widths,
            attention_levels=[p.attention and width == widths[-1] for width in widths],
            norm_num_groups=_GROUPS,
            num_head_channels=_GROUPS,
        )


def integrate(network: nn.Module, noise: Array, steps: int, compute: Compute) -> Array:
    """Follow the network's velocity from noise, of the shape of patches, to patches in [-1, 1]."""
    schedule = RFlowScheduler(_TIMES)
    schedule.set_timesteps(steps)
    times = [*schedule.timesteps.tolist(), 0]
    patches = compute.tensor(noise)
    for now, following in pairwise(times):
        time = torch.full((len(patches),), float(now), device=patches.device)
        with compute.autocast():
            velocity = network(patches, time)
        patches, _ = schedule.step(velocity.float(), now, patches, following)
    return patches.cpu().numpy()


def losses(network: nn.Module, patches: Array, compute: Compute) -> Array:
    """Return the loss of each patch, label in -1 and 1: ``(n,)``, within no gradient."""
    rng, schedule = numpy_rng(0, NOISE), RFlowScheduler(_TIMES)
    found = np.zeros(len(patches))
    for time in (0.25 * _TIMES, 0.5 * _TIMES, 0.75 * _TIMES):
        noise = compute.tensor(rng.standard_normal((1, *patches.shape[1:]), dtype=np.float32))
        for first in range(0, len(patches), _CHUNK):
            part = compute.tensor(patches[first : first + _CHUNK])
            alike, times = noise.expand_as(part), part.new_full((len(part),), time)
            with compute.autocast():
                velocity = network(schedule.add_noise(part, alike, times), times)
            errors = (velocity.float() - (part - alike)).square().flatten(1).mean(1)
            found[first : first + _CHUNK] += errors.double().cpu().numpy()
    return found


class FlowTrainer(Trainer):
    """The network, its optimiser and its average."""

    def __init__(
        self, p: Any, size: tuple[int, ...], compute: Compute, seed: int, form: Form = ONE
    ) -> None:
        super().__init__(p, compute, seed)
        self.form = form
        self.network = compute.module(build(p, size, seed, form)).train()
        self.average = Ema(self.network, p.ema)
        self.optimiser = Adam(self.network.parameters(), p.lr)
        self.schedule = RFlowScheduler(_TIMES)
        self.modules, self.optimisers = {"network": self.network}, {"adam": self.optimiser}

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step and return the loss."""
        self.steps += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.p.lr * 0.5 * (1 + math.cos(math.pi * self.steps / self.p.steps))
        rng = numpy_rng(self.seed, NOISE, self.steps)
        label = self.form.label(batch)
        label[...] = 2 * label - 1  # in one range with the image; the batch is ours
        patches = self.compute.tensor(batch)
        noise = self.compute.tensor(rng.standard_normal(batch.shape, dtype=np.float32))
        # Spread evenly over the batch, so that every step sees early and late times.
        place = (np.arange(len(batch)) + rng.random(len(batch))) / len(batch)
        times = self.compute.tensor((_TIMES * place).astype(np.float32))
        mixed = self.schedule.add_noise(patches, noise, times)
        with self.compute.autocast():
            velocity = self.network(mixed, times)
        loss = F.mse_loss(velocity.float(), patches - noise)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.average.update(self.network, self.steps)
        return {"loss": loss.detach()}
