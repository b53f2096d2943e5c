"""MLflow as a view on the results: rebuilt from the records, never the truth itself."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.tracking.mirror import rebuild, sync

_HOME = {"rebuild": "vbench.tracking.mirror", "sync": "vbench.tracking.mirror"}

__all__ = ["rebuild", "sync"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench.tracking' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
