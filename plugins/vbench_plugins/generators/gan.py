"""The paper's three GANs as plugins: DCGAN, WGAN-GP and WGAN-GP-SN, in 2D and 3D.

Kossen et al., Synthesizing anonymized and labeled TOF-MRA patches for brain vessel segmentation
using generative adversarial networks, 2021.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.interfaces import Generator
from vbench.layout import empty_patches, label_of, patches_shape
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.generators.gan_params import (
    DcganParams,
    GanParams,
    WganGpParams,
    WganGpSnParams,
)
from vbench_plugins.nn.augment import flip_and_rotate, stretch
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.levels import halvings, halvings_to_start
from vbench_plugins.nn.seeding import DATA, SAMPLE, latent, numpy_rng

if TYPE_CHECKING:
    from vbench_plugins.generators.training import Trainer
    from vbench_plugins.nn.compute import Compute

_REPORTS = 200
_TINY: dict[str, Any] = {
    "steps": 3,
    "batch_size": 4,
    "latent": 8,
    "width": 4,
    "critic_width": 4,
    "critic_steps": 1,
    "precision": "float32",
    "memory_format": "contiguous",
}


class Gan(Generator):
    """What the three share: the loop, sampling, and how patches enter and leave the networks."""

    paper = "Kossen et al. 2021, doi:10.1016/j.compbiomed.2021.104254"
    tiny: ClassVar[Mapping[str, Any]] = _TINY

    def __init__(self, params: GanParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None
        self._sampler: Any = None
        self._compute: Compute | None = None

    @classmethod
    def check(cls, params: GanParams, setup: Setup) -> None:
        """Raise ``ValueError`` for sizes that generator or critic cannot divide."""
        for levels in {params.levels, params.critic_levels or params.levels}:
            if levels:
                halvings(setup.size, levels)
            else:
                halvings_to_start(setup.size)

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train generator and critic; what is reported is read every hundredth of the way."""
        p = self.params
        trainer = self._start(seed)
        every = max(1, p.steps // _REPORTS)

        def batch(step: int) -> Array:
            rng = numpy_rng(seed, DATA, step)
            count = p.batch_size * (1 if p.reuse_batch else p.critic_steps)
            return self._enter(patches.draw(count, rng), rng)

        for step, real in prefetch(batch, trainer.steps + 1, p.steps):
            with trainer.compute.running():
                watched = trainer.step(real)
            if step % every and step not in (1, p.steps):
                yield Progress(step, p.steps)
                continue
            yield Progress(step, p.steps, {k: float(v) for k, v in watched.items()})

    def _start(self, seed: int) -> Trainer:
        from vbench_plugins.generators.training import Trainer

        p, size = self.params, self.setup.size
        self._compute = self._choose()
        self._trainer = Trainer(p, size, self._compute, seed)
        if self._resumed is not None:
            self._trainer.load_state(self._resumed)
            self._resumed = None
        self._sampler = self._trainer.average.module
        return self._trainer

    def _choose(self) -> Compute:
        from vbench_plugins.generators.training import Trainer
        from vbench_plugins.nn.compute import choose

        p, size = self.params, self.setup.size

        def step(compute: Compute) -> Any:
            trainer = Trainer(p, size, compute, seed=0)
            count = p.batch_size * (1 if p.reuse_batch else p.critic_steps)
            real = (
                np.random.default_rng(0)
                .uniform(-1, 1, patches_shape(count, size))
                .astype(np.float32)
            )
            return lambda: trainer.step(real)

        about = {"method": self.name, "size": size, **p.model_dump(exclude={"steps", "preset"})}
        return choose(p.precision, p.memory_format, self.setup.device, about, step, p.threads)

    def _enter(self, batch: Array, rng: np.random.Generator) -> Array:
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

    def sample(self, n: int, *, seed: int) -> Array:
        """Sample with the averaged weights, in evaluation mode, in chunks of a fixed size."""
        import torch

        size = self.setup.size
        # Whole chunks always: rounding then depends on no other patch than one's own chunk.
        chunk = max(4, min(64, 2**21 // prod(size)))
        sampler = self._network()
        if self.params.sampling_mode == "train":
            sampler = copy.deepcopy(sampler).train()  # fault 4; the running statistics stay
        rng = numpy_rng(seed, SAMPLE)
        patches = empty_patches(n, size)
        with torch.inference_mode():
            for first in range(0, n, chunk):
                z = latent(rng, chunk, self.params.latent, self.setup.device)
                made = sampler(z).float().cpu().numpy()
                patches[first : first + chunk] = self._leave(made)[: n - first]
        return patches

    def _network(self) -> Any:
        if self._sampler is None:
            from vbench_plugins.generators.networks import GeneratorNet
            from vbench_plugins.nn.seeding import INIT, torch_seed

            with torch_seed(0, INIT):
                network = GeneratorNet(self.setup.size, self.params)
            self._sampler = network.to(self.setup.device).eval().requires_grad_(False)
        return self._sampler

    def weights(self) -> Weights:
        """Return the averaged generator."""
        from vbench_plugins.nn.flat import module_arrays

        return module_arrays(self._network())

    def load_weights(self, weights: Weights) -> None:
        """Take over an averaged generator."""
        from vbench_plugins.nn.flat import load_module

        load_module(self._network(), weights)

    def state(self) -> Weights | None:
        """Return networks, optimisers, average and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``."""
        self._resumed = dict(state)

    def resolved(self) -> Mapping[str, Any]:
        """Return precision, memory format and threads in use."""
        return {} if self._compute is None else self._compute.settled()


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
