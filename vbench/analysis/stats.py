"""Small mathematics of scores: averages over seeds, ranges, Holm's correction, ranks.

Arrays of scores are ``(seeds, subjects)``, NaN where a case failed. Uncertainty is in
:mod:`vbench.analysis.uncertainty`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


def per_subject(values: Floats) -> Floats:
    """Average over seeds: ``(seeds, subjects)`` to ``(subjects,)``, NaN where no seed has one."""
    count = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def score_range(values: Floats, unit: str, higher_is_better: bool | None) -> tuple[float, float]:
    """Return the range that a score stays in, guessed from its values.

    From 0, unless a value is negative; to 1 for a pure number where higher is better, unless a
    value is above. An interval from few cases is cut there, since no mean can lie outside.
    """
    values = values[np.isfinite(values)]
    share = unit == "" and higher_is_better is True and not (values > 1).any()
    return (-np.inf if (values < 0).any() else 0.0), (1.0 if share else np.inf)


def holm(p: Sequence[float]) -> list[float]:
    """Correct p-values of one family for their number (Holm 1979), in the order given."""
    values = np.asarray(p, float)
    order = np.argsort(values, kind="stable")
    steps = (len(values) - np.arange(len(values))) * values[order]
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(value) for value in corrected]


def average_ranks(values: Floats) -> Floats:
    """Rank along the first axis, 1 the smallest, equal values sharing their mean rank.

    What ``scipy.stats.rankdata`` gives, without the second that importing ``scipy.stats`` takes.
    """
    below = (values[None] < values[:, None]).sum(axis=1)
    equal = (values[None] == values[:, None]).sum(axis=1)
    return below + (equal + 1) / 2


def rank_biserial(differences: Floats) -> float:
    """Return the matched-pairs rank-biserial correlation in [-1, 1] (Kerby 2014).

    The share of rank sum in favour minus the share against; zeros are left out, and no difference
    at all gives 0.
    """
    nonzero = differences[differences != 0]
    if nonzero.size == 0:
        return 0.0
    ranks = average_ranks(np.abs(nonzero))
    return float((ranks * np.sign(nonzero)).sum() / ranks.sum())


def ranks_and_wins(table: Floats) -> tuple[Floats, Floats]:
    """Return each arm's average rank and win rate over subjects.

    Args:
        table: ``(arms, subjects)``, higher is better, no NaN.

    Returns:
        Average rank, 1 the best, ties shared; share of (subject, opponent) pairs won, a tie
        counting half, NaN with a single arm.
    """
    ranks = average_ranks(-table).mean(axis=1)
    arms = len(table)
    wins = (arms - ranks) / (arms - 1) if arms > 1 else np.full(1, np.nan)
    return ranks, wins
