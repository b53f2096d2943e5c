"""Finds plugins: those that are installed, and those of single files."""

from vbench.registry.loading import default, for_paths, load
from vbench.registry.registry import Entry, LoadFailure, Registry
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
