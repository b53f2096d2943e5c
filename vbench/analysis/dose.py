"""The dose curve: what more, or fewer, synthetic patches do, at equal steps of the segmenter.

A dose is a multiple of the number of real patches. Arms of one curve differ in nothing else: one
fit of the generator, one segmenter, as many optimiser steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.compare import versus
from vbench.analysis.folder import Arm, Results, several_segmenters
from vbench.analysis.layout import short_name
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import holm
from vbench.analysis.uncertainty import claim_of
from vbench.analysis.wording import number, span, with_segmenter

Scores = Mapping[str, Mapping[str, ArmScores]]
Rows = Mapping[str, Mapping[str, Any]]
#: What a curve's arms are trained on, by regime, for legends and tables.
TRAINED_ON = {"synthetic": "patches of {}", "mixed": "real patches and those of {}"}


def dose_curves(
    results: Results, rows: Rows, scores: Scores, metrics: Mapping[str, MetricInfo]
) -> list[dict[str, Any]]:
    """Return one entry per regime, generator, segmenter and metric that has several doses.

    Its lists have an item for each dose that has a score, ascending; see
    :class:`vbench.records.board.DoseCurve`. ``change`` is to dose 1, in the metric's unit; its p is
    corrected over the doses of the curve.
    """
    series: dict[tuple[str, str, str], list[Arm]] = {}
    several = several_segmenters(results.arms)
    for arm in results.arms:
        if arm.dose is not None and arm.generator is not None and arm.name in rows:
            series.setdefault((arm.regime, arm.generator, arm.segmenter), []).append(arm)
    curves = []
    for (regime, generator, segmenter), found in series.items():
        about = {
            "regime": regime,
            "generator": generator,
            "segmenter": segmenter if several else None,
        }
        arms = sorted(found, key=lambda arm: arm.dose or 0.0)
        for info in metrics.values():
            there = [a for a in arms if rows[a.name]["metrics"][info.name]["mean"] is not None]
            if len(there) > 1:
                curve = _curve(results, there, rows, scores, info)
                curves.append({**about, **curve})
    return curves


def _curve(
    results: Results, arms: Sequence[Arm], rows: Rows, scores: Scores, info: MetricInfo
) -> dict[str, Any]:
    own = [rows[arm.name] for arm in arms]
    summaries = [row["metrics"][info.name] for row in own]
    real = [row["versus"].get("real", {}).get(info.name) or {} for row in own]
    one = next((arm.name for arm in arms if arm.dose == 1), None)
    changes = [
        versus(scores[arm.name][info.name], scores[one][info.name], info)
        if one is not None and arm.name != one
        else None
        for arm in arms
    ]
    tested = [change for change in changes if change is not None]
    corrected = iter(holm([change["p_raw"] for change in tested]))
    return {
        "metric": info.name,
        "claim": claim_of(
            *(scores[arm.name][info.name].values for arm in arms),
            folds=scores[arms[0].name][info.name].folds,
        ),
        "dose": [arm.dose for arm in arms],
        "arm": [arm.name for arm in arms],
        "patches": [_patches(results, arm) for arm in arms],
        "mean": [entry["mean"] for entry in summaries],
        "ci95": [entry["ci95"] for entry in summaries],
        "ratio": [entry.get("ratio") for entry in real],
        "ratio_ci95": [entry.get("ratio_ci95") for entry in real],
        "change": [change and change["difference"] for change in changes],
        "change_ci95": [change and change["ci95"] for change in changes],
        "p": [None if change is None else float(next(corrected)) for change in changes],
    }


def _patches(results: Results, arm: Arm) -> int | None:
    """Return how many synthetic patches an arm had to draw from."""
    found = (chosen.samples for chosen in results.all_chosen(arm))
    return next((samples.inputs.n for samples in found if samples is not None), None)


def best_dose(curve: Mapping[str, Any], higher_is_better: bool) -> int:
    """Return the place of the best mean in a curve."""
    sign = 1 if higher_is_better else -1
    return int(np.argmax([sign * mean for mean in curve["mean"]]))


def trained_on(curve: Mapping[str, Any]) -> str:
    """Say what the arms of a curve are trained on and, of several segmenters, which."""
    text = TRAINED_ON.get(curve["regime"], curve["regime"] + " {}").format(curve["generator"])
    return with_segmenter(text, curve.get("segmenter"))


def dose_table(
    board: Mapping[str, Any], metrics: Iterable[str]
) -> tuple[list[str], list[list[str]]]:
    """Return the header, and a row for each dose of the curves of these metrics."""
    header = ["trained on", "metric", "dose", "patches", "mean", "/ real", "to dose 1", "p"]
    curves = [c for metric in metrics for c in board["dose"] if c["metric"] == metric]
    rows = [_cells(curve, place) for curve in curves for place in range(len(curve["dose"]))]
    return header, rows


def _cells(curve: Mapping[str, Any], place: int) -> list[str]:
    at = {name: value[place] for name, value in curve.items() if isinstance(value, list)}
    change, p = at["change"], at["p"]
    ratio = "" if at["ratio"] is None else number(at["ratio"], 3)
    return [
        trained_on(curve),
        short_name(curve["metric"]),
        f"{at['dose']:g}",
        "–" if at["patches"] is None else str(at["patches"]),
        f"{number(at['mean'])} {span(at['ci95'])}".strip(),
        f"{ratio} {span(at['ratio_ci95'], 3)}".strip(),
        "" if change is None else f"{change:+.3f} {span(at['change_ci95'], 3)}".strip(),
        "" if p is None else f"{p:.2g}",
    ]
