"""How near an arm's pre-training comes to its ceiling: pre-training on real patches of the source.

Two figures say it. The ratio of the scores is of the whole score, most of which a few patients give
by themselves. The share is of the gain: of what pre-training on real patches adds to training from
scratch for as many steps in all, what part does pre-training on this generator's patches add?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import Floats, Ints
from vbench.analysis.transfer import of_curve, together
from vbench.analysis.uncertainty import estimate, kept, ratio_interval, tables
from vbench.analysis.wording import number, span

Scores = Mapping[str, Mapping[str, ArmScores]]


def add_ceilings(
    curves: Sequence[dict[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
    scores: Scores,
    metrics: Mapping[str, MetricInfo],
) -> None:
    """Add ``ceiling`` to each transfer curve: at each n, how near its arm comes to it.

    An entry has ``arm`` and ``score`` (the ceiling's), ``ratio`` with ``ratio_ci95``, and
    ``share`` of the ceiling's gain over ``over`` with ``share_ci95``; see :func:`share`. It is None
    where no ceiling was planned or has no score, and on the curve of the ceiling itself.
    """
    for curve in curves:
        name, info = curve["metric"], metrics[curve["metric"]]
        by_n = {row["n_subjects"]: row for row in rows.values() if of_curve(curve, row)}
        curve["ceiling"] = [_entry(by_n[n], name, info, rows, scores) for n in curve["n"]]


def _entry(
    row: Mapping[str, Any],
    metric: str,
    info: MetricInfo,
    rows: Mapping[str, Mapping[str, Any]],
    scores: Scores,
) -> dict[str, Any] | None:
    against = row["versus"].get("ceiling", {}).get(metric)
    if against is None:
        return None
    found: dict[str, Any] = {
        "arm": against["arm"],
        "score": rows[against["arm"]]["metrics"][metric]["mean"],
        "ratio": against["ratio"],
        "ratio_ci95": against["ratio_ci95"],
        "over": None,
        "share": None,
        "share_ci95": None,
    }
    for reference in ("control", "scratch"):
        other = row["versus"].get(reference, {}).get(metric)
        if other is not None:
            names = row["arm"], against["arm"], other["arm"]
            sides = info.sign * together([scores[arm][metric] for arm in names])
            return {
                **found,
                "over": other["arm"],
                **share(*sides, folds=scores[row["arm"]][metric].folds),
            }
    return found


def share(
    arm: Floats, ceiling: Floats, scratch: Floats, *, folds: Ints | None = None
) -> dict[str, Any]:
    """Return which share of the ceiling's gain over scratch an arm's gain is.

    Args:
        arm: Scores of the same seeds, higher is better, ``(seeds, subjects)``, NaN where a case
            failed.
        ceiling: Likewise, pre-trained on real patches.
        scratch: Likewise, without pre-training.
        folds: The fold of each subject; None without cross-validation.

    Returns:
        ``share`` and its interval ``share_ci95`` (Fieller); both None where the ceiling's gain
        cannot be told from 0, or is a loss: there is nothing to have a share of.
    """
    nothing = {"share": None, "share_ci95": None}
    ours, top, base = tables(arm, ceiling, scratch)
    if ours.shape[1] < 2 or not len(ours) == len(top) == len(base) > 0:
        return nothing
    gain, most = ours - base, top - base
    own = kept(folds, arm, ceiling, scratch)
    ci = estimate(most, folds=own).interval()
    if ci[0] <= 0:
        return nothing
    interval = ratio_interval(estimate(gain, most, own), gain, most, own)
    if interval is None:
        return nothing
    return {"share": float(np.mean(gain) / np.mean(most)), "share_ci95": interval}


def reached(curve: Mapping[str, Any]) -> str:
    """Say how near a curve comes to the ceiling at each n; empty where there is none."""
    return "; ".join(
        f"{_reached(entry)} at n = {n}"
        for n, entry in zip(curve["n"], curve["ceiling"], strict=True)
        if entry is not None
    )


def _reached(entry: Mapping[str, Any]) -> str:
    ratio = f"{number(entry['ratio'], 3)} {span(entry['ratio_ci95'], 3)}".rstrip()
    text = f"{ratio} of the ceiling, {entry['arm']}"
    if entry["over"] is None:
        return text
    if entry["share"] is None:
        return f"{text} (which has itself no gain over {entry['over']} that could be shown)"
    low, high = (100 * bound for bound in entry["share_ci95"])
    return (
        f"{text}, and {100 * entry['share']:.0f} % [{low:.0f}, {high:.0f}] of its gain over "
        f"{entry['over']}"
    )
