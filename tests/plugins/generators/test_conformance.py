from vbench_plugins.generators.copy import Copy
from vbench_plugins.generators.gan import Dcgan, R3Gan, WganGp, WganGpSn
from vbench_plugins.generators.geometric import Geometric
from vbench_plugins.generators.mask_first import MaskFirst
from vbench_plugins.generators.monai_flow import MonaiFlow
from vbench_plugins.generators.noise import Noise

from vbench.testing import GeneratorSuite


class TestDcgan(GeneratorSuite):
    plugin = Dcgan


class TestWganGp(GeneratorSuite):
    plugin = WganGp


class TestWganGpSn(GeneratorSuite):
    plugin = WganGpSn


class TestR3Gan(GeneratorSuite):
    plugin = R3Gan


class TestMaskFirst(GeneratorSuite):
    plugin = MaskFirst


class TestCopy(GeneratorSuite):
    plugin = Copy


class TestNoise(GeneratorSuite):
    plugin = Noise


class TestGeometric(GeneratorSuite):
    plugin = Geometric


class TestMonaiFlow(GeneratorSuite):
    plugin = MonaiFlow
    # Attention of 4 × 4 × 4 places, not of 8 × 8 × 8: that takes most of the time.
    params = {"levels": 3}  # noqa: RUF012
