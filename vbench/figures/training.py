"""Training curves of generators and of the chosen segmenters.

What is measured in the same units shares a chart: names that share a word, such as
``critic_loss`` and ``generator_loss``. A Wasserstein estimate, a penalty and a gradient norm are
each drawn on their own scale.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import short_name
from vbench.analysis.scores import validation_metric
from vbench.colours import series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure
from vbench.records.parts import Repetition

#: Points of a training: ``step`` and what was measured there.
Curve = Sequence[Mapping[str, int | float]]
#: Points that a drawn curve keeps, at least and at most, and that all curves of a page share.
FEWEST, POINTS, SHARED = 20, 120, 30_000


def training(results: Results) -> list[Figure]:
    """Return the training curves of generators, then of each arm's chosen segmenter."""
    generators: dict[str, dict[Repetition, Curve]] = {}
    for arm in results.arms:
        for seed, curve in _generator_curves(results, arm).items():
            generators.setdefault(str(arm.generator), {}).setdefault(seed, curve)
    # Of many arms the curves are drawn with fewer points, or the page becomes too large to send.
    seeds = len(results.plan.seeds) or 1
    most = SHARED // (seeds * (2 * len(results.arms) + 2 * len(generators)) or 1)
    most = min(POINTS, max(FEWEST, most))
    figures = []
    for label, curves in generators.items():
        figures += _curves(list(curves.values()), label, most)
    return figures + [
        figure for arm in results.arms for figure in segmenter_curves(results, arm, most)
    ]


def segmenter_curves(results: Results, arm: Arm, most: int = POINTS) -> list[Figure]:
    """Return the validation scores and losses of an arm's chosen trials.

    Args:
        results: The benchmark.
        arm: The arm.
        most: Points that a curve keeps.
    """
    fits = {chosen.seed: chosen.trial.result for chosen in results.all_chosen(arm)}
    lines = [
        Line(f"seed {seed}", series_colour(i), points, mark=series_mark(i))
        for i, (seed, fit) in enumerate(fits.items())
        if (points := _points([v.model_dump() for v in fit.validation], "score", most))
    ]
    figures = []
    if any(len({step for step, _ in line.points}) > 1 for line in lines):
        title = f"{arm.name}: validation"
        figures.append(Figure(title, line_chart(lines, title, "step", validation_axis(results))))
    return figures + _curves([fit.curve for fit in fits.values()], arm.name, most)


def generator_curves(results: Results, arm: Arm) -> list[Figure]:
    """Return the training curves of an arm's generator."""
    return _curves(list(_generator_curves(results, arm).values()), str(arm.generator))


def validation_axis(results: Results) -> str:
    """Name the validation metric, which selects candidates and trials."""
    metric = validation_metric(results)
    return f"validation {short_name(metric)}" if metric else "validation score"


def _curves(curves: Sequence[Curve], label: str, most: int = POINTS) -> list[Figure]:
    names = dict.fromkeys(
        name
        for curve in curves
        for point in curve
        for name in point
        if name not in ("step", "seconds")
    )
    figures = []
    for words, members in alike(names).items():
        lines = [
            Line(name.replace("_", " "), series_colour(i), points)
            for i, name in enumerate(members)
            for curve in curves
            if (points := _points(curve, name, most))
        ]
        if lines:
            title = f"{label}: {words}"
            caption = "One line per seed." if len(curves) > 1 else ""
            figures.append(Figure(title, line_chart(lines, title, "step", words), caption))
    return figures


def alike(names: Iterable[str]) -> dict[str, list[str]]:
    """Put names together that share a word; the key is what they share, or the one name."""
    groups: list[tuple[set[str], list[str]]] = []
    for name in names:
        words = set(re.split(r"[_\W]+", name.lower()))
        for shared, members in groups:
            if shared & words:
                shared &= words
                members.append(name)
                break
        else:
            groups.append((words, [name]))
    named: dict[str, list[str]] = {}
    for shared, members in groups:
        order = [word for word in re.split(r"[_\W]+", members[0].lower()) if word in shared]
        named.setdefault(" ".join(order), []).extend(members)
    return named


def _points(curve: Curve, name: str, most: int = POINTS) -> list[tuple[float, float]]:
    found = [
        (float(point["step"]), float(point[name]))
        for point in curve
        if name in point and math.isfinite(point[name])
    ]
    if len(found) <= most:
        return found
    keep = np.unique(np.linspace(0, len(found) - 1, most).round().astype(int))
    return [found[i] for i in keep]


def _generator_curves(results: Results, arm: Arm) -> dict[Repetition, Curve]:
    """Return, by seed, the training curve of the generator that the chosen trial used."""
    return {
        chosen.seed: chosen.generator.result.curve
        for chosen in results.all_chosen(arm)
        if chosen.generator is not None
    }
