"""What goes into each stage of a run and what comes out: the one description of both.

``Inputs`` are what decides a job's result, and so its key: a field that is added must be left out
of the file while it has its old meaning (:attr:`Record.OPTIONAL`), or the stage's version raised.
Fields that name jobs (``train``, ``trials``) hold keys.
"""

from __future__ import annotations

from collections.abc import Mapping

from vbench.records.judging import (
    AttackInputs,
    AttackResult,
    AuditInputs,
    AuditResult,
    EvaluateInputs,
    EvaluateResult,
)
from vbench.records.model import Inputs, Result
from vbench.records.training import (
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    PrepareInputs,
    PrepareResult,
    SynthesiseInputs,
    SynthesiseResult,
)

#: The stages of a run, in order; adding one starts here.
STAGES: Mapping[str, tuple[type[Inputs], type[Result]]] = {
    "prepare": (PrepareInputs, PrepareResult),
    "fit-generator": (FitGeneratorInputs, FitGeneratorResult),
    "synthesise": (SynthesiseInputs, SynthesiseResult),
    "fit-segmenter": (FitSegmenterInputs, FitSegmenterResult),
    "evaluate": (EvaluateInputs, EvaluateResult),
    "audit": (AuditInputs, AuditResult),
    "attack": (AttackInputs, AttackResult),
}
