from vbench_plugins.sources.phantom import Phantom

from vbench.testing import SourceSuite


class TestPhantom(SourceSuite):
    plugin = Phantom
