"""Mask first: one network makes the label, a second one the image that belongs to it.

The direction in which the field moved after the paper's GANs, which draw both at once (vesselFM,
arXiv 2411.17386). Here both networks are small and learn by flow matching, from the same batch at
each step: the one to turn noise into labels, the other to turn noise into images of real labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.interfaces import Params, param
from vbench.layout import image_of
from vbench.types import Array, Patches, Setup
from vbench_plugins.generators.spread import SpreadGenerator
from vbench_plugins.nn.levels import halvings_where_even
from vbench_plugins.nn.seeding import INIT, numpy_rng
from vbench_plugins.nn.settings import TINY, MemoryFormat, Precision, Threads
from vbench_plugins.nn.sides import refuse_mirrors

if TYPE_CHECKING:
    from vbench_plugins.generators.mask_first_training import Pair, PairTrainer
    from vbench_plugins.nn.compute import Compute

#: Patches that mean and spread of the image are taken from.
_SURVEY = 1000


class MaskFirstParams(Params):
    """Parameters of :class:`MaskFirst`."""

    # Length and optimiser
    steps: int = param(
        2000, "Training steps, of both networks at once", unit="steps", length=True, ge=1
    )
    batch_size: int = param(16, "Patches per batch", ge=1)
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
    shift: float = param(3.0, "Above 1: more training at noisy times", gt=0)
    label_steps: int = param(12, "Evaluations of the network per label", ge=1)
    image_steps: int = param(8, "Evaluations of the network per image", ge=1)

    # Computing
    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels_last"
    threads: Threads = 0


class MaskFirst(SpreadGenerator):
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
        **TINY,
    }

    @classmethod
    def check(cls, params: MaskFirstParams, setup: Setup) -> None:
        """Raise ``ValueError`` for patches that cannot be halved, and mirrors of sided classes."""
        refuse_mirrors(setup, params.augment, "augment = true", "augment = false")
        if not halvings_where_even(setup.size, 1):
            raise ValueError(
                f"patch size {list(setup.size)}: one extent must be even, and 4 or more"
            )

    def build(self, seed: int) -> Pair:
        """Return both networks with seeded weights."""
        from vbench_plugins.generators.mask_first_training import build

        return build(self.params, self.setup.size, seed, self.form)

    def trainer(self, compute: Compute, seed: int) -> PairTrainer:
        """Return a trainer of both networks."""
        from vbench_plugins.generators.mask_first_training import PairTrainer

        return PairTrainer(self.params, self.setup.size, compute, seed, self.form)

    def begin(self, trainer: Any, patches: Patches, seed: int) -> None:
        """Take mean and spread of the image from some patches."""
        trainer.survey(image_of(patches.draw(_SURVEY, numpy_rng(seed, INIT))))

    def make(self, n: int, rng: np.random.Generator) -> Array:
        """Sample labels, then an image for each."""
        pair: Pair = self.model()
        return pair.sample(n, rng, self.params, self.computing())

    def membership_scores(self, patches: Array) -> Array:
        """Return minus the training loss of each patch, at fixed times and with fixed noise."""
        import torch

        pair: Pair = self.model()
        with torch.inference_mode(), self.computing().running():
            return -pair.losses(self.form.spread(patches), self.computing())
