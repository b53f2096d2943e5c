"""The two networks of mask-first: one training step of both, and sampling with both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vbench.layout import one_hot
from vbench.types import Array
from vbench_plugins.generators.flow import FlowNet, sample, shifted
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.form import ONE, Form
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
        moments: Mean and standard deviation of the images; of several contrasts, a column each.
    """

    moments: Tensor

    def __init__(self, size: tuple[int, ...], p: Any, form: Form = ONE) -> None:
        super().__init__()
        self.size, self.form = size, form
        shared = {"levels": p.levels, "fine": p.fine}
        labels, images = form.classes, form.contrasts
        self.label = FlowNet(size, "label", width=p.label_width, seen=0, channels=labels, **shared)
        self.image = FlowNet(
            size, "image", width=p.image_width, seen=labels, channels=images, **shared
        )
        moments = torch.tensor([0.0, 1.0])
        several = images > 1
        self.register_buffer("moments", moments[:, None].repeat(1, images) if several else moments)

    def unit(self, image: Tensor) -> Tensor:
        """Bring images ``(n, contrasts, *size)`` to the unit that the network works in."""
        mean, sd = self._moments(image)
        return (image - mean) / sd

    def _moments(self, image: Tensor) -> tuple[Tensor, Tensor]:
        if self.form.contrasts == 1:
            return self.moments[0], self.moments[1]
        shape = (1, -1, *[1] * (image.ndim - 2))
        return self.moments[0].reshape(shape), self.moments[1].reshape(shape)

    def sample(self, n: int, rng: np.random.Generator, p: Any, compute: Compute) -> Array:
        """Sample labelled patches ``(n, contrasts + 1, *size)``, image in [-1, 1]."""

        def noise(channels: int) -> Callable[[], Tensor]:
            return lambda: draw_noise(rng, (n, channels, *self.size), compute)

        with torch.inference_mode(), compute.autocast():
            found = sample(self.label, noise(self.form.classes), p.label_steps)
            index = self._decided(found)
            label = torch.where(found > 0, 1.0, -1.0)
            if self.form.classes > 1:
                label = 2 * one_hot(index[:, 0], self.form.classes) - 1
            image = sample(self.image, noise(self.form.contrasts), p.image_steps, label)
        mean, sd = self._moments(image)
        image = (image.float() * sd + mean).clamp(-1, 1)
        return torch.cat([image, index], dim=1).cpu().numpy()

    def _decided(self, found: Tensor) -> Tensor:
        """Return the class of each voxel, ``(n, 1, *size)``: vessel or not first, then which."""
        if self.form.classes == 1:
            return (found > 0).float()
        vessel = ((found + 1) / 2).sum(dim=1, keepdim=True) > 0.5
        return torch.where(vessel, found.argmax(dim=1, keepdim=True) + 1, 0).float()

    def losses(self, patches: Array, compute: Compute) -> Array:
        """Return the sum of both networks' losses of each patch, ``(n,)``, within no gradient.

        Args:
            patches: ``(n, contrasts + classes, *size)``.
            compute: How to compute.
        """
        rng = numpy_rng(0, NOISE)
        found = np.zeros(len(patches))
        noises = [
            draw_noise(rng, (1, channels, *self.size), compute)
            for _ in TIMES
            for channels in (self.form.classes, self.form.contrasts)
        ]
        for first in range(0, len(patches), CHUNK):
            part = compute.tensor(patches[first : first + CHUNK])
            label = 2 * self.form.label(part) - 1
            image = self.unit(self.form.image(part))
            for place, time in enumerate(TIMES):
                for network, data, seen, noise in (
                    (self.label, label, None, noises[2 * place]),
                    (self.image, image, label, noises[2 * place + 1]),
                ):
                    with compute.autocast():
                        errors = network.errors(data, noise, time, seen)
                    found[first : first + CHUNK] += errors.double().cpu().numpy()
        return found


def build(p: Any, size: tuple[int, ...], seed: int, form: Form = ONE) -> Pair:
    """Build both networks with seeded weights."""
    with torch_seed(seed, INIT):
        return Pair(size, p, form)


def draw_noise(rng: np.random.Generator, shape: tuple[int, ...], compute: Compute) -> Tensor:
    """Draw standard normal noise, the same on every device."""
    return compute.tensor(rng.standard_normal(shape, dtype=np.float32))


class PairTrainer(Trainer):
    """Both networks, their optimiser and their average."""

    def __init__(
        self, p: Any, size: tuple[int, ...], compute: Compute, seed: int, form: Form = ONE
    ) -> None:
        super().__init__(p, compute, seed)
        self.form, self.pair = form, build(p, size, seed, form)
        compute.module(self.pair)
        self.average = Ema(self.pair, p.ema)
        self.optimiser = Adam(self.pair.parameters(), p.lr, (0.9, 0.99))
        self.modules, self.optimisers = {"pair": self.pair}, {"adam": self.optimiser}

    def survey(self, images: Array) -> None:
        """Take mean and spread from images ``(n, *size)``, or ``(n, contrasts, *size)``."""
        several = np.moveaxis(images, 1, 0) if self.form.contrasts > 1 else [images]
        found = [[float(each.mean()), float(each.std()) or 1.0] for each in several]
        moments = torch.tensor(found).T.reshape(self.pair.moments.shape)
        for pair in (self.pair, self.average.module):
            pair.get_buffer("moments").copy_(moments)

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step of both networks and return both losses."""
        self.steps += 1
        for group in self.optimiser.param_groups:
            group["lr"] = self.p.lr * self._scale()
        rng = numpy_rng(self.seed, NOISE, self.steps)
        drawn = self.compute.tensor(batch)
        label = 2 * self.form.label(drawn) - 1
        image = self.pair.unit(self.form.image(drawn))
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
