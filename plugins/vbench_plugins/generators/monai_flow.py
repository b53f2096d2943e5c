"""Flow matching with MONAI's diffusion U-net: image and label are integrated from noise.

The network and the schedule are MONAI's (``DiffusionModelUNet``, ``RFlowScheduler``); what is here
is how labelled patches are drawn, sampled, saved and resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches, image_of, join_patches, label_of, patches_shape
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.augment import flip_and_rotate
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.levels import halvings
from vbench_plugins.nn.seeding import DATA, SAMPLE, numpy_rng

if TYPE_CHECKING:
    from vbench_plugins.generators.monai_flow_training import Trainer
    from vbench_plugins.nn.compute import Compute

_REPORTS = 200


class MonaiFlowParams(Params):
    """Parameters of :class:`MonaiFlow`."""

    steps: int = param(1200, "Training steps", unit="steps", length=True, ge=1)
    batch_size: int = param(16, "Patches a step", ge=1)
    lr: float = param(1e-3, "Learning rate (Adam), falling to 0", tune=(3e-4, 3e-3), log=True, gt=0)
    ema: float = param(0.99, "Decay of the average of weights; 0: none", ge=0, lt=1)
    augment: bool = param(True, "Mirror and turn patches")

    width: int = param(
        16, "Channels at full resolution, doubled at each level below", ge=8, multiple_of=8
    )
    levels: int = param(3, "Resolutions, each half of the one before", ge=1, le=6)
    blocks: int = param(1, "Residual blocks at each level", ge=1)
    attention: bool = param(True, "Self-attention at the lowest level")

    sampling_steps: int = param(
        20, "Euler steps from noise to a patch", unit="steps", ge=1, le=1000
    )

    precision: Literal["auto", "float32", "bfloat16"] = param(
        "auto", "Number format of convolutions; auto: the faster one here, measured once"
    )
    memory_format: Literal["auto", "contiguous", "channels_last"] = param(
        "auto", "Memory layout; auto: the faster one here, measured once"
    )
    threads: int = param(
        0, "Threads; 0: the job's, or fewer where precision is auto and fewer are faster", ge=0
    )


class MonaiFlow(Generator):
    """Rectified flow from noise to labelled patches, with MONAI's diffusion U-net.

    The network is fitted to the straight line from Gaussian noise to a patch, image and label
    together (Liu et al. 2022); a sample follows its velocity in a fixed number of Euler steps.
    """

    name = "monai-flow"
    paper = "Liu et al. 2022, arXiv:2209.03003; MONAI: Pinaya et al. 2023, arXiv:2307.15208"
    Params = MonaiFlowParams
    tiny: ClassVar[Mapping[str, Any]] = {
        "steps": 3,
        "batch_size": 2,
        "width": 8,
        "levels": 2,
        "sampling_steps": 2,
        "precision": "float32",
        "memory_format": "contiguous",
    }

    def __init__(self, params: MonaiFlowParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None
        self._sampler: Any = None
        self._compute: Compute | None = None

    @classmethod
    def check(cls, params: MonaiFlowParams, setup: Setup) -> None:
        """Raise ``ValueError`` for sizes that cannot be halved to the lowest level."""
        coarsest, _ = halvings(setup.size, params.levels - 1)
        if min(coarsest) < 2:
            raise ValueError(
                f"patch size {list(setup.size)} is halved to {list(coarsest)}; with "
                f"levels = {params.levels} every extent must be {2**params.levels} or more"
            )

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train; the loss is read every hundredth of the way."""
        p = self.params
        trainer = self._start(seed)
        every = max(1, p.steps // _REPORTS)

        def batch(step: int) -> Array:
            rng = numpy_rng(seed, DATA, step)
            drawn = patches.draw(p.batch_size, rng)
            return flip_and_rotate(drawn, rng) if p.augment else drawn

        for step, drawn in prefetch(batch, trainer.steps + 1, p.steps):
            with trainer.compute.running():
                loss = trainer.step(drawn)
            report = step % every == 0 or step in (1, p.steps)
            yield Progress(step, p.steps, {"loss": float(loss)} if report else {})

    def _start(self, seed: int) -> Trainer:
        from vbench_plugins.generators.monai_flow_training import Trainer

        trainer = Trainer(self.params, self.setup.size, self._computing(), seed)
        if self._resumed is not None:
            trainer.load_state(self._resumed)
            self._resumed = None
        self._trainer, self._sampler = trainer, trainer.average.module
        return trainer

    def _computing(self) -> Compute:
        if self._compute is None:
            from vbench_plugins.generators.monai_flow_training import Trainer
            from vbench_plugins.nn.compute import choose

            p, size = self.params, self.setup.size

            def step(compute: Compute) -> Any:
                trainer = Trainer(p, size, compute, seed=0)
                drawn = np.random.default_rng(0).random(
                    patches_shape(p.batch_size, size), np.float32
                )
                return lambda: trainer.step(drawn)

            about = {"method": self.name, "size": size, **p.model_dump(exclude={"steps"})}
            self._compute = choose(
                p.precision, p.memory_format, self.setup.device, about, step, p.threads
            )
        return self._compute

    def sample(self, n: int, *, seed: int) -> Array:
        """Integrate noise of the seed and the patch's index, in chunks of a fixed size."""
        import torch

        from vbench_plugins.generators.monai_flow_training import integrate

        p, size = self.params, self.setup.size
        # Whole chunks always: rounding then depends on no other patch than one's own chunk.
        chunk = max(4, min(64, 2**18 // prod(size)))
        network, compute = self._network(), self._computing()
        rng = numpy_rng(seed, SAMPLE)
        patches = empty_patches(n, size)
        with torch.inference_mode(), compute.running():
            for first in range(0, n, chunk):
                noise = rng.standard_normal(patches_shape(chunk, size), np.float32)
                made = integrate(network, noise, p.sampling_steps, compute)
                patches[first : first + chunk] = made[: n - first]
        return join_patches(image_of(patches).clip(-1, 1), label_of(patches) > 0)

    def _network(self) -> Any:
        if self._sampler is None:
            from vbench_plugins.generators.monai_flow_training import build

            network = self._computing().module(build(self.params, self.setup.size, seed=0))
            self._sampler = network.eval().requires_grad_(False)
        return self._sampler

    def weights(self) -> Weights:
        """Return the averaged network."""
        from vbench_plugins.nn.flat import module_arrays

        return module_arrays(self._network())

    def load_weights(self, weights: Weights) -> None:
        """Take over an averaged network."""
        from vbench_plugins.nn.flat import load_module

        load_module(self._network(), weights)

    def state(self) -> Weights | None:
        """Return network, optimiser, average and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``."""
        self._resumed = dict(state)

    def resolved(self) -> Mapping[str, Any]:
        """Return precision, memory format and threads in use."""
        return {} if self._compute is None else self._compute.settled()
