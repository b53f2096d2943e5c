"""What a plugin implements: DataSource, Generator, Segmenter and three kinds of Metric.

A plugin is a class. Its parameters are a pydantic model, :class:`~vbench.params.Params`, whose
fields say default, range, unit, and whether and how Optuna tunes them. vbench owns everything
else: the loop, seeds, time limits, checkpoints, validation, files. A method that learns is
written as a generator function that yields :class:`~vbench.types.Progress`; between two yields
vbench may log, validate, save a checkpoint, or stop.

Import heavy libraries (torch, monai) inside methods, not at the top of the module: ``vbench
plan`` and ``vbench validate`` load plugin classes and should start at once.
"""

from __future__ import annotations

from vbench.interfaces.fitted import Fitted
from vbench.interfaces.generator import AT_ONCE, Generator
from vbench.interfaces.metrics import (
    FidelityMetric,
    LabelMapMetric,
    Metric,
    PrivacyMetric,
    SegmentationMetric,
)
from vbench.interfaces.plugin import Count, Plugin
from vbench.interfaces.segmenter import Segmenter
from vbench.interfaces.source import DataSource
from vbench.params import Params, length_param, param

__all__ = [
    "AT_ONCE",
    "Count",
    "DataSource",
    "FidelityMetric",
    "Fitted",
    "Generator",
    "LabelMapMetric",
    "Metric",
    "Params",
    "Plugin",
    "PrivacyMetric",
    "SegmentationMetric",
    "Segmenter",
    "length_param",
    "param",
]
