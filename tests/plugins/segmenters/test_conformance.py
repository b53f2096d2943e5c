from vbench_plugins.segmenters.threshold import Threshold
from vbench_plugins.segmenters.unet import Unet3d

from vbench.testing import SegmenterSuite


class TestUnet3d(SegmenterSuite):
    plugin = Unet3d


class TestThreshold(SegmenterSuite):
    plugin = Threshold
