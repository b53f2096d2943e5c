"""Compares arms on the same test subjects: with ``real``, with the best, pre-trained with scratch.

The reported p is Holm-corrected over the table: over all arms that are compared with the same
arm (for pre-training: all n of one generator and segmenter) on one metric. Interval, ratio and p
come from one model (:mod:`vbench.analysis.uncertainty`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import Floats, Ints, holm, per_subject, rank_biserial, ranks_and_wins
from vbench.analysis.uncertainty import ALPHA, claim_of, estimate, kept, ratio_interval, tables
from vbench.regimes import REFERENCES, named

Scores = Mapping[str, Mapping[str, ArmScores]]
Rows = Mapping[str, dict[str, Any]]


def compare(
    rows: Rows, arms: Sequence[Arm], scores: Scores, metrics: Mapping[str, MetricInfo]
) -> None:
    """Fill ``versus``: the references of each arm's regime, ``best`` and ``bar``.

    The bar is the best baseline on the same test subjects; baselines are not compared with it.
    """
    for info in metrics.values():
        for name, reference in REFERENCES.items():
            families: dict[str, dict[str, str]] = {}
            for arm in arms:
                other = reference.of(arm, arms)
                if other is not None and name in named(arm.regime).compared_with:
                    family = other
                    if reference.per_subjects:
                        family = f"{arm.generator} {arm.segmenter}"
                    families.setdefault(family, {})[arm.name] = other
            for pairs in families.values():
                _family(rows, pairs, scores, info, name)
        for name, find in (("best", _best), ("bar", _bar)):
            by_other: dict[str, dict[str, str]] = {}
            for one, other in find(rows, arms, scores, info).items():
                by_other.setdefault(other, {})[one] = other
            for pairs in by_other.values():
                _family(rows, pairs, scores, info, name)


def _best(rows: Rows, arms: Sequence[Arm], scores: Scores, info: MetricInfo) -> dict[str, str]:
    """Name, for every arm but the best itself, the best arm of its cohort."""
    if info.higher_is_better is None:
        return {}
    pairs: dict[str, str] = {}
    for cohort in dict.fromkeys(arm.cohort for arm in arms):
        group = [
            arm.name for arm in arms if arm.cohort == cohort and rows[arm.name]["status"] == "ok"
        ]
        means = {name: rows[name]["metrics"][info.name]["mean"] for name in group}
        means = {name: info.sign * mean for name, mean in means.items() if mean is not None}
        if means:
            top = max(means, key=lambda name: means[name])
            pairs.update({name: top for name in means if name != top})
    return pairs


def _bar(rows: Rows, arms: Sequence[Arm], scores: Scores, info: MetricInfo) -> dict[str, str]:
    """Name, for every arm but the baselines, the best baseline of its cohort."""
    rules = [arm for arm in arms if not named(arm.regime).learns]
    found: dict[str, str] = {}
    for cohort in dict.fromkeys(arm.cohort for arm in rules):
        group = [arm for arm in rules if arm.cohort == cohort]
        below = _best(rows, group, scores, info)
        done = [arm.name for arm in group if rows[arm.name]["status"] == "ok"]
        top = next(iter(below.values()), done[0] if len(done) == 1 else None)
        if top is not None:
            others = [arm for arm in arms if arm.cohort == cohort and arm not in rules]
            found.update({arm.name: top for arm in others})
    return found


def _family(
    rows: Rows, pairs: Mapping[str, str], scores: Scores, info: MetricInfo, reference: str
) -> None:
    entries = {
        arm: entry
        for arm, other in pairs.items()
        if (entry := versus(scores[arm][info.name], scores[other][info.name], info)) is not None
    }
    corrected = holm([entry["p_raw"] for entry in entries.values()])
    for (arm, entry), p in zip(entries.items(), corrected, strict=True):
        rows[arm]["versus"].setdefault(reference, {})[info.name] = {
            "arm": pairs[arm],
            **entry,
            "p": p,
            "comparisons": len(entries),
        }


def versus(arm: ArmScores, other: ArmScores, info: MetricInfo) -> dict[str, Any] | None:
    """Compare two arms on the subjects that both have; None when they have none.

    Returns:
        ``difference`` (arm minus reference) and ``ci95``; ``ratio`` and ``ratio_ci95``, None when
        the reference is 0, or may be; ``p_raw``, below 0.05 exactly when ``ci95`` leaves 0 out;
        ``p_smallest``, 1 when nothing could be tested; ``claim``: ``methods``, or ``networks``
        when a side has one seed; ``effect``, the rank-biserial correlation, positive when the arm
        is the better one; ``n`` subjects and ``seeds`` of the side that has fewer.
    """
    ours, theirs = tables(arm.values, other.values)
    folds = kept(arm.folds, arm.values, other.values)
    n = ours.shape[1]
    if n == 0:
        return None
    mean, reference = float(ours.mean()), float(theirs.mean())
    nothing = {"ci95": None, "ratio_ci95": None, "p_raw": 1.0, "p_smallest": 1.0}
    return {
        "difference": mean - reference,
        "ratio": mean / reference if reference else None,
        **(nothing if n < 2 else _test(ours, theirs, folds)),
        "claim": claim_of(ours, theirs, folds=folds),
        "effect": rank_biserial(info.sign * (ours.mean(axis=0) - theirs.mean(axis=0))),
        "n": n,
        "seeds": min(len(ours), len(theirs)),
    }


def _test(ours: Floats, theirs: Floats, folds: Ints | None) -> dict[str, Any]:
    """Return p and intervals of a difference; no interval where it would say other than p."""
    difference = estimate(ours, theirs, folds)
    p, ci = float(difference.p()), difference.interval()
    agree = (p < ALPHA) != (ci[0] <= 0 <= ci[1])
    ratio = ratio_interval(difference, ours, theirs, folds) if agree else None
    if ratio is not None and min(ours.min(), theirs.min()) >= 0:
        ratio[0] = max(ratio[0], 0.0)
    return {"ci95": ci if agree else None, "ratio_ci95": ratio, "p_raw": p, "p_smallest": 0.0}


def mark_ranks(
    rows: Rows, arms: Sequence[Arm], scores: Scores, metrics: Mapping[str, MetricInfo]
) -> None:
    """Add ``rank``, ``tied``, ``like_best``, ``average_rank`` and ``win_rate`` to each metric.

    Among the finished arms of a cohort. ``rank`` is 1 for the best mean and shared by equal means
    (``tied``); ``like_best`` says that the interval of the difference from the best includes 0.
    """
    for info in metrics.values():
        if info.higher_is_better is None:
            continue
        for cohort in dict.fromkeys(arm.cohort for arm in arms):
            group = [
                arm.name
                for arm in arms
                if arm.cohort == cohort
                and rows[arm.name]["status"] == "ok"
                and rows[arm.name]["metrics"][info.name]["mean"] is not None
            ]
            _mark(rows, group, scores, info)


def _mark(rows: Rows, group: list[str], scores: Scores, info: MetricInfo) -> None:
    if not group:
        return
    entries = [rows[name]["metrics"][info.name] for name in group]
    # Means that agree to the 12th digit are equal: rounding must not break a tie.
    means = [float(f"{info.sign * entry['mean']:.12g}") for entry in entries]
    table = np.stack([info.sign * per_subject(scores[name][info.name].values) for name in group])
    table = table[:, np.isfinite(table).all(axis=0)]
    ranks, wins = ranks_and_wins(table) if table.shape[1] else (None, None)
    for i, (name, entry) in enumerate(zip(group, entries, strict=True)):
        entry["rank"] = 1 + sum(mean > means[i] for mean in means)
        entry["tied"] = means.count(means[i]) > 1
        against = rows[name]["versus"].get("best", {}).get(info.name)
        ci = against and against["ci95"]
        entry["like_best"] = against is None or (ci is not None and ci[0] <= 0 <= ci[1])
        entry["average_rank"] = None if ranks is None else float(ranks[i])
        several = wins is not None and len(group) > 1
        entry["win_rate"] = float(wins[i]) if several and wins is not None else None
