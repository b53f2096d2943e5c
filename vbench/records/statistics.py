"""What a leaderboard says of scores: summaries, subgroups and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from vbench.records.model import Record

Number = int | float


Interval = tuple[float, float]


Claim = Literal["methods", "networks"]


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
