"""vbench: how good is a segmenter trained on generated vessel patches, and what do they leak?

Everything that the command line does is one call here; names are imported when they are used, so
``import vbench`` is quick and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vbench.analysis.scoring import score, score_files
    from vbench.api import plan, run, validate
    from vbench.audit.export import export
    from vbench.audit.rerun import audit_export
    from vbench.hookspecs import hookimpl
    from vbench.interfaces import (
        DataSource,
        FidelityMetric,
        Generator,
        Metric,
        Params,
        PrivacyMetric,
        SegmentationMetric,
        Segmenter,
        param,
    )
    from vbench.maskpair import MaskPair
    from vbench.result import RunResult, read_result
    from vbench.types import Patches, Progress, Score, Setup, Subject, Volume

__version__ = "0.1.0"

_HOME = {
    "hookimpl": "vbench.hookspecs",
    "DataSource": "vbench.interfaces",
    "FidelityMetric": "vbench.interfaces",
    "Generator": "vbench.interfaces",
    "Metric": "vbench.interfaces",
    "Params": "vbench.interfaces",
    "PrivacyMetric": "vbench.interfaces",
    "SegmentationMetric": "vbench.interfaces",
    "Segmenter": "vbench.interfaces",
    "param": "vbench.interfaces",
    "MaskPair": "vbench.maskpair",
    "RunResult": "vbench.result",
    "read_result": "vbench.result",
    "audit_export": "vbench.audit.rerun",
    "export": "vbench.audit.export",
    "plan": "vbench.api",
    "run": "vbench.api",
    "validate": "vbench.api",
    "score": "vbench.analysis.scoring",
    "score_files": "vbench.analysis.scoring",
    "Patches": "vbench.types",
    "Progress": "vbench.types",
    "Score": "vbench.types",
    "Setup": "vbench.types",
    "Subject": "vbench.types",
    "Volume": "vbench.types",
}

# Spelt out, so that type checkers and editors know the names as well.
__all__ = [
    "DataSource",
    "FidelityMetric",
    "Generator",
    "MaskPair",
    "Metric",
    "Params",
    "Patches",
    "PrivacyMetric",
    "Progress",
    "RunResult",
    "Score",
    "SegmentationMetric",
    "Segmenter",
    "Setup",
    "Subject",
    "Volume",
    "__version__",
    "audit_export",
    "export",
    "hookimpl",
    "param",
    "plan",
    "read_result",
    "run",
    "score",
    "score_files",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
