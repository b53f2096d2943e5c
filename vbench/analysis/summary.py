"""One arm and metric in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from vbench.analysis.scores import ArmScores
from vbench.analysis.stats import per_subject
from vbench.analysis.uncertainty import claim_of, mean_interval


def summary(table: ArmScores, low: float = -np.inf, high: float = np.inf) -> dict[str, Any]:
    """Summarise one arm and metric.

    ``mean`` is over all cases that have a value, a rule's value included; ``sd`` is between
    subjects, each averaged over its seeds; ``sd_seeds`` between the means of seeds; ``ci95`` is
    of the mean, over seeds and subjects, cut at ``low`` and ``high``; ``claim`` says whether it
    is about the method or, with one seed, about this trained network. A missing value is None.
    """
    values = table.values
    there = np.isfinite(values)
    subjects = per_subject(values)
    subjects = subjects[np.isfinite(subjects)]
    by_seed = [float(row[ok].mean()) for row, ok in zip(values, there, strict=True) if ok.any()]
    ci = mean_interval(values, table.folds)
    return {
        "mean": float(values[there].mean()) if there.any() else None,
        "sd": float(subjects.std(ddof=1)) if subjects.size > 1 else None,
        "sd_seeds": float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else None,
        "median": float(np.median(subjects)) if subjects.size else None,
        "ci95": ci and [float(bound) for bound in np.clip(ci, low, high)],
        "claim": claim_of(values, folds=table.folds),
        "n": int(there.sum()),
        "n_undefined": int(table.undefined.sum()),
        "n_failed": int((~there).sum()),
    }
