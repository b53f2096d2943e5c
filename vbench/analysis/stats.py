"""The mathematics of comparisons: hierarchical bootstrap, paired permutation test, Holm, ranks.

Arrays of scores are ``(seeds, subjects)``, NaN where a case failed. Every function is a pure
function of its arguments: random draws come from fixed seeds, so a folder always gives the same
numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]

#: Bootstrap draws of an interval.
DRAWS = 4000
#: Largest number of subjects whose sign flips are enumerated; above, they are drawn.
EXACT_UP_TO = 14
_FLIPS = 20_000


def per_subject(values: Floats) -> Floats:
    """Average over seeds: ``(seeds, subjects)`` to ``(subjects,)``, NaN where no seed has one."""
    count = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


@lru_cache(maxsize=32)
def weights(seeds: int, subjects: int, draws: int = DRAWS) -> tuple[Floats, Floats]:
    """Draw bootstrap weights of seeds ``(draws, seeds)`` and subjects ``(draws, subjects)``.

    Each level is resampled with replacement, n - 1 out of n: for a mean this gives the unbiased
    variance s²/n, where n out of n falls short by (n - 1)/n, which matters for two or three seeds
    (McCarthy and Snowden 1985). A single seed or subject keeps weight 1. The draws depend on the
    counts alone, so that arms scored on the same subjects are resampled together: differences
    and ratios are paired.
    """

    def level(n: int, stream: int) -> Floats:
        if n == 1:
            return np.ones((draws, 1))
        rng = np.random.default_rng((2021, stream, n))
        return rng.multinomial(n - 1, np.full(n, 1 / n), size=draws) / (n - 1)

    return level(seeds, 0), level(subjects, 1)


def bootstrap_means(values: Floats, draws: int = DRAWS) -> Floats:
    """Resample seeds and subjects, crossed, and return the mean of each draw ``(draws,)``.

    The hierarchical bootstrap for a crossed design (the "pigeonhole" bootstrap; Owen 2007), never
    too narrow in large samples. Failed cases take no weight.
    """
    by_seed, by_subject = weights(*values.shape, draws)
    there = np.isfinite(values)
    total = ((by_seed @ np.where(there, values, 0.0)) * by_subject).sum(axis=1)
    if there.all():
        return total
    weight = ((by_seed @ there.astype(float)) * by_subject).sum(axis=1)
    return np.divide(total, weight, out=np.full(draws, np.nan), where=weight > 0)


def degrees_of_freedom(values: Floats) -> float:
    """Return Satterthwaite's degrees of freedom of the mean over seeds and subjects."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        means = [np.nanmean(values, axis=axis) for axis in (0, 1)]
    means = [m[np.isfinite(m)] for m in means]
    parts = [(m.var(ddof=1) / m.size, m.size - 1) for m in means if m.size > 1]
    total = sum(part for part, _ in parts)
    if total <= 0:
        return np.inf
    return float(total**2 / sum(part**2 / df for part, df in parts))


def interval(
    samples: Floats, point: float, df: float = np.inf, level: float = 0.95
) -> list[float] | None:
    """Return an interval around an estimate from its bootstrap draws.

    Its width is that of a t interval with the draws' standard deviation as standard error; it is
    divided between the two sides as the draws' percentiles are, so that a skewed score keeps its
    skew. Plain percentiles are too narrow for few cases: they never leave the range of the data,
    and cover half of the time with two subjects. By simulation this covers 93 to 98 % for normal
    scores from two subjects on, 89 to 95 % for log-normal ones.

    Args:
        samples: Draws; NaN are left out.
        point: The estimate.
        df: Degrees of freedom of its standard error.
        level: Coverage.

    Returns:
        ``[low, high]``, or None when there is nothing to draw from.
    """
    from scipy.special import stdtrit

    samples = samples[np.isfinite(samples)]
    if samples.size == 0:
        return None
    tail = (1 - level) / 2
    width = 2 * float(stdtrit(max(1.0, min(df, 1e6)), 1 - tail)) * float(samples.std())
    low, high = (float(q) for q in np.quantile(samples, [tail, 1 - tail]))
    below, above = max(point - low, 0.0), max(high - point, 0.0)
    part = below / (below + above) if below + above > 0 else 0.5
    return [point - width * part, point + width * (1 - part)]


def mean_interval(values: Floats, draws: int = DRAWS) -> list[float] | None:
    """Return the 95 % interval of the mean; None for a single case, which has no spread."""
    if np.isfinite(values).sum() < 2:
        return None
    point = float(np.nanmean(values))
    return interval(bootstrap_means(values, draws), point, degrees_of_freedom(values))


def score_range(values: Floats, unit: str, higher_is_better: bool | None) -> tuple[float, float]:
    """Return the range that a score stays in, as far as its values tell.

    From 0, unless one is negative; to 1 for a pure number of which higher is better, unless one
    is above. An interval of few cases need not leave it: no mean can.
    """
    values = values[np.isfinite(values)]
    share = unit == "" and higher_is_better is True and not (values > 1).any()
    return (-np.inf if (values < 0).any() else 0.0), (1.0 if share else np.inf)


@lru_cache(maxsize=16)
def _flips(n: int) -> npt.NDArray[np.int8]:
    """Return sign patterns ``(patterns, n)``, the observed one first.

    The first sign stays +: a pattern and its opposite count alike in a two-sided test.
    """
    if n <= EXACT_UP_TO:
        bits = np.arange(2 ** (n - 1))[:, None] >> np.arange(n - 1)[::-1] & 1
    else:
        bits = np.random.default_rng(n).integers(0, 2, size=(_FLIPS, n - 1))
        bits[0] = 0
    return np.hstack([np.ones((len(bits), 1)), 1 - 2 * bits]).astype(np.int8)


def paired_p(differences: Floats) -> float:
    """Return the two-sided p of a paired permutation test on the mean difference.

    Under the null hypothesis each subject's difference may as well have the other sign (Fisher
    1935). All sign patterns are enumerated up to 14 subjects, and 20,000 drawn above. Ties and
    zeros need no correction. With n subjects no p is below ``2 / 2**n``.

    Args:
        differences: One value a subject, arm minus reference.
    """
    if differences.size == 0:
        return 1.0
    sums = np.abs(_flips(differences.size).astype(float) @ differences)
    # Sums that agree up to rounding are ties and count for the null hypothesis.
    slack = 1e-9 * np.abs(differences).sum()
    return float(np.mean(sums >= sums[0] - slack))


def smallest_p(n: int) -> float:
    """Return the smallest p that :func:`paired_p` can give for ``n`` subjects."""
    return 1.0 if n == 0 else 1.0 / len(_flips(n))


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
