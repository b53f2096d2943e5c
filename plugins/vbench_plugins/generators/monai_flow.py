"""Flow matching with MONAI's diffusion U-net: image and label are integrated from noise.

The network and the schedule are MONAI's (``DiffusionModelUNet``, ``RFlowScheduler``); what is here
is how labelled patches are drawn, sampled, saved and resumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.interfaces import Params, param
from vbench.types import Array, Setup
from vbench_plugins.generators.spread import SpreadGenerator
from vbench_plugins.nn.levels import halvings
from vbench_plugins.nn.settings import TINY, MemoryFormat, Precision, Threads
from vbench_plugins.nn.sides import refuse_mirrors

if TYPE_CHECKING:
    from torch import nn

    from vbench_plugins.generators.monai_flow_training import FlowTrainer
    from vbench_plugins.nn.compute import Compute


class MonaiFlowParams(Params):
    """Parameters of :class:`MonaiFlow`."""

    steps: int = param(1200, "Training steps", unit="steps", length=True, ge=1)
    batch_size: int = param(16, "Patches per step", ge=1)
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

    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels_last"
    threads: Threads = 0


class MonaiFlow(SpreadGenerator):
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
        **TINY,
    }
    chunk_voxels = 2**18

    @classmethod
    def check(cls, params: MonaiFlowParams, setup: Setup) -> None:
        """Raise ``ValueError`` for sizes that cannot be halved, and mirrors of sided classes."""
        refuse_mirrors(setup, params.augment, "augment = true", "augment = false")
        coarsest, _ = halvings(setup.size, params.levels - 1)
        if min(coarsest) < 2:
            raise ValueError(
                f"patch size {list(setup.size)} is halved to {list(coarsest)}; with "
                f"levels = {params.levels} every extent must be {2**params.levels} or more"
            )

    def build(self, seed: int) -> nn.Module:
        """Return MONAI's network with seeded weights."""
        from vbench_plugins.generators.monai_flow_training import build

        return build(self.params, self.setup.size, seed, self.form)

    def trainer(self, compute: Compute, seed: int) -> FlowTrainer:
        """Return a trainer of the flow."""
        from vbench_plugins.generators.monai_flow_training import FlowTrainer

        return FlowTrainer(self.params, self.setup.size, compute, seed, self.form)

    def make(self, n: int, rng: np.random.Generator) -> Array:
        """Integrate noise to patches."""
        from vbench_plugins.generators.monai_flow_training import integrate

        noise = rng.standard_normal(self.entered(n), np.float32)
        made = integrate(self.model(), noise, self.params.sampling_steps, self.computing())
        image = self.form.image(made)
        np.clip(image, -1, 1, out=image)
        return self.form.gather(made, cut=0.0, lowest=-1.0)

    def membership_scores(self, patches: Array) -> Array:
        """Return minus the training loss of each patch, at fixed times and with fixed noise."""
        import torch

        from vbench_plugins.generators.monai_flow_training import losses

        patches = self.form.spread(patches)
        label = self.form.label(patches)
        label[...] = 2 * label - 1
        with torch.inference_mode(), self.computing().running():
            return -losses(self.model(), patches, self.computing())
