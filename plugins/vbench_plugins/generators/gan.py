"""The paper's three GANs as plugins, DCGAN, WGAN-GP and WGAN-GP-SN, and R3GAN, in 2D and 3D.

Kossen et al., Synthesizing anonymized and labeled TOF-MRA patches for brain vessel segmentation
using generative adversarial networks, 2021.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from vbench.types import Array, Setup, Weights
from vbench_plugins.generators.gan_params import (
    DcganParams,
    GanParams,
    R3GanParams,
    WganGpParams,
    WganGpSnParams,
)
from vbench_plugins.generators.spread import SpreadGenerator
from vbench_plugins.nn.augment import flip_and_rotate, stretch
from vbench_plugins.nn.levels import halvings, halvings_to_start
from vbench_plugins.nn.seeding import INIT, latent, torch_seed
from vbench_plugins.nn.settings import TINY
from vbench_plugins.nn.sides import refuse_mirrors

if TYPE_CHECKING:
    from torch import nn

    from vbench_plugins.generators.training import GanTrainer
    from vbench_plugins.nn.compute import Compute


#: What the critic's arrays are called by.
_CRITIC = "critic."
#: Patches that the critic scores at once.
_CHUNK = 64


class Gan(SpreadGenerator):
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
    _critic: nn.Module | None = None

    @classmethod
    def check(cls, params: GanParams, setup: Setup) -> None:
        """Raise ``ValueError`` for sizes that generator or critic cannot divide, and the like."""
        if params.label_layers and params.output == "transposed":
            raise ValueError(
                'label_layers read full-resolution features, which output = "transposed" has '
                'not; write output = "conv", or label_layers = 0'
            )
        if params.label_by == "segmenter" and (params.agreement or params.label_layers):
            raise ValueError(
                'label_by = "segmenter" leaves agreement and label_layers nothing to act on: '
                'leave both at 0, or write label_by = "generator"'
            )
        if params.class_end == "nested" and (params.label_by == "segmenter" or setup.classes == 1):
            raise ValueError(
                'class_end = "nested" says how a generator gives several classes their labels; '
                "here there is one class, or a segmenter gives them: leave it out"
            )
        if params.agreement and (setup.classes, setup.contrasts) != (1, 1):
            raise ValueError(
                f"agreement = {params.agreement:g}: its segmenter takes one class and one channel, "
                f"here are {setup.classes} and {setup.contrasts}; leave agreement at 0"
            )
        refuse_mirrors(setup, params.augment, "augment = true", "augment = false")
        refuse_mirrors(setup, params.turn, "turn = true", "turn = false")
        for levels in {params.levels, params.critic_levels or params.levels}:
            if levels:
                halvings(setup.size, levels)
            else:
                halvings_to_start(setup.size)

    @classmethod
    def shared_steps(cls, params: GanParams) -> int:
        """All until the rates fall; none where the pull on labels grows with the training."""
        return 0 if params.agreement else int(params.steps * (1 - params.decay))

    def build(self, seed: int) -> nn.Module:
        """Return the generator's network with seeded weights."""
        from vbench_plugins.generators.networks import GeneratorNet

        with torch_seed(seed, INIT):
            return GeneratorNet(self.setup.size, self.params, self.form)

    def trainer(self, compute: Compute, seed: int) -> GanTrainer:
        """Return a trainer of generator and critic."""
        from vbench_plugins.generators.training import GanTrainer

        return GanTrainer(self.params, self.setup.size, compute, seed, self.form)

    def drawn(self) -> int:
        """Return a batch for each critic step; one for all of them with ``reuse_batch``."""
        p = self.params
        return int(p.batch_size * (1 if p.reuse_batch else p.critic_steps))

    def prepare(self, batch: Array, rng: np.random.Generator) -> Array:
        """Bring labelled patches into the range that the networks work in."""
        return self._enter(flip_and_rotate(batch, rng) if self.params.augment else batch)

    def _enter(self, batch: Array) -> Array:
        if self.params.patch_minmax:
            stretch(batch)
        batch = self.form.spread(batch)
        if self.params.label_range == "-1..1":
            label = self.form.label(batch)
            label[...] = 2 * label - 1
        return batch

    def _leave(self, batch: Array) -> Array:
        """Bring the generator's output into the form of labelled patches."""
        low = -1.0 if self.params.label_range == "-1..1" else 0.0
        batch = self.form.gather(batch, self.params.label_threshold, low)
        if self.params.patch_minmax:
            stretch(batch)
        return batch

    def make(self, n: int, rng: np.random.Generator) -> Array:
        """Sample in evaluation mode, unless the parameters ask for fault 4."""
        sampler = self.model()
        if self.params.sampling_mode == "train":
            sampler = copy.deepcopy(sampler).train()  # fault 4; the running statistics stay
        z = latent(rng, n, self.params.latent, self.setup.device)
        with self.computing().autocast():
            made = sampler(z)
        return self._leave(made.float().cpu().numpy())

    def weights(self) -> Weights:
        """Return the averaged generator, and the critic where there is one: for attacks."""
        from vbench_plugins.nn.flat import module_arrays

        critic = self._judge()
        return super().weights() | ({} if critic is None else module_arrays(critic, _CRITIC))

    def load_weights(self, weights: Weights) -> None:
        """Take over an averaged generator, and a critic where there is one."""
        from vbench_plugins.nn.flat import load_module

        critic = {name: value for name, value in weights.items() if name.startswith(_CRITIC)}
        super().load_weights({n: value for n, value in weights.items() if n not in critic})
        self._critic = self._new_critic() if critic else None
        if self._critic is not None:
            load_module(self._critic, critic, _CRITIC)

    def membership_scores(self, patches: Array) -> Array | None:
        """Return the critic's scores: a critic knows its training patches by heart before others.

        In evaluation mode and in chunks; heads that look at the whole batch see those of a chunk.
        """
        import torch

        critic = self._judge()
        if critic is None:
            return None
        entered, compute = self._enter(patches), self.computing()
        with torch.inference_mode(), compute.running():
            parts = [
                critic(compute.tensor(entered[first : first + _CHUNK])).float().cpu().numpy()
                for first in range(0, len(entered), _CHUNK)
            ]
        return np.concatenate(parts)

    def _judge(self) -> nn.Module | None:
        """Return the critic as it is now, in evaluation mode; None before any training."""
        if self._trainer is not None:
            critic: Any = cast("GanTrainer", self._trainer).critic
            return copy.deepcopy(critic).eval().requires_grad_(False)
        return self._critic

    def _new_critic(self) -> nn.Module:
        from vbench_plugins.generators.networks import Critic

        with torch_seed(0, INIT):
            critic = Critic(self.setup.size, self.params, self.form)
        return self.computing().module(critic).eval().requires_grad_(False)


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


class R3Gan(Gan):
    """Relativistic GAN with penalties on real and generated patches (arXiv 2501.05441).

    Its loss, and no normalisation anywhere; the networks are those of the other GANs, not its
    residual ones.
    """

    name = "r3gan"
    paper = "Huang et al. 2024, arXiv:2501.05441"
    Params = R3GanParams
