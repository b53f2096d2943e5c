"""The two networks of mask-first: one training step of both, and sampling with both."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vbench.layout import image_channels, label_channels
from vbench.types import Array
from vbench_plugins.generators.flow import FlowNet, sample, shifted
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.seeding import INIT, NOISE, numpy_rng, torch_seed
from vbench_plugins.nn.trainer import Trainer

#: Share of the steps in which the learning rate rises: full rates at once silence a network.
_WARM_UP = 0.05
#: Times of the path at which the loss of single patches is computed, and patches at once.
TIMES, CHUNK = (0.25, 0.5, 0.75), 64
#: Longer gradients are shortened to this, each network's on its own.
_LONGEST = 1.0


class Pair(nn.Module):
    """The label's network, the image's, and the unit in which the latter works.

    Attributes:
        moments: Mean and standard deviation of the images.
    """

    moments: Tensor

    def __init__(self, size: tuple[int, ...], p: Any) -> None:
        super().__init__()
        self.size = size
        shared = {"levels": p.levels, "fine": p.fine}
        self.label = FlowNet(size, "binary", width=p.label_width, seen=0, **shared)
        self.image = FlowNet(size, "image", width=p.image_width, seen=1, **shared)
        self.register_buffer("moments", torch.tensor([0.0, 1.0]))

    def sample(self, n: int, rng: np.random.Generator, p: Any, compute: Compute) -> Array:
        """Sample labelled patches ``(n, channels, *size)``, image in [-1, 1], label 0 or 1."""

        def noise() -> Tensor:
            return draw_noise(rng, (n, 1, *self.size), compute)

        with torch.inference_mode(), compute.autocast():
            found = sample(self.label, noise, p.label_steps, p.shift)
            label = torch.where(found > 0, 1.0, -1.0)
            image = sample(self.image, noise, p.image_steps, p.shift, label)
        image = (image.float() * self.moments[1] + self.moments[0]).clamp(-1, 1)
        return torch.cat([image, (label > 0).float()], dim=1).cpu().numpy()

    def losses(self, patches: Array, compute: Compute) -> Array:
        """Return the sum of both networks' losses of each patch, ``(n,)``, within no gradient."""
        rng = numpy_rng(0, NOISE)
        found = np.zeros(len(patches))
        noises = [draw_noise(rng, (1, 1, *self.size), compute) for _ in range(2 * len(TIMES))]
        for first in range(0, len(patches), CHUNK):
            part = compute.tensor(patches[first : first + CHUNK])
            label = 2 * label_channels(part) - 1
            image = (image_channels(part) - self.moments[0]) / self.moments[1]
            for place, time in enumerate(TIMES):
                for network, data, seen, noise in (
                    (self.label, label, None, noises[2 * place]),
                    (self.image, image, label, noises[2 * place + 1]),
                ):
                    with compute.autocast():
                        errors = network.errors(data, noise, time, seen)
                    found[first : first + CHUNK] += errors.double().cpu().numpy()
        return found


def build(p: Any, size: tuple[int, ...], seed: int) -> Pair:
    """Build both networks with seeded weights."""
    with torch_seed(seed, INIT):
        return Pair(size, p)


def draw_noise(rng: np.random.Generator, shape: tuple[int, ...], compute: Compute) -> Tensor:
    """Draw standard normal noise, the same on every device."""
    return compute.tensor(rng.standard_normal(shape, dtype=np.float32))


class PairTrainer(Trainer):
    """Both networks, their optimiser and their average."""

    def __init__(self, p: Any, size: tuple[int, ...], compute: Compute, seed: int) -> None:
        super().__init__(p, compute, seed)
        self.pair = build(p, size, seed)
        compute.module(self.pair)
        self.average = Ema(self.pair, p.ema)
        self.optimiser = Adam(self.pair.parameters(), p.lr, (0.9, 0.99))
        self.modules, self.optimisers = {"pair": self.pair}, {"adam": self.optimiser}

    def survey(self, images: Array) -> None:
        """Take mean and spread from images ``(n, *size)``."""
        moments = torch.tensor([float(images.mean()), float(images.std()) or 1.0])
        for pair in (self.pair, self.average.module):
            pair.get_buffer("moments").copy_(moments)

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step of both networks and return both losses."""
        self.steps += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.p.lr * self._scale()
        rng = numpy_rng(self.seed, NOISE, self.steps)
        drawn = self.compute.tensor(batch)
        label = 2 * label_channels(drawn) - 1
        image = (image_channels(drawn) - self.pair.moments[0]) / self.pair.moments[1]
        watched = {}
        for name, network, data, seen in (
            ("label", self.pair.label, label, None),
            ("image", self.pair.image, image, label),
        ):
            noise = draw_noise(rng, tuple(data.shape), self.compute)
            with self.compute.autocast():
                watched[f"{name}_loss"] = network.loss(data, noise, self._times(rng), seen)
        self.optimiser.zero_grad()
        sum(watched.values(), torch.zeros((), device=drawn.device)).backward()
        for network in (self.pair.label, self.pair.image):
            nn.utils.clip_grad_norm_(network.parameters(), _LONGEST)
        self.optimiser.step()
        self.average.update(self.pair, self.steps)
        return {name: loss.detach() for name, loss in watched.items()}

    def _scale(self) -> float:
        """Return the share of the learning rate: a short rise, then all of it, then a fall."""
        left = (self.p.steps - self.steps + 1) / self.p.steps
        rise = min(1.0, self.steps / (_WARM_UP * self.p.steps))
        return rise * (min(1.0, left / self.p.decay) if self.p.decay else 1.0)

    def _times(self, rng: np.random.Generator) -> Tensor:
        """Draw a time per patch, spread evenly over the batch, for a quieter loss."""
        n = self.p.batch_size
        even = (np.arange(n) + rng.random()) / n
        return shifted(self.compute.tensor(even.astype(np.float32)), self.p.shift)
