"""What ``leaderboard.json`` says: all statistics of a benchmark, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from vbench.records.model import Record
from vbench.records.parts import Repetition

Number = int | float
Interval = tuple[float, float]
Claim = Literal["methods", "networks"]
#: As :data:`vbench.audit.verdict.Word`.
Word = Literal["alarm", "no alarm", "not judged", "not meaningful"]


class MetricColumn(Record):
    """How to read a metric: versioned name, unit (empty for a pure number), direction if any."""

    id: str
    unit: str
    higher_is_better: bool | None


class Summary(Record):
    """One arm and metric, in the metric's unit; None where there is no value.

    Attributes:
        mean: Over all cases that have a value, a rule's value included.
        sd: Between subjects, each averaged over its seeds.
        sd_seeds: Between the means of seeds.
        median: Over subjects.
        ci95: Of the mean, over seeds and subjects.
        claim: Whether the interval is about the method or, with one seed, about this network.
        n: Cases with a value.
        n_undefined: Of them, those that a rule gave.
        n_failed: Cases without a value.
    """

    mean: float | None
    sd: float | None
    sd_seeds: float | None
    median: float | None
    ci95: Interval | None
    claim: Claim
    n: int
    n_undefined: int
    n_failed: int


class Gap(Record):
    """How far the means of subgroups lie apart.

    Attributes:
        gap: The highest mean less the lowest, in the metric's unit; None with a single group.
        lowest, highest: The groups that have them.
        tested: The groups that were tested, those of enough subjects; empty when none were.
        p_raw: That the tested groups do not differ (Welch's analysis of variance over subjects);
            None when it was not tested, or a group has no spread.
        p: The same, Holm-corrected over the finished arms of the cohort.
    """

    gap: float | None
    lowest: str | None
    highest: str | None
    tested: tuple[str, ...]
    p_raw: float | None
    p: float | None


class BySubgroup(Record):
    """An arm's scores by one column: summaries by group and metric, gaps by metric."""

    groups: Mapping[str, Mapping[str, Summary]]
    gaps: Mapping[str, Gap]


class Subgroups(Record):
    """The groups that one column makes of the test subjects of a cohort.

    Attributes:
        groups: Test subjects by group.
        unknown: Those without a value in the column: in no group.
    """

    groups: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


class RankedSummary(Summary):
    """A summary among the finished arms of its cohort.

    Attributes:
        rank: 1 for the best mean; equal means share it.
        tied: Whether another arm has the same mean.
        like_best: Whether the interval of the difference from the best includes 0.
        average_rank: Over subjects, from 1.
        win_rate: Share of subjects and other arms that it beats, 0 to 1.
    """

    rank: int
    tied: bool
    like_best: bool
    average_rank: float | None
    win_rate: float | None


class Comparison(Record):
    """An arm and another on the subjects that both have.

    Attributes:
        arm: The other arm.
        difference: Arm minus the other, in the metric's unit.
        ratio: Arm over the other; None when the other is 0.
        ci95: Of the difference.
        ratio_ci95: Of the ratio.
        p_raw: Before the correction.
        p_smallest: 1 when nothing could be tested.
        claim: As of :class:`Summary`.
        effect: Rank-biserial correlation, -1 to 1, positive when the arm is the better one.
        n: Subjects.
        seeds: Of the side that has fewer.
        p: Holm-corrected over the table.
        comparisons: How many it was corrected for.
    """

    arm: str
    difference: float
    ratio: float | None
    ci95: Interval | None
    ratio_ci95: tuple[float | None, float | None] | None
    p_raw: float
    p_smallest: float
    claim: Claim
    effect: float | None
    n: int
    seeds: int
    p: float
    comparisons: int


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
        {"dose", "steps", "remarks", "unseen", "unrepeatable", "classes", "subgroups"}
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


class ControlGain(Record):
    """The gain over equal training at one n, positive when pre-training helps."""

    arm: str
    gain: float
    ci95: Interval | None
    p: float


class CeilingShare(Record):
    """How near pre-training on a generator's patches comes to pre-training on real ones, at one n.

    Attributes:
        arm: The arm that was pre-trained on real patches of the source.
        score: Its mean.
        ratio: Of the two scores, arm over ceiling.
        over: The arm from scratch that both gains are over; None where there is none.
        share: The arm's gain over the ceiling's; None where the ceiling's cannot be shown.
    """

    arm: str
    score: float | None
    ratio: float | None
    ratio_ci95: tuple[float | None, float | None] | None
    over: str | None
    share: float | None
    share_ci95: Interval | None


class TransferCurve(Record):
    """How much pre-training with one generator helps, by number of patients.

    Attributes:
        n: Numbers of patients, ascending; the lists below have one entry for each.
        pretrained, scratch: Means, in the metric's unit.
        gain: Positive when pre-training helps.
        area: Mean gain over the range of n.
        worth: Patients that pre-training is worth; None where no measured n bounds it.
        worth_ci95: Its interval, an end None where nothing bounds it.
        worth_reason: Why there is no interval.
        worth_limit: The most that could have been found.
        generator: None: pre-trained on real patches of the source, the ceiling.
        segmenter: Which of several segmenters; left out where there is one.
        cohort: Which of several targets; left out where there is one.
        control: The gain over equal training; None where it was not planned or has no score.
        ceiling: How near it comes to the ceiling; None where that was not planned or has no score.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"segmenter", "cohort"})

    generator: str | None
    segmenter: str | None = None
    cohort: str | None = None
    metric: str
    claim: Claim
    n: tuple[int, ...]
    pretrained: tuple[float, ...]
    scratch: tuple[float, ...]
    gain: tuple[float, ...]
    gain_ci95: tuple[Interval | None, ...]
    area: float
    area_ci95: Interval | None
    worth: tuple[float | None, ...]
    worth_ci95: tuple[tuple[float | None, float | None] | None, ...]
    worth_reason: tuple[str | None, ...]
    worth_limit: tuple[int, ...]
    control: tuple[ControlGain | None, ...]
    ceiling: tuple[CeilingShare | None, ...] = ()


class DoseCurve(Record):
    """How the number of synthetic patches tells, at equal steps of the segmenter.

    Attributes:
        segmenter: Which of several segmenters; left out where there is one.
        dose: Multiples of the number of real patches, ascending; the lists below have one entry
            for each.
        arm: The arms.
        patches: How many synthetic patches; None when not known.
        mean: In the metric's unit, with ``ci95``.
        ratio: To ``real``; None where there is none.
        change: To dose 1, in the metric's unit; None at dose 1.
        p: Of the change, Holm-corrected over the doses of the curve.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"segmenter"})

    regime: str
    generator: str
    segmenter: str | None = None
    metric: str
    claim: Claim
    dose: tuple[float, ...]
    arm: tuple[str, ...]
    patches: tuple[int | None, ...]
    mean: tuple[float, ...]
    ci95: tuple[Interval | None, ...]
    ratio: tuple[float | None, ...]
    ratio_ci95: tuple[tuple[float | None, float | None] | None, ...]
    change: tuple[float | None, ...]
    change_ci95: tuple[Interval | None, ...]
    p: tuple[float | None, ...]


class StepsCurve(Record):
    """How an arm's score depends on the steps of its segmenter.

    Attributes:
        base: The arm at the spec's own length.
        steps: Optimiser steps in all, ascending; the lists below have one entry for each.
        arm: The arms.
        mean: In the metric's unit, with ``ci95``.
        ratio: To ``real`` of the same length; None where there is none.
    """

    base: str
    regime: str
    metric: str
    steps: tuple[Number, ...]
    arm: tuple[str, ...]
    mean: tuple[float, ...]
    ci95: tuple[Interval | None, ...]
    ratio: tuple[float | None, ...]
    ratio_ci95: tuple[tuple[float | None, float | None] | None, ...]


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
