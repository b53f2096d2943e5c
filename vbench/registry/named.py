"""Finds the plugins that a person means by a name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import get_args

from vbench import registry
from vbench.errors import PluginError, did_you_mean
from vbench.registry import Entry
from vbench.types import Kind


def entries_called(name: str, kind: str | None = None) -> list[Entry]:
    """Return the plugins of a name, of one kind or of all.

    Args:
        name: A plugin's name, or a Python file: then all plugins that the file registers.
        kind: ``source``, ``generator``, ``segmenter`` or ``metric``; None: any.

    Raises:
        PluginError: When there is none, or the file cannot be loaded.
    """
    if name.endswith(".py"):
        path = str(Path(name))
        loaded = registry.load([path])
        for failure in loaded.failures:
            if failure.origin == path:
                raise PluginError(f"{path} could not be loaded: {failure.message}")
        found = [e for e in loaded.entries() if _file(e) == Path(path).resolve()]
        if not found:
            raise PluginError(f"{path} registers no plugin; does it implement a registration hook?")
        return [entry for entry in found if kind in (None, entry.cls.kind)]
    plugins = registry.default()
    kinds = [k for k in get_args(Kind) if kind in (None, k)]
    if len(kinds) == 1:
        return [plugins.get(kinds[0], name)]
    found = []
    for one in kinds:
        if plugins.has(one, name):
            found.append(plugins.get(one, name))
    if not found:
        known = {known for one in kinds for known in plugins.names(one)}
        hint = did_you_mean(name, known)
        raise PluginError(f"no plugin is called '{name}'{hint}{plugins.failed()}")
    return found


def installed(kind: str | None = None) -> list[Entry]:
    """Return the plugins that are installed, of one kind or of all."""
    return [entry for entry in registry.default().entries() if kind in (None, entry.cls.kind)]


def _file(entry: Entry) -> Path:
    """Return the file that a plugin's class is defined in, an installed one's, too."""
    return Path(str(sys.modules[entry.cls.__module__].__file__)).resolve()
