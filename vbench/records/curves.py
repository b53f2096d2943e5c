"""What a leaderboard says of curves: over patients, doses and training lengths."""

from __future__ import annotations

from typing import ClassVar

from vbench.records.model import Record
from vbench.records.statistics import Claim, Interval, Number


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
