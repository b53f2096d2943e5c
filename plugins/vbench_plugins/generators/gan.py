"""The paper's three GANs as plugins: DCGAN, WGAN-GP and WGAN-GP-SN, in 2D and 3D.

Kossen et al., Synthesizing anonymized and labeled TOF-MRA patches for brain vessel segmentation
using generative adversarial networks, 2021.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.layout import label_of
from vbench.types import Array, Setup
from vbench_plugins.generators.gan_params import (
    DcganParams,
    GanParams,
    WganGpParams,
    WganGpSnParams,
)
from vbench_plugins.nn.augment import flip_and_rotate, stretch
from vbench_plugins.nn.levels import halvings, halvings_to_start
from vbench_plugins.nn.seeding import INIT, latent, torch_seed
from vbench_plugins.nn.settings import TINY
from vbench_plugins.nn.trained import TrainedGenerator

if TYPE_CHECKING:
    from torch import nn

    from vbench_plugins.generators.training import GanTrainer
    from vbench_plugins.nn.compute import Compute


class Gan(TrainedGenerator):
    """What the three share: how patches enter and leave the networks."""

    paper = "Kossen et al. 2021, doi:10.1016/j.compbiomed.2021.104254"
    tiny: ClassVar[Mapping[str, Any]] = {
        "steps": 3,
        "batch_size": 4,
        "latent": 8,
        "width": 4,
        "critic_width": 4,
        "critic_steps": 1,
        **TINY,
    }

    @classmethod
    def check(cls, params: GanParams, setup: Setup) -> None:
        """Raise ``ValueError`` for sizes that generator or critic cannot divide."""
        for levels in {params.levels, params.critic_levels or params.levels}:
            if levels:
                halvings(setup.size, levels)
            else:
                halvings_to_start(setup.size)

    def build(self, seed: int) -> nn.Module:
        """Return the generator's network with seeded weights."""
        from vbench_plugins.generators.networks import GeneratorNet

        with torch_seed(seed, INIT):
            return GeneratorNet(self.setup.size, self.params)

    def place(self, network: nn.Module) -> nn.Module:
        """Bring the generator to the device, in torch's own memory format."""
        return network.to(self.setup.device)

    def trainer(self, compute: Compute, seed: int) -> GanTrainer:
        """Return a trainer of generator and critic."""
        from vbench_plugins.generators.training import GanTrainer

        return GanTrainer(self.params, self.setup.size, compute, seed)

    def drawn(self) -> int:
        """Return a batch for each critic step; one for all of them with ``reuse_batch``."""
        p = self.params
        return int(p.batch_size * (1 if p.reuse_batch else p.critic_steps))

    def prepare(self, batch: Array, rng: np.random.Generator) -> Array:
        """Bring labelled patches into the range that the networks work in."""
        if self.params.augment:
            batch = flip_and_rotate(batch, rng)
        if self.params.patch_minmax:
            stretch(batch)
        if self.params.label_range == "-1..1":
            label = label_of(batch)
            label[...] = 2 * label - 1
        return batch

    def _leave(self, batch: Array) -> Array:
        """Bring the generator's output into the form of labelled patches."""
        label = label_of(batch)
        label[...] = label > self.params.label_threshold
        if self.params.patch_minmax:
            stretch(batch)
        return batch

    def make(self, n: int, rng: np.random.Generator) -> Array:
        """Sample in evaluation mode, unless the parameters ask for fault 4."""
        sampler = self.model()
        if self.params.sampling_mode == "train":
            sampler = copy.deepcopy(sampler).train()  # fault 4; the running statistics stay
        z = latent(rng, n, self.params.latent, self.setup.device)
        return self._leave(sampler(z).float().cpu().numpy())


class Dcgan(Gan):
    """Deep convolutional GAN with binary cross-entropy (arXiv 1511.06434)."""

    name = "dcgan"
    Params = DcganParams


class WganGp(Gan):
    """Wasserstein GAN with gradient penalty (arXiv 1704.00028)."""

    name = "wgan-gp"
    Params = WganGpParams


class WganGpSn(Gan):
    """Wasserstein GAN with gradient penalty and a spectrally normalised critic (1802.05957)."""

    name = "wgan-gp-sn"
    Params = WganGpSnParams
