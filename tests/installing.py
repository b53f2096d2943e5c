"""Installs fixture plugins for one test: a distribution's metadata beside its module."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path

from vbench import registry
from vbench.registry import loading

PLUGINS = Path(__file__).parent / "fixtures" / "plugins"


class Installer:
    """Makes distributions in a folder that is on the path of this and of new processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for base in ("fine.py", "line.py"):  # what other fixtures build on
            shutil.copy(PLUGINS / base, folder)
        sys.path.insert(0, str(folder))
        self._before = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = str(folder)
        self.forget()

    def __call__(self, module: str, *, distribution: str = "", version: str = "1.0") -> str:
        """Install a module of the fixtures, and return the name of its distribution."""
        name = distribution or f"vbench-{module.replace('_', '-')}"
        shutil.copy(PLUGINS / f"{module}.py", self.folder)
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{module} = {module}\n")
        self.forget()
        return name

    def uninstall(self) -> None:
        """Take everything back."""
        sys.path.remove(str(self.folder))
        if self._before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = self._before
        self.forget()

    @staticmethod
    def forget() -> None:
        """Forget what was imported and found so far."""
        for path in PLUGINS.glob("*.py"):
            sys.modules.pop(path.stem, None)
        importlib.invalidate_caches()
        registry.default.cache_clear()
        loading._for_contents.cache_clear()
