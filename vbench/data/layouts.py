"""Which layout of NIfTI files a folder has, of those that are installed."""

from __future__ import annotations

from pathlib import Path

from vbench import registry
from vbench.data.folder import FolderSource
from vbench.errors import DataError


def layouts() -> dict[str, type[FolderSource]]:
    """Return the sources that read a folder of files, by name."""
    entries = registry.default().entries("source")
    found = [entry.cls for entry in entries if issubclass(entry.cls, FolderSource)]
    return {cls.name: cls for cls in found}


def detect(path: Path) -> type[FolderSource] | None:
    """Return the layout that a folder or file looks like, from names only; None when of none.

    Raises:
        DataError: When there is no such folder.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    return next((cls for cls in layouts().values() if cls.detect(path)), None)
