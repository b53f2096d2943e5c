"""One training step of a GAN, and all that the next one depends on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vbench.layout import one_hot
from vbench.types import Array
from vbench_plugins.generators.auxiliary import JUDGED, AuxiliarySegmenter
from vbench_plugins.generators.networks import (
    Critic,
    GeneratorNet,
    SegmenterHead,
    initialise,
    lowest,
)
from vbench_plugins.generators.objectives import objective_of
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.augment import symmetry
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.form import ONE, Form
from vbench_plugins.nn.seeding import INIT, NOISE, latent, numpy_rng, torch_seed
from vbench_plugins.nn.trainer import Trainer


class GanTrainer(Trainer):
    """The networks, their optimisers and the average of the generator.

    The critic is never compiled, whatever ``compile`` says of the generator: its gradient penalty
    differentiates twice. Steps are those of the generator.
    """

    def __init__(
        self,
        p: Any,
        size: tuple[int, ...],
        compute: Compute,
        seed: int,
        form: Form = ONE,
    ) -> None:
        super().__init__(p, compute, seed)
        self.form = form
        with torch_seed(seed, INIT):
            self.generator = GeneratorNet(size, p, form)
            self.critic = Critic(size, p, form)
            for network in (self.generator, self.critic):
                initialise(network, p.weight_sd, p.zero_mean_gains)
        for network in (self.generator, self.critic):
            compute.module(network)
        self.average = Ema(self.generator, p.ema)
        if p.compile:
            self.generator.compile()  # in place: what is saved keeps its names
        betas = (p.beta1, p.beta2)
        mine = [weight for weight in self.generator.parameters() if weight.requires_grad]
        self.optimiser = Adam(mine, p.lr_generator, betas)
        self.critic_optimiser = Adam(self.critic.parameters(), p.lr_critic, betas)
        self.objective = objective_of(p, compute)
        self.modules = {"generator": self.generator, "critic": self.critic}
        self.optimisers = {
            "generator-adam": self.optimiser,
            "critic-adam": self.critic_optimiser,
        }
        self._features = torch.empty(0)
        self.auxiliary: AuxiliarySegmenter | None = None
        if p.agreement or p.label_by == "segmenter":
            self.auxiliary = AuxiliarySegmenter(p, size, compute, seed, form)
            self.modules |= {
                "auxiliary": self.auxiliary.network,
                "auxiliary-average": self.auxiliary.average.module,
            }
            self.optimisers |= {"auxiliary-adam": self.auxiliary.optimiser}

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do ``critic_steps`` steps of the critic, and one of the generator.

        Args:
            batch: Prepared patches, ``batch_size`` for each critic step; with ``reuse_batch`` one
                batch for all of them.
        """
        self.steps += 1
        self._set_rates()
        rng = numpy_rng(self.seed, NOISE, self.steps)
        batches = self.compute.tensor(batch).split(self.p.batch_size)
        taught = self._teach(batch)
        for index in range(self.p.critic_steps):
            real = batches[0] if self.p.reuse_batch else batches[index]
            reused = self.p.reuse_batch and index == self.p.critic_steps - 1
            # Only fakes that the generator step reuses need the generator's graph.
            with torch.set_grad_enabled(reused):
                fake = self.fake(len(real), rng)
            watched = self.critic_step(real, fake.detach(), rng)
        if not self.p.reuse_batch:
            fake = self.fake(self.p.batch_size, rng)
        watched |= taught | self._generator_step(fake, real, rng)
        self.average.update(self.generator, self.steps)
        return watched

    def _teach(self, batch: Array) -> dict[str, Tensor]:
        """Train the auxiliary segmenter; a generator that labels by it takes its weights."""
        if self.auxiliary is None:
            return {}
        loss = self.auxiliary.learn(batch, self.steps, self._rate())
        if isinstance(self.generator.head, SegmenterHead):
            self.auxiliary.lend(self.generator.head)
        return {"auxiliary_loss": loss}

    def fake(self, n: int, rng: np.random.Generator) -> Tensor:
        """Generate ``n`` patches with the generator as it is."""
        z = latent(rng, n, self.p.latent, self.compute.device)
        with self.compute.autocast():
            made, features = self.generator(z, with_features=True)
        self._features = features[:JUDGED].detach()
        return made.float()

    def critic_step(
        self, real: Tensor, fake: Tensor, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Do one step of the critic; neither patches carry a graph."""
        real, shown = self._turn([real, self.shown(fake)], rng)
        loss, watched = self.objective.critic(self.critic, real, shown, rng)
        self.critic_optimiser.zero_grad()
        loss.backward()
        watched = {**watched, "critic_loss": loss, "critic_gradient": _length(self.critic)}
        self.critic_optimiser.step()
        return {name: value.detach() for name, value in watched.items()}

    def _turn(self, patches: list[Tensor], rng: np.random.Generator) -> list[Tensor]:
        """Mirror and rotate all patches by one and the same symmetry of the patch."""
        if not self.p.turn:
            return patches
        size = tuple(patches[0].shape[2:])
        axes = symmetry(size, rng)
        flips = [axis + 2 for axis in range(len(size)) if rng.random() < 0.5]
        return [p.permute(0, 1, *(axes + 2).tolist()).flip(flips) for p in patches]

    def length(self) -> int:
        """Return over how many steps the learning rates fall."""
        return int(self.p.steps)

    def shown(self, fake: Tensor) -> Tensor:
        """Return generated patches as the critic sees them; a cut lets the gradient through."""
        if self.p.critic_labels == "soft":
            return fake
        label, low = self.form.label(fake), lowest(self.p)
        if self.form.classes == 1:
            hard = torch.where(label > self.p.label_threshold, 1.0, low)
        else:
            vessel = (label - low).sum(dim=1) > self.p.label_threshold - low
            index = torch.where(vessel, label.argmax(dim=1) + 1, 0).to(label.dtype)
            hard = one_hot(index, self.form.classes) * (1 - low) + low
        return torch.cat([self.form.image(fake), hard + (label - label.detach())], dim=1)

    def _rate(self) -> float:
        """Return the share of the learning rates that is left."""
        left = (self.length() - self.steps + 1) / self.length()
        return min(1.0, left / self.p.decay) if self.p.decay else 1.0

    def _set_rates(self) -> None:
        scale = self._rate()
        for optimiser, rate in (
            (self.optimiser, self.p.lr_generator),
            (self.critic_optimiser, self.p.lr_critic),
        ):
            for group in optimiser.param_groups:
                group["lr"] = rate * scale

    def _generator_step(
        self, fake: Tensor, real: Tensor, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        shown, real = self._turn([self.shown(fake), real], rng)
        # The critic only passes the gradient on: its own weights need none.
        self.critic.requires_grad_(False)
        loss = self.objective.generator(self.critic, shown, real)
        self.critic.requires_grad_(True)
        watched = {"generator_loss": loss}
        if self.auxiliary is not None and self.p.agreement:
            judged = fake[:JUDGED].detach()
            with self.compute.autocast():
                label = self.generator.label(self._features, judged).float()
            watched["agreement"] = distance = self.auxiliary.distance(judged, label)
            loss = loss + self.auxiliary.weight(self.steps / self.length()) * distance
        self.optimiser.zero_grad()
        loss.backward()
        watched["generator_gradient"] = _length(self.generator)
        self.optimiser.step()
        return {name: value.detach() for name, value in watched.items()}


def _length(network: torch.nn.Module) -> Tensor:
    """Return the length of the loss's gradient in all weights."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    return torch.nn.utils.get_total_norm(gradients)
