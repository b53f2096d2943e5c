"""Builds the leaderboard of a benchmark: a row per arm, with intervals and comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from vbench.analysis.audits import audit_summary
from vbench.analysis.budgets import arm_budget
from vbench.analysis.ceiling import add_ceilings
from vbench.analysis.classes import class_scores
from vbench.analysis.collapse import collapses
from vbench.analysis.compare import compare, mark_ranks
from vbench.analysis.controls import add_controls
from vbench.analysis.costs import arm_cost
from vbench.analysis.dose import dose_curves
from vbench.analysis.folder import Arm, Results, read_results
from vbench.analysis.remarks import remarks
from vbench.analysis.repeats import unrepeatable
from vbench.analysis.scores import (
    ArmScores,
    MetricInfo,
    Outcome,
    arm_scores,
    metric_info,
    outcome,
    scored,
    segmentation_metrics,
    validation_metric,
)
from vbench.analysis.stats import score_range
from vbench.analysis.steps import steps_curves
from vbench.analysis.subgroups import correct, groups_of, subgroup_scores
from vbench.analysis.summary import summary
from vbench.analysis.transfer import transfer_curves
from vbench.analysis.trials import trial_counts
from vbench.analysis.uncertainty import Claim
from vbench.analysis.unseen import unseen
from vbench.analysis.verdicts import arm_verdict
from vbench.records.board import Board


def build_leaderboard(folder: Path) -> dict[str, Any]:
    """Return the content of leaderboard.json for ``<out>/<benchmark>/``, finished or not.

    Raises:
        StoreError: When the folder is not a benchmark's.
    """
    return leaderboard(read_results(Path(folder)))


def write_leaderboard(folder: Path, results: Results | None = None) -> dict[str, Any]:
    """Write leaderboard.json, atomically, and return its content.

    Args:
        folder: ``<out>/<benchmark>/``.
        results: What was read from it; None: it is read here.
    """
    from vbench.files import write_json

    content = build_leaderboard(folder) if results is None else leaderboard(results)
    write_json(Path(folder) / "leaderboard.json", content)
    return content


def leaderboard(results: Results) -> dict[str, Any]:
    """Return the content of leaderboard.json of results, as :class:`vbench.records.board.Board`."""
    return typed_leaderboard(results).to_json()


def typed_leaderboard(results: Results) -> Board:
    """Return the leaderboard of results, which may have been merged from several folders."""
    names = segmentation_metrics(results)
    metrics = {name: metric_info(results, name) for name in names}
    primary = primary_metric(results, names)
    outcomes = {arm.name: outcome(results, arm) for arm in results.arms}
    scores = {arm.name: arm_scores(results, arm, names) for arm in results.arms}
    ranges = {
        name: score_range(
            np.concatenate([tables[name].values.ravel() for tables in scores.values()]),
            info.unit,
            info.higher_is_better,
        )
        for name, info in metrics.items()
    }
    rows = [
        _row(results, arm, outcomes[arm.name], scores[arm.name], ranges) for arm in results.arms
    ]
    by_arm = {row["arm"]: row for row in rows}
    compare(by_arm, results.arms, scores, metrics)
    mark_ranks(by_arm, results.arms, scores, metrics)
    correct(rows)
    own = {arm.name: by_arm[arm.name] for arm in results.arms if arm.steps is None}
    curves = transfer_curves([a for a in results.arms if a.name in own], scores, metrics)
    add_controls(curves, own, metrics)
    add_ceilings(curves, own, scores, metrics)
    content = {
        "benchmark": results.benchmark,
        "vbench": results.plan.vbench,
        "finished": all(row["status"] != "pending" for row in rows),
        "primary": primary,
        "claim": _claim(rows, results),
        "metrics": {name: _describe(info) for name, info in metrics.items()},
        "folds": {name: len(set(found.values())) for name, found in results.folds.items() if found}
        or None,
        "cohorts": {name: list(subjects) for name, subjects in results.cohorts.items()},
        "subgroups": groups_of(results),
        "rows": sorted(rows, key=lambda row: _order(row, primary, metrics, list(results.cohorts))),
        "transfer": curves,
        "dose": dose_curves(results, own, scores, metrics),
        "steps": steps_curves(results.arms, by_arm, metrics),
    }
    return Board.model_validate(content)


def primary_metric(results: Results, names: list[str]) -> str | None:
    """Name the metric that arms are ranked by: the tuned one, else the first."""
    tuned = validation_metric(results)
    return tuned if tuned in names else (names[0] if names else None)


def _claim(rows: list[dict[str, Any]], results: Results) -> Claim:
    """Say what the table is about: methods, or these networks when an arm has one training."""
    seeds = [
        row["seeds"] * (2 if results.folds.get(row["cohort"]) else 1)
        for row in rows
        if row["status"] == "ok"
    ]
    return "methods" if min(seeds, default=0) > 1 else "networks"


def _describe(info: MetricInfo) -> dict[str, Any]:
    return {"id": info.id, "unit": info.unit, "higher_is_better": info.higher_is_better}


def _row(
    results: Results,
    arm: Arm,
    gone: Outcome,
    scores: dict[str, ArmScores],
    ranges: dict[str, tuple[float, float]],
) -> dict[str, Any]:
    best = {seed: results.evaluated(arm, seed) for seed in gone.finished}
    seeds = len(scored(results, arm, gone, gone.finished))
    return {
        "arm": arm.name,
        "regime": arm.regime,
        "generator": arm.generator,
        "n_subjects": arm.n_subjects,
        "segmenter": arm.segmenter,
        "control": arm.control,
        "dose": arm.dose,
        "steps": arm.steps,
        "cohort": arm.cohort,
        "status": gone.status,
        "failure": gone.failure,
        "seeds": seeds,
        "seeds_failed": len({results.row_of(arm.cohort, seed) for seed in gone.failed}),
        "cases": seeds * len(results.cohorts[arm.cohort]),
        "trials": trial_counts(results, arm),
        "budget": arm_budget(results, arm),
        **arm_cost(results, arm),
        "metrics": {name: summary(table, *ranges[name]) for name, table in scores.items()},
        "classes": class_scores(results, arm, list(scores), ranges),
        "subgroups": subgroup_scores(results, arm, list(scores), ranges) or None,
        "versus": {},
        "best_params": {str(seed): dict(e.params) for seed, e in best.items() if e is not None},
        "collapsed": collapses(results, arm),
        "remarks": remarks(results, arm),
        "unseen": unseen(results, arm),
        "unrepeatable": unrepeatable(results, arm),
        **audit_summary(results, arm),
        **arm_verdict(results, arm),
    }


def _order(
    row: dict[str, Any],
    primary: str | None,
    metrics: dict[str, MetricInfo],
    cohorts: list[str],
) -> tuple[Any, ...]:
    """Finished arms before pending and failed ones; cohorts apart; the best first."""
    place = {"ok": 0, "pending": 1, "failed": 2}[row["status"]]
    mean = row["metrics"][primary]["mean"] if primary else None
    score = np.inf if mean is None or primary is None else -metrics[primary].sign * mean
    return place, cohorts.index(row["cohort"]), score, row["arm"]
