"""The budget's part in a result: the score of each arm by the steps of its segmenter.

A short training flatters a weak generator: what a segmenter has no time to learn from real patches
either is not missed. So arms are compared with the real arm of as many steps, and a ratio is worth
most where the real arm has levelled off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vbench.analysis.folder import Arm
from vbench.analysis.scores import MetricInfo
from vbench.regimes.planner import at_length

Rows = Mapping[str, Mapping[str, Any]]


def steps_curves(
    arms: Sequence[Arm], rows: Rows, metrics: Mapping[str, MetricInfo]
) -> list[dict[str, Any]]:
    """Return one entry per arm and metric with several numbers of steps.

    Its lists have an item for each number that has a score, ascending; see
    :class:`vbench.records.board.StepsCurve`. Steps are those in all, pre-training included.
    """
    series: dict[str, list[Mapping[str, Any]]] = {}
    for arm in arms:
        base = arm.name if arm.steps is None else arm.name.replace(at_length("", arm.steps), "")
        if rows[arm.name]["budget"]["steps"] is not None:
            series.setdefault(base, []).append(rows[arm.name])
    curves = []
    for base, found in series.items():
        if len(found) < 2:
            continue
        for metric in metrics:
            own = [row for row in found if row["metrics"][metric]["mean"] is not None]
            own.sort(key=lambda row: row["budget"]["steps"])
            if len(own) < 2:
                continue
            real = [row["versus"].get("real", {}).get(metric) or {} for row in own]
            curves.append(
                {
                    "base": base,
                    "regime": own[0]["regime"],
                    "metric": metric,
                    "steps": [row["budget"]["steps"] for row in own],
                    "arm": [row["arm"] for row in own],
                    "mean": [row["metrics"][metric]["mean"] for row in own],
                    "ci95": [row["metrics"][metric]["ci95"] for row in own],
                    "ratio": [entry.get("ratio") for entry in real],
                    "ratio_ci95": [entry.get("ratio_ci95") for entry in real],
                }
            )
    return curves
