"""What became of an arm's trials: how many ran to their end, were pruned, diverged or failed."""

from __future__ import annotations

from collections import Counter

from vbench.analysis.folder import Arm, Results
from vbench.records.stages import FitSegmenterResult


def trial_counts(results: Results, arm: Arm) -> dict[str, int]:
    """Count an arm's trials over its seeds.

    Returns:
        ``planned``, the same for every arm, and how many of them are ``ended``, ``pruned``,
        ``diverged``, ``skipped`` (out of time) and ``failed``; the rest is yet to run.
    """
    keys = [key for keys in arm.trials.values() for key in keys]
    counts = Counter(_fate(results, key) for key in keys)
    fates = ("ended", "pruned", "diverged", "skipped", "failed")
    return {"planned": len(keys), **{fate: counts[fate] for fate in fates}}


def _fate(results: Results, key: str) -> str:
    record = results.records.get(key)
    if record is None:
        return "pending"
    if record.status != "ok":
        return "failed"
    fit = record.result_as(FitSegmenterResult)
    if fit.pruned:
        return "pruned"
    if fit.diverged:
        return "diverged"
    return "skipped" if fit.skipped else "ended"
