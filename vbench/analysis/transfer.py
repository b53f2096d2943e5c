"""The transfer curve: how much pre-training on synthetic patches helps, by number of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.compare import versus
from vbench.analysis.folder import Arm, several_segmenters
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import Floats, Ints
from vbench.analysis.uncertainty import claim_of, estimate, kept, tables
from vbench.regimes import REFERENCES, named

Scores = Mapping[str, Mapping[str, ArmScores]]
Pair = tuple[int, ArmScores, ArmScores, dict[str, Any]]
#: Places between two measured n at which a curve from scratch is compared.
_STEPS = 24


def transfer_curves(
    arms: Sequence[Arm], scores: Scores, metrics: Mapping[str, MetricInfo]
) -> list[dict[str, Any]]:
    """Return one entry per generator, segmenter, target and metric, over the n both curves have.

    Each has ``n``, ``pretrained`` and ``scratch`` (means), ``gain`` with ``gain_ci95`` at each n,
    ``area`` with ``area_ci95``: the area between the curves over the range of n, divided by that
    range, so the mean gain; and ``worth`` (see :func:`worth`) with ``worth_ci95``, or with None
    and the ``worth_reason`` that there is none. ``claim`` is ``networks`` when an arm has one seed.
    Gains are positive when pre-training helps, whatever the metric's direction.
    """
    curves = []
    reference = REFERENCES["scratch"]
    pretrained_arms = [a for a in arms if named(a.regime).pretrains]
    series = dict.fromkeys((a.generator, a.segmenter, a.cohort) for a in pretrained_arms)
    several = several_segmenters(arms)
    targets = {a.cohort for a in pretrained_arms}
    for generator, segmenter, cohort in series:
        pretrained = {
            a.n_subjects: a
            for a in pretrained_arms
            if (a.generator, a.segmenter, a.cohort) == (generator, segmenter, cohort)
            and a.n_subjects is not None
        }
        about = {
            "generator": generator,
            "segmenter": segmenter if several else None,
            "cohort": cohort if len(targets) > 1 else None,
        }
        for info in metrics.values():
            if info.higher_is_better is None:
                continue
            pairs: list[Pair] = []
            for n in sorted(pretrained):
                other = reference.of(pretrained[n], arms)
                if other is not None:
                    ours, theirs = (scores[a][info.name] for a in (pretrained[n].name, other))
                    found = versus(ours, theirs, info)
                    pairs += [(n, ours, theirs, found)] if found else []
            if pairs:
                curves.append({**about, **_curve(pairs, info)})
    return curves


def _curve(pairs: Sequence[Pair], info: MetricInfo) -> dict[str, Any]:
    n = np.array([pair[0] for pair in pairs], float)
    sides = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    means = [np.array([np.nanmean(s.values) for s in side]) for side in sides]
    gain = [info.sign * found["difference"] for *_, found in pairs]
    gain_ci95 = [
        found["ci95"] and sorted(info.sign * bound for bound in found["ci95"])
        for *_, found in pairs
    ]
    curves = [info.sign * together(side) for side in sides]
    folds = pairs[0][1].folds
    point = worth(n, info.sign * means[0], info.sign * means[1])
    spans = [worth_interval(n, at, info.sign * pre.values, curves[1], folds)
             for at, pre in enumerate(sides[0])]  # fmt: skip
    return {
        "metric": info.name,
        "claim": claim_of(*curves[0], *curves[1], folds=folds),
        "n": [int(value) for value in n],
        "pretrained": means[0].tolist(),
        "scratch": means[1].tolist(),
        "gain": gain,
        "gain_ci95": gain_ci95,
        "area": float(area(n, np.array([gain]))[0]),
        "area_ci95": _area_interval(n, curves[0], curves[1], folds),
        "worth": [_limited(value) for value in point],
        "worth_ci95": [None if isinstance(found, str) else found for found in spans],
        "worth_reason": [found if isinstance(found, str) else None for found in spans],
        "worth_limit": [int(n[-1] - value) for value in n],
    }


def together(side: Sequence[ArmScores]) -> Floats:
    """Stack the scores of one curve, ``(points, seeds, subjects)``, over the common seeds.

    One seed's arms may share a generator and patients, so they are taken together.
    """
    rows = [
        {seed: row for seed, row in zip(arm.seeds, arm.values, strict=True)
         if np.isfinite(row).any()}
        for arm in side
    ]  # fmt: skip
    shared = [seed for seed in rows[0] if all(seed in found for found in rows)]
    shape = (len(side), len(shared), side[0].values.shape[1])
    return np.array([[found[seed] for seed in shared] for found in rows]).reshape(shape)


def _complete(*stacks: Floats) -> list[Floats] | None:
    """Return stacks of tables over the common subjects; None when too few are complete."""
    found = tables(*(table for stack in stacks for table in stack))
    sizes = {len(table) for table in found}
    if 0 in sizes or found[0].shape[1] < 2:
        return None
    out, at = [], 0
    for stack in stacks:
        part, at = found[at : at + len(stack)], at + len(stack)
        if len({table.shape for table in part}) > 1:
            return None
        out.append(np.stack(part))
    return out


def _area_interval(
    n: Floats, pretrained: Floats, scratch: Floats, folds: Ints | None = None
) -> list[float] | None:
    """Return the interval of the area, a weighted mean of the gains at each n."""
    stacks = _complete(pretrained, scratch)
    if stacks is None:
        return None
    weights = area(n, np.eye(len(n)))
    ours, theirs = (np.tensordot(weights, stack, 1) for stack in stacks)
    return estimate(ours, theirs, kept(folds, *pretrained, *scratch)).interval()


def worth_interval(
    n: Floats, at: int, pretrained: Floats, scratch: Floats, folds: Ints | None = None
) -> list[float | None] | str:
    """Return the 95 % interval of :func:`worth` at one n.

    It reaches over the numbers of patients at which training from scratch, read linearly between
    the measured n, cannot be told from pre-training at this n: the test of a gain, inverted. So
    it contains 0 exactly when the interval of the gain does.

    Args:
        n: Numbers of patients, ascending, ``(points,)``.
        at: Which of them.
        pretrained: Scores with pre-training at that n, higher is better, ``(seeds, subjects)``.
        scratch: Scores without, ``(points, seeds, subjects)``.
        folds: The fold of each subject; None without cross-validation.

    Returns:
        ``[low, high]``, an end None where no measured number of patients bounds it; or the reason
        why there is none.
    """
    stacks = _complete(pretrained[None], scratch)
    if stacks is None:
        return "fewer than two test subjects, or no seed, have all scores of the curve"
    (ours,), theirs = stacks
    steps = np.arange(_STEPS * (len(n) - 1) + 1) / _STEPS
    places = np.interp(steps, np.arange(len(n)), n)
    parts = np.stack([np.interp(steps, np.arange(len(n)), one) for one in np.eye(len(n))], 1)
    curve = np.tensordot(parts, theirs, 1)
    own = kept(folds, pretrained, *scratch)
    found = estimate(np.broadcast_to(ours, (len(curve), *ours.shape)), curve, own)
    least, most = float(n[0] - n[at]), float(n[-1] - n[at])
    over, under = found.value - found.half_width(), found.value + found.half_width()
    too_few, too_many = over > 0, under < 0  # patients, for scratch to do as well
    low: float | None = most
    if not too_few.all():
        first = int(np.argmin(too_few))
        low = None if first == 0 else _crossing(places, over, first - 1) - n[at]
    high: float | None = least
    if not too_many.all():
        last = len(places) - 1 - int(np.argmin(too_many[::-1]))
        high = None if last == len(places) - 1 else _crossing(places, under, last) - n[at]
    return [None if bound is None else float(bound) for bound in (low, high)]


def _crossing(places: Floats, values: Floats, before: int) -> float:
    """Return where values between one place and the next are 0."""
    a, b = values[before], values[before + 1]
    return float(places[before] + (places[before + 1] - places[before]) * a / (a - b))


def of_curve(curve: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a row is a point of a transfer curve."""
    return (
        named(row["regime"]).pretrains
        and row["generator"] == curve["generator"]
        and curve["segmenter"] in (None, row["segmenter"])
        and curve["cohort"] in (None, row["cohort"])
    )


