"""Mask first: one network makes the label, a second one the image that belongs to it.

The direction in which the field moved after the paper's GANs, which draw both at once (vesselFM,
arXiv 2411.17386). Here both networks are small and learn by flow matching, from the same batch at
each step: the one to turn noise into labels, the other to turn noise into images of real labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, image_of, patches_shape
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.augment import flip_and_rotate
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.levels import halvings_where_even
from vbench_plugins.nn.seeding import DATA, INIT, SAMPLE, numpy_rng

if TYPE_CHECKING:
    from vbench_plugins.generators.mask_first_training import Pair, Trainer
    from vbench_plugins.nn.compute import Compute

_REPORTS = 200
#: Patches that mean and spread of the image are taken from.
_SURVEY = 1000


class MaskFirstParams(Params):
    """Parameters of :class:`MaskFirst`."""

    # Length and optimiser
    steps: int = param(
        700, "Training steps, of both networks at once", unit="steps", length=True, ge=1
    )
    batch_size: int = param(16, "Patches a batch", ge=1)
    lr: float = param(1.5e-3, "Learning rate (Adam)", tune=(5e-4, 3e-3), log=True, gt=0)
    decay: float = param(
        0.5, "Last share of the steps, in which the learning rate falls to 0", ge=0, le=1
    )
    ema: float = param(0.99, "Decay of the average of weights; 0: none", ge=0, lt=1)
    augment: bool = param(True, "Flip and rotate real patches by right angles")

    # Architecture
    label_width: int = param(32, "Channels of the label's network at half resolution", ge=1)
    image_width: int = param(32, "Channels of the image's network at half resolution", ge=1)
    levels: int = param(2, "Halvings; fewer where the patch cannot be halved so often", ge=1)
    fine: int = param(8, "Channels at full resolution", ge=1)

    # The path from noise to data
    shift: float = param(3.0, "Above 1: more training and sampling at noisy times", gt=0)
    label_steps: int = param(12, "Evaluations of the network a label", ge=1)
    image_steps: int = param(8, "Evaluations of the network an image", ge=1)

    # Computing
    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto", "Number format of convolutions; auto: the faster one here, measured once"
    )
    memory_format: Literal["auto", "contiguous", "channels_last"] = param(
        "auto", "Memory layout; auto: the faster one here, measured once"
    )
    threads: int = param(
        0, "Threads; 0: the job's, or fewer where precision is auto and fewer are faster", ge=0
    )


class MaskFirst(Generator):
    """Two flow-matching networks: the label first, then an image of it."""

    name = "mask-first"
    paper = "after Wittmann et al. 2025, arXiv:2411.17386; Lipman et al. 2023, arXiv:2210.02747"
    Params = MaskFirstParams
    tiny: ClassVar[Mapping[str, Any]] = {
        "steps": 3,
        "batch_size": 4,
        "label_width": 4,
        "image_width": 4,
        "fine": 2,
        "label_steps": 2,
        "image_steps": 2,
        "precision": "float32",
        "memory_format": "contiguous",
    }

    def __init__(self, params: MaskFirstParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None
        self._pair: Pair | None = None
        self._compute: Compute | None = None

    @classmethod
    def check(cls, params: MaskFirstParams, setup: Setup) -> None:
        """Raise ``ValueError`` for patches that cannot be halved at all."""
        if not halvings_where_even(setup.size, 1):
            raise ValueError(
                f"patch size {list(setup.size)}: one extent must be even, and 4 or more"
            )

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train both networks; what is reported is read every so often."""
        p = self.params
        trainer = self._start(patches, seed)
        every = max(1, p.steps // _REPORTS)

        def batch(step: int) -> Array:
            rng = numpy_rng(seed, DATA, step)
            drawn = patches.draw(p.batch_size, rng)
            return flip_and_rotate(drawn, rng) if p.augment else drawn

        for step, drawn in prefetch(batch, trainer.steps + 1, p.steps):
            with trainer.compute.running():
                watched = trainer.step(drawn)
            report = step % every == 0 or step in (1, p.steps)
            yield Progress(
                step, p.steps, {k: float(v) for k, v in watched.items()} if report else {}
            )

    def _start(self, patches: Patches, seed: int) -> Trainer:
        from vbench_plugins.generators.mask_first_training import Trainer

        trainer = Trainer(self.params, self.setup.size, self._computing(), seed)
        if self._resumed is not None:
            trainer.load_state(self._resumed)
            self._resumed = None
        else:
            trainer.survey(image_of(patches.draw(_SURVEY, numpy_rng(seed, INIT))))
        self._trainer, self._pair = trainer, trainer.average.module
        return trainer

    def _computing(self) -> Compute:
        if self._compute is None:
            from vbench_plugins.generators.mask_first_training import Trainer
            from vbench_plugins.nn.compute import choose

            p, size = self.params, self.setup.size

            def step(compute: Compute) -> Any:
                trainer = Trainer(p, size, compute, seed=0)
                real = np.random.default_rng(0).random(
                    patches_shape(p.batch_size, size), np.float32
                )
                return lambda: trainer.step(real)

            about = {"method": self.name, "size": size, **p.model_dump(exclude={"steps"})}
            self._compute = choose(
                p.precision, p.memory_format, self.setup.device, about, step, p.threads
            )
        return self._compute

    def sample(self, n: int, *, seed: int) -> Array:
        """Sample labels, then an image for each, with the averaged weights."""
        size = self.setup.size
        # Whole chunks always: rounding then depends on no other patch than one's own chunk.
        chunk = max(4, min(64, 2**21 // prod(size)))
        rng = numpy_rng(seed, SAMPLE)
        patches = empty_patches(n, size)
        pair, compute = self._built(), self._computing()
        for first in range(0, n, chunk):
            with compute.running():
                made = pair.sample(chunk, rng, self.params, compute)
            patches[first : first + chunk] = made[: n - first]
        return patches

    def _built(self) -> Pair:
        if self._pair is None:
            from vbench_plugins.generators.mask_first_training import build

            pair = build(self.params, self.setup.size, seed=0)
            self._computing().module(pair)
            self._pair = pair.eval().requires_grad_(False)
        return self._pair

    def weights(self) -> Weights:
        """Return both averaged networks, and mean and spread of the images."""
        from vbench_plugins.nn.flat import module_arrays

        return module_arrays(self._built())

    def load_weights(self, weights: Weights) -> None:
        """Take over both networks."""
        from vbench_plugins.nn.flat import load_module

        load_module(self._built(), weights)

    def state(self) -> Weights | None:
        """Return networks, optimiser, average and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``."""
        self._resumed = dict(state)

    def resolved(self) -> Mapping[str, Any]:
        """Return precision, memory format and threads in use."""
        return {} if self._compute is None else self._compute.settled()
