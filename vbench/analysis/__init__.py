"""Statistics over a benchmark folder: the leaderboard and how it is shown."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.analysis.leaderboard import build_leaderboard, write_leaderboard
    from vbench.analysis.merge import merge_folders
    from vbench.analysis.table import render_table

_HOME = {
    "build_leaderboard": "vbench.analysis.leaderboard",
    "merge_folders": "vbench.analysis.merge",
    "render_table": "vbench.analysis.table",
    "write_leaderboard": "vbench.analysis.leaderboard",
}

__all__ = ["build_leaderboard", "merge_folders", "render_table", "write_leaderboard"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench.analysis' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
