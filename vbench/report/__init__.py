"""The report: one self-contained HTML file about a benchmark."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.report.page import write_report
    from vbench.report.summary import write_summary

_HOME = {"write_report": "vbench.report.page", "write_summary": "vbench.report.summary"}

__all__ = ["write_report", "write_summary"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench.report' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
