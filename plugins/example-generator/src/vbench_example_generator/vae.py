"""The generator: how the autoencoder is trained, sampled, saved and resumed.

This module imports no torch, so that ``vbench plan`` starts at once; what computes is in
:mod:`vbench_example_generator.network`, imported when a method is built.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import vbench
from vbench_example_generator.sizes import HALVINGS

if TYPE_CHECKING:
    from vbench_example_generator.network import Training

#: Patches that are decoded at once: limited by memory, whatever the number requested.
DECODED_AT_ONCE = 64


class VaeParams(vbench.Params):
    """What a spec may set; fields with ``tune`` are tuned by vbench unless the spec names them."""

    steps: int = vbench.param(600, "Training steps", unit="steps", length=True, ge=1)
    batch_size: int = vbench.param(32, "Patches per step", ge=2)
    lr: float = vbench.param(2e-3, "Learning rate (Adam)", tune=(5e-4, 5e-3), log=True, gt=0)
    latent: int = vbench.param(64, "Length of the latent vector", ge=1)
    width: int = vbench.param(24, "Channels at the finest level, doubled at each below", ge=1)
    beta: float = vbench.param(
        0.1, "Weight of the prior against reconstruction", tune=(0.02, 0.5), log=True, gt=0
    )
    label_weight: float = vbench.param(1.0, "Weight of the label against the image", gt=0)


class Vae(vbench.Generator):
    """Convolutional variational autoencoder of image and label together.

    It decodes Gaussian latent vectors (Kingma and Welling 2014). The label channel is cut where
    samples have as many vessel voxels as training patches. Samples are smoother than real
    patches: an autoencoder leaves out noise.
    """

    name = "example-vae"
    paper = "Kingma and Welling 2014, arXiv:1312.6114"
    Params = VaeParams
    tiny: ClassVar[Mapping[str, Any]] = {"steps": 4, "batch_size": 4, "latent": 4, "width": 2}

    def __init__(self, params: VaeParams, setup: vbench.Setup) -> None:
        """Build nothing yet: the network is made by ``fit`` or ``load_weights``."""
        super().__init__(params, setup)
        self._training: Training | None = None
        self._resumed: Mapping[str, Any] | None = None

    @classmethod
    def check(cls, params: VaeParams, setup: vbench.Setup) -> None:
        """Refuse sizes that cannot be halved, before anything is trained."""
        factor = 2**HALVINGS
        if any(extent % factor for extent in setup.size):
            raise ValueError(
                f"patch size {list(setup.size)}: every extent must be a multiple of {factor}"
            )

    def _start(self, seed: int) -> Training:
        from vbench_example_generator.network import Training

        self.check(self.params, self.setup)
        return Training(self.params, self.setup.size, self.setup.device, seed)

    def fit(self, patches: vbench.Patches, *, seed: int) -> Iterator[vbench.Progress]:
        """Train; a step's draws depend only on the seed and the step, so it can be resumed."""
        training = self._training = self._start(seed)
        if self._resumed is not None:
            training.load_state(self._resumed)
            self._resumed = None
        total = self.params.steps
        while training.steps < total:
            rng = np.random.default_rng([seed, training.steps])
            batch = patches.draw(self.params.batch_size, rng)
            losses = training.step(batch, rng)
            yield vbench.Progress(training.steps, total, losses)

    def sample(self, n: int, *, seed: int) -> np.ndarray:
        """Decode one latent vector for each patch, drawn from the seed and the patch's index."""
        if self._training is None:
            self._training = self._start(seed=0)
        latents = np.empty((n, self.params.latent), np.float32)
        for index in range(n):
            latents[index] = np.random.default_rng([seed, index]).normal(size=self.params.latent)
        parts = [
            self._training.decode(latents[first : first + DECODED_AT_ONCE])
            for first in range(0, n, DECODED_AT_ONCE)
        ]
        return np.concatenate(parts)

    def weights(self) -> dict[str, np.ndarray]:
        """Return the network, and where its label is cut."""
        training = self._training or self._start(seed=0)
        return training.weights()

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Take over a network that was trained with the same parameters."""
        self._training = self._start(seed=0)
        self._training.load_weights(weights)

    def state(self) -> dict[str, np.ndarray] | None:
        """Return network, optimiser and step count."""
        return None if self._training is None else self._training.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Keep a state for the next ``fit``, which goes on from it."""
        self._resumed = dict(state)
