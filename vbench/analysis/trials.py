"""What became of an arm's trials: what each tried and reached, and which was chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import Cell, Section, short_name
from vbench.analysis.scores import validation_metric
from vbench.analysis.wording import number
from vbench.records.parts import Repetition
from vbench.records.training import FitSegmenterResult


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


def trial_sections(results: Results) -> Iterator[Section]:
    """Lay the trials of each arm that has several out: what each tried and reached, a line each."""
    metric = short_name(validation_metric(results) or "score")
    for arm in results.arms:
        if max(map(len, arm.trials.values()), default=0) < 2:
            continue
        fits = {
            key: record.result_as(FitSegmenterResult)
            for keys in arm.trials.values()
            for key in keys
            if (record := results.finished(key)) is not None
        }
        axes = sorted({axis for fit in fits.values() for axis in fit.tuned})
        lines = [
            _line(results, arm, seed, place, key, fits.get(key), axes)
            for seed, keys in arm.trials.items()
            for place, key in enumerate(keys)
        ]
        header = ("seed and trial", "outcome", f"validation {metric}", "threshold", *axes)
        yield Section(f"{arm.name}: what was tried", header, tuple(lines))


def _line(
    results: Results,
    arm: Arm,
    seed: Repetition,
    place: int,
    key: str,
    fit: FitSegmenterResult | None,
    axes: list[str],
) -> tuple[Cell, ...]:
    evaluated = results.evaluated(arm, seed)
    trial = place if fit is None else fit.trial
    chosen = fit is not None and evaluated is not None and evaluated.trial == trial
    score = "" if fit is None or fit.score is None else number(fit.score)
    threshold = "" if fit is None or fit.threshold is None else number(fit.threshold)
    values = [_value(fit.tuned.get(axis)) if fit is not None else "" for axis in axes]
    return (
        Cell(f"{seed} · {trial}"),
        Cell("chosen" if chosen else _fate(results, key), best=chosen),
        Cell(score, best=chosen),
        Cell(threshold),
        *map(Cell, values),
    )


def _value(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
