"""How sure a mean, a difference and a ratio are: one model, seeds and subjects crossed.

A score is the arm's mean, plus what the subject adds, plus what the training adds, plus the rest.
Subjects are the same for all arms; trainings are not, since each arm's seeds are its own. So the
variance of a difference between two arms' means has two parts:

- subjects: the variance over subjects of their differences, each averaged over seeds, divided by
  their number n; n - 1 degrees of freedom. It holds the noise of single cases, too.
- trainings: of each arm the variance of its seeds' means, divided by their number, less what the
  noise of cases explains (the residual mean square of the two-way table; half of it for two
  seeds, whose spread is often small by chance), never below 0; Welch's degrees of freedom.

Each part counts with the t for its degrees of freedom: the half-width of an interval is
``sqrt(t1² V1 + t2² V2)`` (Banerjee 1961), which holds the truth at least as often as it says. One
t for the sum (Satterthwaite) does not when a part has one or two degrees of freedom.

The p of a difference is 1 minus the level at which the interval just reaches 0, and the interval
of a ratio r holds what ``arm - r × reference`` cannot tell from 0 (Fieller 1954). So p, sign and
intervals cannot disagree.

With a single seed, trainings have no variance to measure. Only subjects count then, and the claim
is about these trained networks, not about the methods.

With cross-validation the subjects of a fold share a training, and the training's patients. So the
two parts are found from how folds differ (one-way analysis of variance of the subjects' values,
each averaged over seeds):

- subjects: the mean square within folds over n; n less the number of folds degrees of freedom.
- folds: the spread of the means of the K folds, less half of what subjects explain of it (nothing
  for two folds), never below 0, over K; K - 1 degrees of freedom. It holds the luck of training and
  the choice of its patients, so one seed is enough for a claim about methods.

The folds' training sets overlap, which no estimate from a single cross-validation can account for
(Bengio & Grandvalet 2004): it is about this procedure on subjects like these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vbench.analysis.stats import Floats, Ints

#: An interval's level is 1 minus this, and a p below this is significant.
ALPHA = 0.05
#: What a result is about: methods, over new trainings, or these trained networks.
Claim = Literal["methods", "networks"]
#: Numbers that differ by less than this, relative to the scores, are equal.
_EQUAL = 1e-12
_BISECTIONS = 32


@dataclass(frozen=True)
class Estimate:
    """An estimate with the parts of its variance; arrays hold many estimates.

    Attributes:
        value: The estimate.
        by_subjects: The part of its variance that subjects add, with the noise of cases.
        by_seeds: The part that trainings add.
        df_seeds: Degrees of freedom of that part.
        df_subjects: Degrees of freedom of the part of subjects.
        subjects: How many there are.
        claim: What the estimate is about.
    """

    value: Floats
    by_subjects: Floats
    by_seeds: Floats
    df_seeds: Floats
    df_subjects: float
    subjects: int
    claim: Claim

    def half_width(self, p: float | Floats = ALPHA) -> Floats:
        """Return half the width of the interval of level ``1 - p``."""
        return np.asarray(np.sqrt(self._squared(p)))

    def _squared(self, p: float | Floats) -> Floats:
        of_subjects, of_seeds = (t_squared(df, p) for df in (self.df_subjects, self.df_seeds))
        return of_subjects * self.by_subjects + of_seeds * self.by_seeds

    def interval(self) -> list[float]:
        """Return the 95 % interval of a single estimate."""
        value, half = float(self.value), float(self.half_width())
        return [value - half, value + half]

    def p(self) -> Floats:
        """Return the two-sided p that the true value is 0: where the interval just reaches 0.

        Differences without any spread give no variance. There the p is that of a sign test,
        ``2 / 2**n``.
        """
        from scipy.special import stdtr

        size, spread = np.abs(self.value), np.sqrt(self.by_subjects + self.by_seeds)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(spread > 0, size / spread, np.inf)
        found = np.asarray(2 * stdtr(self.df_subjects, -t))
        if np.any(self.by_seeds):
            other = 2 * stdtr(self.df_seeds, -t)
            low, high = (
                np.log(np.maximum(end(found, other), 1e-300)) for end in (np.minimum, np.maximum)
            )
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2
                wide = self._squared(np.exp(middle)) > size**2
                low, high = np.where(wide, middle, low), np.where(wide, high, middle)
            found = np.where(self.by_seeds > 0, np.exp(high), found)
        found = np.where(spread > 0, found, 2.0 / 2.0**self.subjects)
        return np.asarray(np.where(size > 0, found, 1.0))


def t_squared(df: float | Floats, p: float | Floats) -> Floats:
    """Return the square of Student's t that is exceeded, on both sides, with probability p."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(df, p / 2) ** 2)


