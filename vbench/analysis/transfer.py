"""The transfer curve: how much pre-training on synthetic patches helps, by number of patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.compare import paired_df
from vbench.analysis.folder import Arm
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import Floats, bootstrap_means, interval

Scores = Mapping[str, Mapping[str, ArmScores]]
Pair = tuple[int, ArmScores, ArmScores]


def transfer_curves(
    arms: Sequence[Arm], scores: Scores, metrics: Mapping[str, MetricInfo]
) -> list[dict[str, Any]]:
    """Return one entry a generator and metric, over the n that both curves have.

    Each has ``n``, ``pretrained`` and ``scratch`` (means), ``gain`` with ``gain_ci95`` at each n,
    ``area`` with ``area_ci95``: the area between the curves over the range of n, divided by that
    range, so the mean gain; and ``worth`` (see :func:`worth`) with ``worth_ci95``. Gains are
    positive when pre-training helps, whatever the metric's direction.
    """
    curves = []
    by_n = {
        a.n_subjects: a
        for a in arms
        if a.regime == "scratch" and a.control is None and a.n_subjects is not None
    }
    generators = dict.fromkeys(a.generator for a in arms if a.regime == "transfer")
    for generator in generators:
        pretrained = {
            a.n_subjects: a
            for a in arms
            if a.regime == "transfer" and a.generator == generator and a.n_subjects is not None
        }
        for info in metrics.values():
            if info.higher_is_better is None:
                continue
            pairs = [
                (n, scores[pretrained[n].name][info.name], scores[by_n[n].name][info.name])
                for n in sorted(pretrained)
                if n in by_n and by_n[n].cohort == pretrained[n].cohort
            ]
            pairs = [p for p in pairs if _any(p[1]) and _any(p[2])]
            if pairs:
                curves.append({"generator": generator, **_curve(pairs, info)})
    return curves


def _curve(pairs: Sequence[Pair], info: MetricInfo) -> dict[str, Any]:
    n = np.array([pair[0] for pair in pairs], float)
    sides = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    means = [np.array([np.nanmean(s.values) for s in side]) for side in sides]
    draws = [np.stack([bootstrap_means(s.values) for s in side], 1) for side in sides]
    df = [paired_df(a.values, b.values) for a, b in zip(*sides, strict=True)]
    gains = info.sign * (draws[0] - draws[1])
    worths = worth(n, info.sign * draws[0], info.sign * draws[1])
    gain = info.sign * (means[0] - means[1])
    between = float(area(n, gain[None])[0])
    point = worth(n, info.sign * means[0], info.sign * means[1])
    return {
        "metric": info.name,
        "n": [int(value) for value in n],
        "pretrained": means[0].tolist(),
        "scratch": means[1].tolist(),
        "gain": gain.tolist(),
        "gain_ci95": [
            interval(column, float(at), own)
            for column, at, own in zip(gains.T, gain, df, strict=True)
        ],
        "area": between,
        "area_ci95": interval(area(n, gains), between, min(df)),
        "worth": [_limited(value) for value in point],
        "worth_ci95": [
            _worth_interval(column, n[0] - at, n[-1] - at)
            for column, at in zip(worths.T, n, strict=True)
        ],
        "worth_limit": [int(n[-1] - value) for value in n],
    }


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


def _any(scores: ArmScores) -> bool:
    return bool(np.isfinite(scores.values).any())


def _limited(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _worth_interval(samples: Floats, least: float, most: float) -> list[float | None]:
    """Return an interval whose ends are within what was measured, None where they are open."""
    low, high = np.quantile(samples, [0.025, 0.975], method="nearest")
    return [_limited(min(low, most)), _limited(max(high, least))]
