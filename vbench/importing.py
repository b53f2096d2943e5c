"""Where a Python that we start looks for modules: where we do, and nowhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable


def python_path(paths: Iterable[str] | None = None) -> str:
    """Return the ``PYTHONPATH`` of a new Python that is to import what this one imports.

    The current folder is left out, by whatever name: libraries put ``.`` into ``sys.path``, and a
    ``random.py`` that happens to lie there would take the place of Python's own. Start it with
    ``-P``, too.

    Args:
        paths: Instead of ``sys.path``.
    """
    here = os.path.curdir
    kept = [
        p for p in (sys.path if paths is None else paths) if os.path.normpath(p or here) != here
    ]
    return os.pathsep.join(os.path.abspath(path) for path in kept)  # noqa: PTH100 - keeps links
