"""Built-in data sources: five layouts of NIfTI files, 2D pictures, a phantom, and canaries."""

from __future__ import annotations

from collections.abc import Callable

import vbench
from vbench.interfaces import DataSource
from vbench_plugins.sources.bids import Bids
from vbench_plugins.sources.canary import Canary
from vbench_plugins.sources.images import Images
from vbench_plugins.sources.manifest import Manifest
from vbench_plugins.sources.nnunet import NnUNet
from vbench_plugins.sources.pairs import Pairs
from vbench_plugins.sources.phantom import Phantom
from vbench_plugins.sources.volumes import Volumes


@vbench.hookimpl
def vbench_register_sources(register: Callable[[type[DataSource]], None]) -> None:
    """Register them."""
    for cls in (NnUNet, Bids, Manifest, Pairs, Volumes, Images, Phantom, Canary):
        register(cls)
