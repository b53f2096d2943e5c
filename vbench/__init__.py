"""vbench: how good is a segmenter trained on generated vessel patches, and what do they leak?

Everything that the command line does is one call here; names are imported when they are used, so
``import vbench`` is quick and imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from vbench._version import __version__

if TYPE_CHECKING:
    from vbench.api import plan, run, validate
    from vbench.arms import ArmResult, TrialResult
    from vbench.hookspecs import hookimpl
    from vbench.interfaces import (
        DataSource,
        FidelityMetric,
        Generator,
        LabelMapMetric,
        Metric,
        Params,
        PrivacyMetric,
        SegmentationMetric,
        Segmenter,
        param,
    )
    from vbench.layout import image_of, join_patches, label_of
    from vbench.masks.maps import MapPair
    from vbench.masks.pair import MaskPair
    from vbench.result import RunResult, read_result
    from vbench.scoring.score import score, score_files
    from vbench.share.export import export
    from vbench.share.folder_audit import FolderAudit, audit_folders
    from vbench.share.rerun import audit_export
    from vbench.trained.export_model import ExportedModel, export_model
    from vbench.trained.predict import predict
    from vbench.trained.predictions import Predictions
    from vbench.trained.sample import sample, write_samples
    from vbench.types import Patches, Portable, Progress, Score, Setup, Subject, Volume

_HOME = {
    "ArmResult": "vbench.arms",
    "TrialResult": "vbench.arms",
    "hookimpl": "vbench.hookspecs",
    "DataSource": "vbench.interfaces",
    "FidelityMetric": "vbench.interfaces",
    "Generator": "vbench.interfaces",
    "LabelMapMetric": "vbench.interfaces",
    "Metric": "vbench.interfaces",
    "Params": "vbench.interfaces",
    "PrivacyMetric": "vbench.interfaces",
    "SegmentationMetric": "vbench.interfaces",
    "Segmenter": "vbench.interfaces",
    "param": "vbench.interfaces",
    "image_of": "vbench.layout",
    "join_patches": "vbench.layout",
    "label_of": "vbench.layout",
    "MapPair": "vbench.masks.maps",
    "MaskPair": "vbench.masks.pair",
    "RunResult": "vbench.result",
    "read_result": "vbench.result",
    "FolderAudit": "vbench.share.folder_audit",
    "audit_export": "vbench.share.rerun",
    "audit_folders": "vbench.share.folder_audit",
    "export": "vbench.share.export",
    "ExportedModel": "vbench.trained.export_model",
    "export_model": "vbench.trained.export_model",
    "plan": "vbench.api",
    "predict": "vbench.trained.predict",
    "Predictions": "vbench.trained.predictions",
    "sample": "vbench.trained.sample",
    "write_samples": "vbench.trained.sample",
    "run": "vbench.api",
    "validate": "vbench.api",
    "score": "vbench.scoring.score",
    "score_files": "vbench.scoring.score",
    "Patches": "vbench.types",
    "Portable": "vbench.types",
    "Progress": "vbench.types",
    "Score": "vbench.types",
    "Setup": "vbench.types",
    "Subject": "vbench.types",
    "Volume": "vbench.types",
}

# Spelt out, so that type checkers and editors know the names as well.
__all__ = [
    "ArmResult",
    "DataSource",
    "ExportedModel",
    "FidelityMetric",
    "FolderAudit",
    "Generator",
    "LabelMapMetric",
    "MapPair",
    "MaskPair",
    "Metric",
    "Params",
    "Patches",
    "Portable",
    "Predictions",
    "PrivacyMetric",
    "Progress",
    "RunResult",
    "Score",
    "SegmentationMetric",
    "Segmenter",
    "Setup",
    "Subject",
    "TrialResult",
    "Volume",
    "__version__",
    "audit_export",
    "audit_folders",
    "export",
    "export_model",
    "hookimpl",
    "image_of",
    "join_patches",
    "label_of",
    "param",
    "plan",
    "predict",
    "read_result",
    "run",
    "sample",
    "score",
    "score_files",
    "validate",
    "write_samples",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'vbench' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
