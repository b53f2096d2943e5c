"""Training curves of generators and of the chosen segmenters.

What is measured in the same units shares a chart: names that share a word, such as
``critic_loss`` and ``generator_loss``. A Wasserstein estimate, a penalty and a gradient norm are
each drawn on a scale of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import short_name
from vbench.colours import series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure

#: Points that a drawn curve keeps.
POINTS = 120


def training(results: Results) -> list[Figure]:
    """Return the training curves of generators, then of each arm's chosen segmenter."""
    figures = []
    for label, records in _generator_fits(results).items():
        figures += _curves(records, label)
    return figures + [figure for arm in results.arms for figure in segmenter_curves(results, arm)]


def segmenter_curves(results: Results, arm: Arm) -> list[Figure]:
    """Return the validation scores and losses of an arm's chosen trials."""
    records = _chosen_fits(results, arm)
    lines = [
        Line(f"seed {seed}", series_colour(i), points, mark=series_mark(i))
        for i, (seed, record) in enumerate(records.items())
        if (points := _points(record["result"].get("validation") or (), "score"))
    ]
    figures = []
    if any(len({step for step, _ in line.points}) > 1 for line in lines):
        title = f"{arm.name}: validation"
        figures.append(Figure(title, line_chart(lines, title, "step", judged_by(results))))
    return figures + _curves(records, arm.name)


def generator_curves(results: Results, arm: Arm) -> list[Figure]:
    """Return the training curves of an arm's generator."""
    return _curves(_chosen_fits(results, arm, "fit-generator"), str(arm.generator))


def judged_by(results: Results) -> str:
    """Name the score that candidates and trials are judged by."""
    metric = (results.plan.get("spec", {}).get("tune") or {}).get("metric")
    return f"validation {short_name(metric)}" if metric else "validation score"


def _curves(records: Mapping[int, Mapping[str, Any]], label: str) -> list[Figure]:
    names = dict.fromkeys(
        name
        for record in records.values()
        for point in record["result"].get("curve") or ()
        for name in point
        if name not in ("step", "seconds")
    )
    figures = []
    for words, members in alike(names).items():
        lines = [
            Line(name.replace("_", " "), series_colour(i), points)
            for i, name in enumerate(members)
            for record in records.values()
            if (points := _points(record["result"].get("curve") or (), name))
        ]
        if lines:
            title = f"{label}: {words}"
            caption = "One line a seed." if len(records) > 1 else ""
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


def _points(curve: Sequence[Mapping[str, Any]], name: str) -> list[tuple[float, float]]:
    found = [
        (float(point["step"]), float(point[name]))
        for point in curve
        if isinstance(point.get(name), int | float) and math.isfinite(point[name])
    ]
    if len(found) <= POINTS:
        return found
    keep = np.unique(np.linspace(0, len(found) - 1, POINTS).round().astype(int))
    return [found[i] for i in keep]


def _generator_fits(results: Results) -> dict[str, dict[int, Mapping[str, Any]]]:
    fits: dict[str, dict[int, Mapping[str, Any]]] = {}
    for arm in results.arms:
        for seed, record in _chosen_fits(results, arm, "fit-generator").items():
            fits.setdefault(str(arm.generator), {}).setdefault(seed, record)
    return fits


def _chosen_fits(
    results: Results, arm: Arm, stage: str = "fit-segmenter"
) -> dict[int, Mapping[str, Any]]:
    """Return, by seed, the record of the fit that the chosen trial stands on."""
    found: dict[int, Mapping[str, Any]] = {}
    for seed, key in arm.evaluate.items():
        trial = (results.result(key) or {}).get("trial")
        for fit in arm.trials.get(seed, ()):
            if trial is None or (results.result(fit) or {}).get("trial") != trial:
                continue
            for needed in results.closure([fit]):
                record = results.records.get(needed)
                own = stage != "fit-segmenter" or needed == fit
                if record and record["status"] == "ok" and record["stage"] == stage and own:
                    found.setdefault(seed, record)
    return found
