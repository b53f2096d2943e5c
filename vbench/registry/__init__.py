"""Finds plugins: those that are installed, and those of single files."""

from vbench.registry.loading import (
    BUILT_IN,
    GROUP,
    Entry,
    LoadFailure,
    Registry,
    default,
    for_paths,
    load,
)

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
