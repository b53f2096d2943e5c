"""What an arm selected: the trial, the candidate and samples of its generator, and their fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from vbench.records.job import JobRecord
from vbench.records.judging import EvaluateResult
from vbench.records.model import Inputs, Result
from vbench.records.parts import Repetition
from vbench.records.training import (
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    SynthesiseInputs,
    SynthesiseResult,
)

I_ = TypeVar("I_", bound=Inputs)
R = TypeVar("R", bound=Result)


@dataclass(frozen=True)
class Finished(Generic[I_, R]):
    """A finished job of a known stage: its record, and both its parts by their types."""

    record: JobRecord
    inputs: I_
    result: R

    @property
    def key(self) -> str:
        """The job's key; its artifacts are in the folder of the store that is called so."""
        return self.record.key

    @property
    def seed(self) -> int | None:
        """The repetition that it belongs to; None where all share it."""
        return self.record.seed


Trial: TypeAlias = Finished[FitSegmenterInputs, FitSegmenterResult]
Samples: TypeAlias = Finished[SynthesiseInputs, SynthesiseResult]
Generator: TypeAlias = Finished[FitGeneratorInputs, FitGeneratorResult]


@dataclass(frozen=True)
class Chosen:
    """What an arm selected with one seed.

    Attributes:
        seed: The repetition.
        evaluated: Its scores on the test subjects.
        trial: The trial with the best validation score.
        start: The trial whose weights it started from, of a transfer arm; None from scratch.
        samples: The synthetic patches that it learnt from or, of a transfer arm, was pre-trained
            on; None without any.
        generator: The generator that they come from; None without any.
    """

    seed: Repetition
    evaluated: EvaluateResult
    trial: Trial
    start: Trial | None = None
    samples: Samples | None = None
    generator: Generator | None = None

    @property
    def candidate(self) -> int | None:
        """Index of the generator's candidate, from 0; None without a generator."""
        return None if self.samples is None else self.samples.inputs.checkpoint
