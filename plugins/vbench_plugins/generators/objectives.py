"""What critic and generator minimise: the Wasserstein distance, cross-entropy, or a comparison."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vbench_plugins.generators.networks import Critic
from vbench_plugins.nn.compute import Compute

Metrics = dict[str, Tensor]


class Objective(Protocol):
    """The two losses of a GAN."""

    def critic(
        self, critic: Critic, real: Tensor, fake: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Metrics]:
        """Return the critic's loss, and what is worth watching, for patches without graph."""
        ...

    def generator(self, critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
        """Return the generator's loss; ``fake`` carries its graph."""
        ...


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, mode: str, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Penalise the critic's gradient norm where it differs from 1 (arXiv 1704.00028), in float32.

    Args:
        critic: The critic; double-backward goes through it, so it must not be compiled.
        real: Real patches ``(n, channels, *size)``.
        fake: Generated ones, as many, without graph.
        mode: ``sample``: a mixing weight and a norm per sample. ``batch``: one of each for the
            whole batch, as in the original code (fault 1), which drives each sample's norm to
            ``1 / sqrt(n)``.
        rng: For the mixing weights.

    Returns:
        The mean of ``(norm - 1)²``, and the mean norm (detached).
    """
    count = len(real) if mode == "sample" else 1
    weight = torch.as_tensor(rng.random((count, *([1] * (real.ndim - 1))), dtype=np.float32))
    weight = weight.to(real.device)
    mixed = (weight * real + (1 - weight) * fake).detach().requires_grad_(True)
    scores = critic(mixed)
    (gradient,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
    flat = gradient.flatten(1) if mode == "sample" else gradient.reshape(1, -1)
    norm = flat.norm(dim=1)
    return ((norm - 1) ** 2).mean(), norm.detach().mean()


def squared_gradient(critic: Critic, patches: Tensor) -> Tensor:
    """Return the mean squared length of the critic's gradient, in float32.

    R1 of real patches and R2 of generated ones (arXiv 1801.04406).
    """
    patches = patches.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(patches).sum(), patches, create_graph=True)
    return gradient.flatten(1).square().sum(1).mean()


class Relativistic:
    """Each real patch against a generated one, with R1 and R2 (arXiv 2501.05441)."""

    def __init__(self, p: Any, compute: Compute) -> None:
        self.p, self.compute = p, compute

    def critic(
        self, critic: Critic, real: Tensor, fake: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Metrics]:
        """Return how little real patches score above generated ones, plus both penalties."""
        with self.compute.autocast():
            margin = critic(real).float() - critic(fake).float()
        count = self.p.penalty_samples or len(real)
        r1 = squared_gradient(critic, real[:count])
        r2 = squared_gradient(critic, fake[:count])
        loss = F.softplus(-margin).mean() + self.p.penalty_weight / 2 * (r1 + r2)
        return loss, {"margin": margin.mean(), "r1": r1, "r2": r2}

    def generator(self, critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
        """Return how little generated patches score above real ones."""
        with self.compute.autocast():
            margin = critic(fake).float() - critic(real).float()
        return F.softplus(-margin).mean()


class Wasserstein:
    """Wasserstein loss with gradient penalty."""

    def __init__(self, p: Any, compute: Compute) -> None:
        self.p, self.compute = p, compute

    def critic(
        self, critic: Critic, real: Tensor, fake: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Metrics]:
        """Return mean fake minus mean real score, plus the weighted penalty."""
        with self.compute.autocast():
            if critic.batch_stddev:  # a joint batch would mix the two spreads
                scores = torch.cat([critic(real), critic(fake)]).float()
            else:
                scores = critic(torch.cat([real, fake])).float()
        distance = scores[: len(real)].mean() - scores[len(real) :].mean()
        count = self.p.penalty_samples or len(real)
        penalty, norm = gradient_penalty(critic, real[:count], fake[:count], self.p.penalty, rng)
        loss = self.p.penalty_weight * penalty - distance
        return loss, {"wasserstein": distance, "penalty": penalty, "gradient_norm": norm}

    def generator(self, critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
        """Return minus the mean score."""
        with self.compute.autocast():
            scores = critic(fake)
        return -scores.float().mean()


class CrossEntropy:
    """Binary cross-entropy, as in DCGAN."""

    def __init__(self, p: Any, compute: Compute) -> None:
        self.p, self.compute = p, compute

    def critic(
        self, critic: Critic, real: Tensor, fake: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Metrics]:
        """Return the sum of both classes' cross-entropy.

        Real and generated patches pass one after the other: batch norm sees each kind separately.
        """
        losses, shares = [], []
        for patches, (low, high) in ((real, self.p.target_real), (fake, self.p.target_fake)):
            target = torch.as_tensor(rng.uniform(low, high, len(patches)).astype(np.float32))
            with self.compute.autocast():
                logits = critic(patches)
            logits = logits.float()
            losses.append(F.binary_cross_entropy_with_logits(logits, target.to(logits.device)))
            shares.append(torch.sigmoid(logits.detach()).mean())
        return losses[0] + losses[1], {"score_real": shares[0], "score_fake": shares[1]}

    def generator(self, critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
        """Return the loss that ``generator_loss`` names."""
        kind = self.p.generator_loss
        with self.compute.autocast():
            features = critic.see(fake)
            real_features = None if kind == "adversarial" else critic.see(real)
            logits = None if kind == "paired-features" else critic.score(features)
        if logits is None:
            assert real_features is not None
            # Fault 7: patch i of one batch against patch i of the other, which have no relation.
            return F.l1_loss(features.float(), real_features.float()) / 100
        loss = F.binary_cross_entropy_with_logits(logits.float(), torch.ones_like(logits.float()))
        if real_features is not None:
            loss = loss + F.l1_loss(features.float().mean(0), real_features.float().mean(0))
        return loss


def objective_of(p: Any, compute: Compute) -> Objective:
    """Return the losses of a GAN with these parameters."""
    if p.objective == "wasserstein":
        return Wasserstein(p, compute)
    if p.objective == "relativistic":
        return Relativistic(p, compute)
    return CrossEntropy(p, compute)