def estimate(ours: Floats, theirs: Floats | None = None, folds: Ints | None = None) -> Estimate:
    """Estimate the mean of scores, or the difference of two arms' means.

    Args:
        ours: ``(..., seeds, subjects)``, without NaN, at least two subjects.
        theirs: The reference on the same subjects, with its own seeds.
        folds: The fold of each subject; None without cross-validation.
    """
    sides = [ours] if theirs is None else [ours, theirs]
    subjects = [side.mean(axis=-2) for side in sides]
    differences = subjects[0] if theirs is None else subjects[0] - subjects[1]
    n = differences.shape[-1]
    value, by_subjects = differences.mean(axis=-1), differences.var(axis=-1, ddof=1) / n
    df_subjects = n - 1.0
    claim = claim_of(*sides, folds=folds)
    by_seeds, df = np.zeros_like(value), np.ones_like(value)
    if folds is not None and 1 < len(set(folds)) < n:
        by_subjects, by_seeds = between_folds(differences, folds)
        df_subjects, df = n - float(len(set(folds))), np.full_like(value, len(set(folds)) - 1.0)
    elif claim == "methods" and folds is None:
        parts = [trainings(side) for side in sides]
        by_seeds = np.asarray(sum(parts))
        weight = sum(
            part**2 / (side.shape[-2] - 1) for part, side in zip(parts, sides, strict=True)
        )
        df = np.divide(by_seeds**2, weight, out=np.ones_like(value), where=weight > 0)
    # What differs by rounding only is equal.
    least = _EQUAL * np.max([np.abs(side).max(axis=(-2, -1)) for side in sides], axis=0)
    value = np.where(np.abs(value) > least, value, 0.0)
    spread = by_subjects + by_seeds > least**2
    return Estimate(value, by_subjects * spread, by_seeds * spread, df, df_subjects, n, claim)


def between_folds(values: Floats, folds: Ints) -> tuple[Floats, Floats]:
    """Return the parts of the variance of the mean of ``(..., subjects)``: of subjects, of folds.

    Less all that subjects explain, equal arms would get a sign in up to 7 of 100 comparisons, by
    simulation (``tests/analysis/test_folds.py``); less half of it, in 5.

    Args:
        values: Of each subject, averaged over seeds.
        folds: The fold of each, at least two, one of them with two subjects.
    """
    n, numbers = values.shape[-1], np.unique(folds)
    sizes = np.array([(folds == number).sum() for number in numbers])
    means = np.stack([values[..., folds == number].mean(axis=-1) for number in numbers], axis=-1)
    at = np.searchsorted(numbers, folds)
    within = ((values - means[..., at]) ** 2).sum(axis=-1) / (n - len(numbers))
    mean = values.mean(axis=-1, keepdims=True)
    between = (sizes * (means - mean) ** 2).sum(axis=-1) / (len(numbers) - 1)
    size = (n - (sizes**2).sum() / n) / (len(numbers) - 1)  # of a fold; their mean when equal
    share = 0.5 if len(numbers) > 2 else 0.0
    spread = np.maximum((between - share * within) / size, 0.0)
    return within / n, np.asarray(spread * (sizes**2).sum() / n**2)


def trainings(table: Floats) -> Floats:
    """Return the part of the variance of the mean of ``(..., seeds, subjects)`` from trainings.

    Less all of the noise, two seeds would give four equal arms a sign in 7 of 100 tables, by
    simulation (``benchmarks/coverage.py``); less half of it, in 5 at most.
    """
    seeds, subjects = table.shape[-2:]
    rows, columns = table.mean(axis=-1, keepdims=True), table.mean(axis=-2, keepdims=True)
    rest = table - rows - columns + rows.mean(axis=-2, keepdims=True)
    noise = (rest**2).sum(axis=(-2, -1)) / ((seeds - 1) * (subjects - 1))
    between = rows[..., 0].var(axis=-1, ddof=1)
    share = min(1.0, (seeds - 1) / 2)
    return np.asarray(np.maximum((between - share * noise / subjects) / seeds, 0.0))


