"""Finds plugins: those that are installed, and those of single files."""

from vbench.registry.loading import (
    Entry,
    LoadFailure,
    Registry,
    default,
    for_paths,
    load,
)
from vbench.registry.trial import BUILT_IN, GROUP

__all__ = [
    "BUILT_IN",
    "GROUP",
    "Entry",
    "LoadFailure",
    "Registry",
    "default",
    "for_paths",
    "load",
]
