"""A variational autoencoder of labelled vessel patches, as a vbench plugin."""

from __future__ import annotations

from collections.abc import Callable

import vbench
from vbench_example_generator.vae import Vae


@vbench.hookimpl
def vbench_register_generators(register: Callable[[type[vbench.Generator]], None]) -> None:
    """Tell vbench of the generator."""
    register(Vae)