def area(n: Floats, gain: Floats) -> Floats:
    """Return the area under each row of ``gain`` over ``n``, divided by the range of ``n``."""
    if len(n) == 1:
        return gain[:, 0]
    return np.trapezoid(gain, n, axis=1) / (n[-1] - n[0])


def worth(n: Floats, pretrained: Floats, scratch: Floats) -> Floats:
    """Return how many more patients training from scratch needs to do as well, at each n.

    The scratch curve is made monotone (its running maximum) and read linearly between points. At
    an n where it is above the pre-trained curve the answer is negative: patients that
    pre-training costs.

    Args:
        n: Numbers of patients, ascending, ``(points,)``.
        pretrained: Scores, higher is better, ``(..., points)``.
        scratch: The same without pre-training.

    Returns:
        ``(..., points)``; infinite where no measured n is enough, minus infinite where fewer
        patients than the smallest n would do.
    """
    best = np.maximum.accumulate(scratch, axis=-1)[..., None, :]
    wanted = pretrained[..., None]
    reached = best >= wanted
    after = reached.argmax(axis=-1)
    before = np.maximum(after - 1, 0)
    high = np.take_along_axis(best, after[..., None, :], -1)[..., 0, :]
    low = np.take_along_axis(best, before[..., None, :], -1)[..., 0, :]
    part = np.divide(pretrained - low, high - low, out=np.ones_like(high), where=high > low)
    needed = n[before] + part * (n[after] - n[before])
    needed = np.where(reached.any(axis=-1), needed, np.inf)
    return np.where(pretrained < best[..., 0, :1], -np.inf, needed) - n


def _limited(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
