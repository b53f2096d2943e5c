"""One base for methods that train a network: the loop, weights, resuming, and how it computes.

A method says what its network and its trainer are, and what its batches look like. This module
imports no torch: plugin classes are loaded when a spec is checked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.interfaces import Fitted, Generator
from vbench.layout import empty_patches, patches_shape
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.seeding import DATA, SAMPLE, numpy_rng

if TYPE_CHECKING:
    from torch import Tensor, nn

    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.nn.trainer import Trainer


class Trained(Fitted):
    """A method whose network is trained one batch per step.

    Its parameters have ``steps``, ``batch_size`` and those of :mod:`vbench_plugins.nn.settings`.

    Attributes:
        reports: How often what is watched is read in a training, and reported.
    """

    reports: ClassVar[int] = 200

    def __init__(self, params: Any, setup: Setup) -> None:
        """Check the parameters; nothing is built before it is needed."""
        super().__init__(params, setup)
        self.check(params, setup)
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None
        self._network: Any = None
        self._compute: Compute | None = None

    @abstractmethod
    def build(self, seed: int) -> nn.Module:
        """Return the network that samples or predicts, with seeded weights."""

    @abstractmethod
    def trainer(self, compute: Compute, seed: int) -> Trainer:
        """Return a new trainer."""

    def total(self) -> int:
        """Return how many steps the training takes."""
        return int(self.params.steps)

    def drawn(self) -> int:
        """Return how many patches one step draws."""
        return int(self.params.batch_size)

    def batch(self, patches: Patches, seed: int, step: int) -> Array:
        """Draw what one step learns from, and prepare it; a function of seed and step."""
        rng = numpy_rng(seed, DATA, step)
        return self.prepare(patches.draw(self.drawn(), rng), rng)

    def prepare(self, batch: Array, rng: np.random.Generator) -> Array:
        """Bring drawn patches into the form that the trainer takes, augmented where requested."""
        return batch

    def entered(self, n: int) -> tuple[int, ...]:
        """Return the shape of ``n`` prepared patches."""
        return patches_shape(n, self.setup.size, self.setup.contrasts)

    def begin(self, trainer: Trainer, patches: Patches, seed: int) -> None:
        """Set up a trainer that goes on from no state, such as by what the patches are like."""

    def step(self, trainer: Trainer, batch: Array) -> dict[str, Tensor]:
        """Do one training step and return what is worth watching."""
        return trainer.step(batch)

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train; what is watched is read every so often."""
        trainer, total = self._start(patches, seed), self.total()
        every = max(1, total // self.reports)
        batch = partial(self.batch, patches, seed)
        for step, made in prefetch(batch, trainer.steps + 1, total):
            with trainer.compute.running():
                watched = self.step(trainer, made)
            report = step % every == 0 or step in (1, total)
            yield Progress(
                step, total, {name: float(v) for name, v in watched.items()} if report else {}
            )

    def _start(self, patches: Patches, seed: int) -> Trainer:
        trainer = self.trainer(self.computing(), seed)
        if self._resumed is not None:
            trainer.load_state(self._resumed)
            self._resumed = None
        else:
            self.begin(trainer, patches, seed)
        self._trainer, self._network = trainer, trainer.average.module
        return trainer

    def computing(self) -> Compute:
        """Return how this method computes; ``auto`` that is still open is measured."""
        if self._compute is None:
            from vbench_plugins.nn.compute import choose

            p, size = self.params, self.setup.size

            def steps(compute: Compute) -> Any:
                trainer = self.trainer(compute, seed=0)
                batch = np.random.default_rng(0).random(self.entered(self.drawn()), np.float32)
                return lambda: trainer.step(batch.copy())

            about = {"method": self.name, "size": size, **p.model_dump(exclude={"steps", "preset"})}
            self._compute = choose(
                p.precision, p.memory_format, self.setup.device, about, steps, p.threads
            )
        return self._compute

    @classmethod
    def settle(cls, params: Any, setup: Setup) -> Mapping[str, Any]:
        """Measure what ``auto`` leaves open, on a GPU where there is one."""
        if "auto" not in (params.precision, params.memory_format):
            return {}
        import torch

        device = "cuda" if torch.cuda.is_available() else setup.device
        return cls(params, replace(setup, device=device)).computing().settled()

    def model(self) -> Any:
        """Return the network that samples or predicts; untrained before ``fit`` and weights."""
        if self._network is None:
            self._network = self.place(self.build(seed=0)).eval().requires_grad_(False)
        return self._network

    def place(self, network: nn.Module) -> nn.Module:
        """Bring a network that is to sample or predict to where it computes."""
        return self.computing().module(network)

    def weights(self) -> Weights:
        """Return the averaged network."""
        from vbench_plugins.nn.flat import module_arrays

        return module_arrays(self.model())

    def load_weights(self, weights: Weights) -> None:
        """Take over an averaged network."""
        from vbench_plugins.nn.flat import load_module

        load_module(self.model(), weights)

    def state(self) -> Weights | None:
        """Return networks, optimisers, average and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``."""
        self._resumed = dict(state)

    def resolved(self) -> Mapping[str, Any]:
        """Return precision, memory format and threads in use."""
        return {} if self._compute is None else self._compute.settled()


class TrainedGenerator(Trained, Generator):
    """A generator whose network is trained one batch per step, and sampled in chunks.

    Attributes:
        chunk_voxels: Voxels of the patches that are sampled at once.
    """

    chunk_voxels: ClassVar[int] = 2**21

    @abstractmethod
    def make(self, n: int, rng: np.random.Generator) -> Array:
        """Sample labelled patches, within ``torch.inference_mode``."""

    def sample(self, n: int, *, seed: int) -> Array:
        """Sample with the averaged weights, in chunks of a fixed size.

        Always whole chunks: rounding then depends on no other patch than those of a patch's chunk.
        """
        import torch

        chunk = max(4, min(64, self.chunk_voxels // prod(self.setup.size)))
        rng = numpy_rng(seed, SAMPLE)
        patches = empty_patches(n, self.setup.size, self.setup.contrasts)
        with torch.inference_mode(), self.computing().running():
            for first in range(0, n, chunk):
                patches[first : first + chunk] = self.make(chunk, rng)[: n - first]
        return patches
