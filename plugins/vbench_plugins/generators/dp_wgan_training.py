"""One step of a privately trained GAN: gradients of patients, noise, and what follows from them.

This is written out rather than left to Opacus, whose unit is one sample: here it is the mean
over a patient's patches, against one batch of generated ones. Nor is the sum divided by an expected
number of patients, as Opacus does: neighbouring data sets have different ones, so that the divisor
would tell them apart (its issues 571 and 819). Adam makes up for any constant factor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vbench.types import Array
from vbench_plugins.generators.training import GanTrainer
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.seeding import NOISE, PRIVACY, numpy_rng

Gradient = list[Tensor]

#: Keeps a patient's gradient from being longer than 1 by rounding, and from a division by 0.
_ROUNDING = 1e-5


class DpWganTrainer(GanTrainer):
    """First the steps of ``wgan-gp-sn`` on phantoms, then private ones on patients."""

    def __init__(
        self, p: Any, size: tuple[int, ...], compute: Compute, seed: int, noise: float
    ) -> None:
        """Build the networks.

        Args:
            p: The parameters.
            size: Of a patch.
            compute: How to compute.
            seed: Of the private steps; what comes before has a seed of its own.
            noise: Standard deviation of the noise; a patient's gradient is 1 long.
        """
        super().__init__(p, size, compute, p.phantom_seed if p.pretrain_steps else seed)
        self.own_seed, self.noise = seed, noise
        learns = self.critic if p.learns == "all" else self.critic.head
        self.learning = [w for w in learns.parameters() if w.requires_grad]
        self.private_optimiser = Adam(self.learning, p.lr_private, (p.beta1, p.beta2))
        self.follow_optimiser = Adam(self.generator.parameters(), p.lr_follow, (p.beta1, p.beta2))
        self.optimisers = {
            **self.optimisers,
            "private-adam": self.private_optimiser,
            "follow-adam": self.follow_optimiser,
        }

    def step(self, batch: Array) -> dict[str, Tensor]:
        """Do one step.

        Args:
            batch: Prepared patches: of phantoms as in :class:`GanTrainer`, or of patients,
                ``patient_patches`` of one after the other; none when a step sees nobody.

        Returns:
            Of private steps nothing but what noise has made safe to tell.
        """
        if self.steps < self.p.pretrain_steps:
            return super().step(batch)
        self.steps += 1
        self.seed = self.own_seed
        rng = numpy_rng(self.seed, NOISE, self.steps)
        real = self.compute.tensor(batch).split(self.p.patient_patches) if len(batch) else ()
        with torch.no_grad():
            fake = self.shown(self.fake(self.p.batch_size, rng))
        watched = self._private_step(self.patients_sum(real, fake))
        self.optimiser = self.follow_optimiser
        for _ in range(self.p.follow):
            fake = self.fake(self.p.batch_size, rng)
            watched |= self._generator_step(fake, fake, rng)
            self.average.update(self.generator, self.steps)
        return watched

    def patients_sum(self, patients: tuple[Tensor, ...], fake: Tensor) -> Gradient:
        """Return the sum of the patients' gradients, each at most 1 long, without noise.

        A patient's gradient is that of the critic's loss, mean generated minus mean real score. It
        depends on that patient and on the critic's weights; the critic is in evaluation mode, so
        that how many patients there are changes none of its vectors of spectral normalisation.

        Args:
            patients: Prepared patches ``(n, channels, *size)`` of each.
            fake: Generated patches, which know of patients what the weights already told.
        """
        self.critic.eval()
        made = self._score_gradient(fake)
        total = [torch.zeros_like(w) for w in self.learning]
        for patches in patients:
            own = [m - r for m, r in zip(made, self._score_gradient(patches), strict=True)]
            length = torch.nn.utils.get_total_norm(own) + _ROUNDING
            for summed, gradient in zip(total, own, strict=True):
                summed.add_(gradient / length * (1 - _ROUNDING))
        self.critic.train()
        return total

    def _score_gradient(self, patches: Tensor) -> Gradient:
        with self.compute.autocast():
            score = self.critic(patches).float().mean()
        return list(torch.autograd.grad(score, self.learning))

    def _private_step(self, total: Gradient) -> dict[str, Tensor]:
        """Add noise to the sum, and change the critic by it."""
        rng = numpy_rng(self.seed, PRIVACY, self.steps)
        for weight, summed in zip(self.learning, total, strict=True):
            normal = self.compute.tensor(rng.standard_normal(tuple(weight.shape), np.float32))
            weight.grad = summed.add_(self.noise * normal)
        head = self.critic.head[-1].get_parameter("weight")
        longest = head.detach().norm()
        self.private_optimiser.step()
        with torch.no_grad():
            head.mul_((longest / head.norm()).clamp(max=1))
        return {"private_gradient": torch.nn.utils.get_total_norm(total)}

    def length(self) -> int:
        """Return over how many steps the learning rates fall: those on phantoms."""
        return int(self.p.pretrain_steps)
