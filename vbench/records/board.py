"""What ``leaderboard.json`` says: all statistics of a benchmark, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from vbench.records.curves import DoseCurve, StepsCurve, TransferCurve
from vbench.records.model import Record
from vbench.records.parts import Repetition
from vbench.records.statistics import (
    BySubgroup,
    Claim,
    Comparison,
    Interval,
    MetricColumn,
    Number,
    RankedSummary,
    Subgroups,
    Summary,
)

#: As :data:`vbench.audit.verdict.Word`.
Word = Literal["alarm", "no alarm", "not judged", "not meaningful"]


class ArmFailure(Record):
    """The first failure of an arm; see :class:`vbench.records.job.Failure`."""

    seed: Repetition
    stage: str
    label: str
    reason: str
    message: str
    traceback: str
    seconds: float


class TrialCounts(Record):
    """What became of an arm's trials over its seeds; the rest is yet to run."""

    planned: int
    ended: int
    pruned: int
    diverged: int
    skipped: int
    failed: int


class ArmBudget(Record):
    """What one repetition was trained with, the mean over finished seeds; None when unknown.

    Attributes:
        steps: Optimiser steps of the selected segmenter, those it inherits included.
        steps_pretraining, steps_target: Of them, before the arm's own, and on target patches.
        steps_generator: Of the generator.
        patches_source, patches_target, patches_synthetic: Handed to the segmenter, repeats counted.
        patches_generator: Handed to the generator.
        trials, candidates: What the arm chose from.
        trials_inherited, candidates_inherited: What its starting point was chosen from.
    """

    steps: Number | None
    steps_pretraining: Number | None
    steps_target: Number | None
    steps_generator: Number | None
    patches_source: Number | None
    patches_target: Number | None
    patches_synthetic: Number | None
    patches_generator: Number | None
    trials: Number | None
    candidates: Number | None
    trials_inherited: Number | None
    candidates_inherited: Number | None


class Collapse(Record):
    """A preview at which a generator's samples were of no use; whether the last one was sound."""

    generator: str
    seed: Repetition
    step: int
    fault: str
    recovered: bool


class WorstPatient(Record):
    """The training patient of whom most was found, by any privacy score in any seed.

    Attributes:
        patient: The name in the data set: for use in-house only.
        value: 0 when nothing of the patient was found, to 1.
        ci95: Its interval; None when there is none.
        metric: The score that says so.
        seed: Of the repetition.
    """

    patient: str
    value: float
    ci95: Interval | None
    metric: str
    seed: Repetition


class Row(Record):
    """An arm.

    Attributes:
        dose: Synthetic patches as a multiple of the real ones; left out without a dose curve.
        steps: Training length of the segmenter, left out where it is the spec's own.
        cohort: Names its test subjects.
        status: ``ok`` when every seed has been scored.
        seeds, seeds_failed, cases: Counts; a case is a seed and a test subject.
        seconds, cpu_seconds: What the arm would take by itself, s.
        peak_memory_mb: Of its largest job, MiB.
        peak_gpu_memory_mb: Likewise, of a GPU; left out where no job computed on one.
        seconds_by_stage: Wall time, s.
        metrics: Segmentation scores by metric; of several classes the mean over those of a subject.
        classes: By class and metric; None where labels have one class.
        subgroups: By column of the data set, where the spec names some; else left out.
        versus: Comparisons by reference (``real``, ``best``, ``bar``, ``scratch``, ``control``,
            ``ceiling``)
            and metric.
        best_params: Of the selected trial, by seed.
        remarks: What its generator says of its fit; None: nothing.
        unseen: Classes that no training subject has a voxel of; None: none.
        unrepeatable: Seeds in which its generator sampled others the second time; None: none.
        fidelity, privacy: By metric, each field over seeds.
        verdict: What the privacy scores of its synthetic patches say over all seeds: an alarm in
            any is one, and ``no alarm`` needs all. None for an arm that shares none.
        verdicts: The same by seed.
        alarms: The privacy scores that raised one in any seed.
        worst_patient: None where no score tells patients apart.
        flagged: Synthetic patches that come from one training patch, in the worst seed.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {
            "dose",
            "steps",
            "remarks",
            "unseen",
            "unrepeatable",
            "classes",
            "subgroups",
            "peak_gpu_memory_mb",
        }
    )

    arm: str
    regime: str
    generator: str | None
    n_subjects: int | None
    segmenter: str
    control: str | None
    dose: float | None = None
    steps: int | None = None
    cohort: str
    status: Literal["ok", "failed", "pending"]
    failure: ArmFailure | None
    seeds: int
    seeds_failed: int
    cases: int
    trials: TrialCounts
    budget: ArmBudget
    seconds: Number
    cpu_seconds: Number
    peak_memory_mb: float | None
    peak_gpu_memory_mb: float | None = None
    seconds_by_stage: Mapping[str, Number]
    metrics: Mapping[str, RankedSummary | Summary]
    classes: Mapping[str, Mapping[str, Summary]] | None = None
    subgroups: Mapping[str, BySubgroup] | None = None
    versus: Mapping[str, Mapping[str, Comparison]]
    best_params: Mapping[str, Mapping[str, JsonValue]]
    collapsed: tuple[Collapse, ...]
    remarks: tuple[str, ...] | None = None
    unseen: tuple[str, ...] | None = None
    unrepeatable: tuple[Repetition, ...] | None = None
    fidelity: Mapping[str, Mapping[str, JsonValue]]
    privacy: Mapping[str, Mapping[str, JsonValue]]
    verdict: Word | None = None
    verdicts: Mapping[str, Word] = {}
    alarms: tuple[str, ...] = ()
    worst_patient: WorstPatient | None = None
    flagged: int = 0


class Board(Record):
    """``leaderboard.json``.

    Attributes:
        finished: Whether no arm is pending.
        primary: The metric that arms are ranked by.
        claim: What the table is about: methods or, where an arm has one seed, networks.
        metrics: The columns, by name.
        cohorts: Test subjects by cohort.
        folds: By cohort that is cross-validated, in how many folds; left out where none is.
        subgroups: By cohort and column, who is in which group; left out where the spec names none.
        rows: Finished arms first, the best first.
        transfer: One entry per generator and metric.
        dose: One entry per regime, generator and metric that has several doses.
        steps: One entry per arm and metric that has several training lengths.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"folds", "subgroups"})

    benchmark: str
    vbench: str
    finished: bool
    primary: str | None
    claim: Claim
    metrics: Mapping[str, MetricColumn]
    cohorts: Mapping[str, tuple[str, ...]]
    folds: Mapping[str, int] | None = None
    subgroups: Mapping[str, Mapping[str, Subgroups]] | None = None
    rows: tuple[Row, ...]
    transfer: tuple[TransferCurve, ...]
    dose: tuple[DoseCurve, ...] = ()
    steps: tuple[StepsCurve, ...] = ()
