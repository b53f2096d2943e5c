"""Built-in segmenters: a U-net, the networks of MONAI, nnU-Net, and rules without training."""

from __future__ import annotations

from collections.abc import Callable

import vbench
from vbench.interfaces import Segmenter
from vbench_plugins.segmenters.local_threshold import LocalThreshold
from vbench_plugins.segmenters.monai_networks import MonaiNetwork
from vbench_plugins.segmenters.nnunet import Nnunet
from vbench_plugins.segmenters.threshold import Threshold
from vbench_plugins.segmenters.unet import Unet3d
from vbench_plugins.segmenters.vesselness import Vesselness


@vbench.hookimpl
def vbench_register_segmenters(register: Callable[[type[Segmenter]], None]) -> None:
    """Register them."""
    for cls in (Unet3d, Threshold, LocalThreshold, Vesselness, MonaiNetwork, Nnunet):
        register(cls)
