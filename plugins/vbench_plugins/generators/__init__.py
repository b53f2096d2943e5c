"""Built-in generators: the paper's three GANs, baselines, and methods beyond the paper."""

from __future__ import annotations

from collections.abc import Callable

import vbench
from vbench.interfaces import Generator
from vbench_plugins.generators.copy import Copy
from vbench_plugins.generators.dp_calibrated import DpCalibrated
from vbench_plugins.generators.dp_wgan import DpWgan
from vbench_plugins.generators.folder import Folder
from vbench_plugins.generators.gan import Dcgan, R3Gan, WganGp, WganGpSn
from vbench_plugins.generators.geometric import Geometric
from vbench_plugins.generators.mask_first import MaskFirst
from vbench_plugins.generators.monai_flow import MonaiFlow
from vbench_plugins.generators.noise import Noise


@vbench.hookimpl
def vbench_register_generators(register: Callable[[type[Generator]], None]) -> None:
    """Register them."""
    for cls in (
        Dcgan,
        WganGp,
        WganGpSn,
        R3Gan,
        DpWgan,
        DpCalibrated,
        MaskFirst,
        Geometric,
        Copy,
        Noise,
        Folder,
        MonaiFlow,
    ):
        register(cls)