def ratio_interval(
    difference: Estimate, ours: Floats, theirs: Floats, folds: Ints | None = None
) -> list[float] | None:
    """Return the 95 % interval of the ratio of two arms' means (Fieller 1954).

    It holds 1 exactly when the interval of the difference holds 0.

    Args:
        difference: What :func:`estimate` said of the two.
        ours: ``(seeds, subjects)``, without NaN.
        theirs: The reference.
        folds: The fold of each subject; None without cross-validation.

    Returns:
        ``[low, high]``, or None when the reference's mean may be 0: the ratio is then unbounded.
    """
    n = difference.subjects
    a, b = float(ours.mean()), float(theirs.mean())
    if folds is not None:
        return _fold_ratio(ours.mean(axis=0), theirs.mean(axis=0), folds)
    (aa, ab), (_, bb) = np.cov(ours.mean(axis=0), theirs.mean(axis=0)) / n
    t1, t2 = t_squared(n - 1, ALPHA), t_squared(difference.df_seeds, ALPHA)
    parts = (trainings(ours), trainings(theirs)) if difference.claim == "methods" else (0.0, 0.0)
    square = b**2 - t1 * bb - t2 * parts[1]
    if b == 0 or square <= 0:
        return None
    linear = a * b - t1 * ab
    root = np.sqrt(max(linear**2 - square * (a**2 - t1 * aa - t2 * parts[0]), 0.0))
    return [float((linear - root) / square), float((linear + root) / square)]


def _fold_ratio(ours: Floats, theirs: Floats, folds: Ints) -> list[float] | None:
    """Return the ratios r at which ``ours - r × theirs`` cannot be told from 0, by search.

    Args:
        ours: ``(subjects,)``.
        theirs: The reference.
        folds: The fold of each.
    """

    def outside(ratios: Floats) -> Floats:
        found = estimate((ours - ratios[:, None] * theirs)[:, None, :], folds=folds)
        return np.asarray(np.abs(found.value) - found.half_width())

    reference = estimate(theirs[None], folds=folds)
    if not abs(float(reference.value)) > float(reference.half_width()):
        return None
    middle = float(ours.mean() / theirs.mean())
    ends = []
    for sign in (-1.0, 1.0):
        steps = sign * 2.0 ** np.arange(-20, 40)
        there = outside(np.asarray(middle + steps)) > 0
        if not there.any():
            return None
        far = int(np.argmax(there))
        low, high = (middle + steps[far - 1] if far else middle), middle + steps[far]
        for _ in range(_BISECTIONS):
            half = (low + high) / 2
            low, high = (low, half) if outside(np.array([half]))[0] > 0 else (half, high)
        ends.append(float(low))
    return ends


def complete(values: Floats) -> Floats:
    """Fill failed cases of ``(seeds, subjects)`` with what their seed and subject predict.

    These are the values with the smallest residuals of the two-way table (Yates 1933). So a hard
    subject that failed once does not lift the mean of the arm it failed in.
    """
    there = np.isfinite(values)
    if there.all():
        return values
    seeds, subjects = values.shape
    design = np.hstack(
        [np.repeat(np.eye(seeds), subjects, 0), np.tile(np.eye(subjects), (seeds, 1))]
    )
    middle = float(values[there].mean())
    effects = np.linalg.lstsq(design[there.ravel()], values[there] - middle, rcond=None)[0]
    return np.where(there, values, middle + (design @ effects).reshape(values.shape))


def kept(folds: Ints | None, *sides: Floats) -> Ints | None:
    """Return the folds of the subjects that all sides have, as of :func:`tables`."""
    if folds is None:
        return None
    return np.asarray(folds[np.all([np.isfinite(side).any(axis=0) for side in sides], axis=0)])


def tables(*sides: Floats) -> list[Floats]:
    """Return sides over the subjects that all of them have, completed; seeds without any are left.

    Args:
        sides: ``(seeds, subjects)`` each, NaN where a case failed.
    """
    both = np.all([np.isfinite(side).any(axis=0) for side in sides], axis=0)
    kept = (side[:, both] for side in sides)
    return [complete(side[np.isfinite(side).any(axis=1)]) for side in kept]


def mean_interval(values: Floats, folds: Ints | None = None) -> list[float] | None:
    """Return the 95 % interval of the mean of ``(seeds, subjects)``, around the mean of all cases.

    None when fewer than two subjects have a value: one says nothing of others.
    """
    (table,) = tables(values)
    if table.shape[1] < 2:
        return None
    half = float(estimate(table, folds=kept(folds, values)).half_width())
    mean = float(values[np.isfinite(values)].mean())
    return [mean - half, mean + half]


def claim_of(*sides: Any, folds: Ints | None = None) -> Claim:
    """Say what scores ``(seeds, subjects)`` are about.

    Methods, with two seeds or more a side, or two folds: both are several trainings.
    """
    if folds is not None and len(set(folds)) > 1:
        return "methods"
    seeds = [int(np.isfinite(side).any(axis=-1).sum(axis=-1).min()) for side in sides]
    return "methods" if min(seeds, default=0) > 1 else "networks"
