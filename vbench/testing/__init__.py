"""The conformance kit: what every plugin has to hold, for pytest and for ``vbench check``.

Subclass the suite of your plugin's kind in a test module, and pytest runs every check::

    from my_gan import MyGan
    from vbench.testing import GeneratorSuite

    class TestMyGan(GeneratorSuite):
        plugin = MyGan
"""

from vbench.testing.generators import GeneratorSuite
from vbench.testing.metrics import (
    FidelityMetricSuite,
    PrivacyMetricSuite,
    SegmentationMetricSuite,
)
from vbench.testing.run import Outcome, run, suite_for
from vbench.testing.segmenters import SegmenterSuite
from vbench.testing.sources import SourceSuite
from vbench.testing.suite import Skip, expect
from vbench.testing.toys import ToyPatches

__all__ = [
    "FidelityMetricSuite",
    "GeneratorSuite",
    "Outcome",
    "PrivacyMetricSuite",
    "SegmentationMetricSuite",
    "SegmenterSuite",
    "Skip",
    "SourceSuite",
    "ToyPatches",
    "expect",
    "run",
    "suite_for",
]
