"""What may be said of a transfer arm's gain.

Pre-training is more training. Its gain over ``scratch`` (as many steps on the same patients) is
pre-training's only when it also holds against the control (as many steps in all).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vbench.analysis.scores import MetricInfo
from vbench.analysis.transfer import of_curve
from vbench.analysis.uncertainty import ALPHA


def add_controls(
    curves: Sequence[dict[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, MetricInfo],
) -> None:
    """Add ``control`` to each transfer curve: at each n the gain over equal training.

    An entry has ``arm``, ``gain`` (positive when pre-training helps), ``ci95`` and ``p``; it is
    None where the control was not planned or has no score.
    """
    for curve in curves:
        name, sign = curve["metric"], metrics[curve["metric"]].sign
        by_n = {
            row["n_subjects"]: row["versus"].get("control", {}).get(name)
            for row in rows.values()
            if of_curve(curve, row)
        }
        curve["control"] = [_entry(by_n.get(n), sign) for n in curve["n"]]


def _entry(against: Mapping[str, Any] | None, sign: float) -> dict[str, Any] | None:
    if against is None:
        return None
    ci = against["ci95"]
    return {
        "arm": against["arm"],
        "gain": sign * against["difference"],
        "ci95": ci and sorted(sign * bound for bound in ci),
        "p": against["p"],
    }


def more_than_training(entry: Mapping[str, Any] | None) -> bool:
    """Whether a gain also holds against equal training: only then is it pre-training's."""
    return entry is not None and _stands(entry) and entry["gain"] > 0


def explained(entry: Mapping[str, Any] | None) -> str:
    """Say what equal training leaves of a gain at one n."""
    if entry is None:
        return "whether longer training does as much by itself was not tested"
    if not _stands(entry):
        return "so no gain over longer training could be shown"
    if entry["gain"] > 0:
        return f"so pre-training does more than longer training (p = {entry['p']:.2g})"
    return f"so longer training does more than pre-training (p = {entry['p']:.2g})"


def _stands(entry: Mapping[str, Any]) -> bool:
    """Whether the comparison has the sign: p counts, and the interval leaves 0 out."""
    ci = entry["ci95"]
    return ci is not None and bool(entry["p"] < ALPHA) and not ci[0] <= 0 <= ci[1]
