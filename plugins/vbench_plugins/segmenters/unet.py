"""The U-net as a plugin: one class for 2D and 3D patches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from vbench.interfaces import Count
from vbench.types import Setup, Weights
from vbench_plugins.nn.settings import TINY
from vbench_plugins.segmenters.patchwise import PatchSegmenter
from vbench_plugins.segmenters.unet_params import UnetParams


class Unet3d(PatchSegmenter):
    """A U-net on patches; predicts by blended windows of the training size.

    Windows of another size would change what normalisation layers see, and with it the result.
    """

    name = "unet3d"
    paper = "Ronneberger et al. 2015, arXiv:1505.04597; Livne et al. 2019"
    Params = UnetParams
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    tiny: ClassVar[Mapping[str, Any]] = {
        "steps": 3,
        "batch_size": 4,
        "width": 4,
        **TINY,
    }

    @classmethod
    def check(cls, params: UnetParams, setup: Setup) -> None:
        """Raise ``ValueError`` for patches that are too small, or groups that do not fit."""
        super().check(params, setup)
        if min(setup.size) < 2:
            raise ValueError(f"patch size {list(setup.size)}: every extent must be 2 or more")
        if params.norm == "group" and params.width % 4:
            raise ValueError(f"width {params.width} with norm 'group' must be a multiple of 4")

    def build(self, seed: int) -> Any:
        """Return the U-net with seeded weights."""
        from vbench_plugins.segmenters.training import build

        return build(self.setup, self.params, seed)

    def elsewhere(self) -> tuple[Mapping[str, Any], Weights]:
        """Return the U-net composed of MONAI's blocks."""
        from vbench_plugins.segmenters.training import outputs_of
        from vbench_plugins.segmenters.unet_monai import description, translated

        size, p = self.setup.size, self.params
        described = description(size, p, self.setup.contrasts, outputs_of(self.setup))
        return described, translated(self.model().state_dict(), size, p)
