"""Imports a single Python file as a module, such as the plugin files of a spec."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from vbench.errors import PluginError

#: What the names of such modules begin with.
PREFIX = "vbench_local_"


def import_file(path: Path) -> ModuleType:
    """Import a file under a name that no other file has, nor the same one with other content.

    Raises:
        PluginError: When it is no Python file. What the file itself raises goes through.
    """
    digest = hashlib.sha256(str(path).encode() + b"\0" + path.read_bytes()).hexdigest()
    name = f"{PREFIX}{path.stem}_{digest[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
