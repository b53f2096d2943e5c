"""Collects an arm's scores as arrays, and says what became of the arm: ok, failed, pending."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.analysis.folder import Arm, Results
from vbench.analysis.stats import Floats, Ints
from vbench.data.pictures import in_pixels
from vbench.records.job import Failure, JobRecord
from vbench.records.judging import Case
from vbench.records.parts import Repetition


@dataclass(frozen=True)
class MetricInfo:
    """How to read a metric.

    Attributes:
        name: Such as ``hd95``.
        id: The versioned name, ``hd95@1``.
        unit: ``""`` for a pure number.
        higher_is_better: The direction; None when it has none.
    """

    name: str
    id: str
    unit: str
    higher_is_better: bool | None

    @property
    def sign(self) -> float:
        """1 when higher is better (or there is no direction), -1 when lower is."""
        return -1.0 if self.higher_is_better is False else 1.0


@dataclass(frozen=True)
class ArmScores:
    """One arm's values of one metric.

    Attributes:
        values: ``(seeds, subjects)``, NaN where the case failed.
        undefined: ``(seeds, subjects)``, True where a rule stood in for a value.
        seeds: The rows.
        subjects: The columns, the cohort's test subjects.
        folds: The fold that tested each subject, ``(subjects,)``; None without cross-validation.
    """

    values: Floats
    undefined: Any
    seeds: tuple[Repetition, ...]
    subjects: tuple[str, ...]
    folds: Ints | None = None

    def of(self, kept: npt.NDArray[np.bool_]) -> ArmScores:
        """Return the scores of some subjects: those where ``kept``, ``(subjects,)``, is True."""
        return replace(
            self,
            values=self.values[:, kept],
            undefined=self.undefined[:, kept],
            subjects=tuple(s for s, one in zip(self.subjects, kept, strict=True) if one),
            folds=None if self.folds is None else self.folds[kept],
        )


@dataclass(frozen=True)
class Outcome:
    """What became of an arm.

    Attributes:
        status: ``ok`` when every seed has been scored, ``failed`` when one failed, else
            ``pending``.
        finished: Repetitions that were scored.
        failed: Repetitions that failed.
        failure: Of the first that failed, or whose audit did: ``seed``, ``stage``, ``label``,
            ``reason``, ``message``, ``traceback``, ``seconds``.
    """

    status: str
    finished: tuple[Repetition, ...]
    failed: tuple[Repetition, ...]
    failure: dict[str, Any] | None


def outcome(results: Results, arm: Arm) -> Outcome:
    """Say what became of an arm."""
    finished, failed = [], []
    failure: dict[str, Any] | None = None
    for seed, key in arm.evaluate.items():
        record = results.records.get(key)
        if record is not None and record.status == "ok":
            finished.append(seed)
            continue
        cause = _cause(results, arm, seed)
        if record is not None or cause is not None:
            failed.append(seed)
            failure = failure or _describe(cause or record, seed)
    # The scores are complete; a failed audit is reported.
    for seed, key in (*arm.audit.items(), *arm.attack.items()):
        record = results.records.get(key)
        if record is not None and record.status == "failed":
            failure = failure or _describe(record, seed)
    if failed:
        status = "failed"
    else:
        status = "ok" if finished and len(finished) == len(arm.evaluate) else "pending"
    return Outcome(status, tuple(finished), tuple(failed), failure)


def _cause(results: Results, arm: Arm, seed: Repetition) -> JobRecord | None:
    """Return the record that the failure started from; None when nothing that matters failed.

    A failed trial fails the arm only when all of them did.
    """
    trials = arm.trials.get(seed, ())
    failures = [
        record
        for key in results.closure([arm.evaluate[seed]])
        if (record := results.records.get(key)) is not None and record.status == "failed"
    ]
    failed_trials = [record for record in failures if record.key in trials]
    if len(failed_trials) < len(trials):
        failures = [record for record in failures if record.key not in trials]
    causes = [r for r in failures if r.failure is None or r.failure.reason != "upstream"]
    found = causes or failures
    return found[0] if found else None


def _describe(record: JobRecord | None, seed: Repetition) -> dict[str, Any] | None:
    if record is None:
        return None
    failure = record.failure or Failure(reason="error", message="", seconds=record.seconds)
    return {
        "seed": seed,
        "stage": record.stage,
        "label": record.label,
        "reason": failure.reason,
        "message": failure.message,
        "traceback": failure.traceback,
        "seconds": failure.seconds,
    }


def arm_scores(
    results: Results,
    arm: Arm,
    metrics: Iterable[str],
    label: str | None = None,
    only: Collection[str] | None = None,
) -> dict[str, ArmScores]:
    """Return an arm's scores by metric; a failed seed is a row of NaN, a pending one no row.

    A person with several subjects counts once, by their mean. The folds of a seed are one row, once
    all have ended: each person is tested in one of them.

    Args:
        results: What was read.
        arm: The arm.
        metrics: Names.
        label: A class; None: over all classes. A subject without the class is NaN.
        only: Subjects that count; None: all.
    """
    subjects = results.cohorts[arm.cohort]
    column = {subject: i for i, subject in enumerate(subjects)}
    seeds = scored(results, arm, outcome(results, arm))
    shape = (len(seeds), len(subjects))
    tables = {m: (np.full(shape, np.nan), np.zeros(shape, bool)) for m in metrics}
    found: dict[tuple[str, int, int], list[float]] = {}
    for seed in arm.evaluate:
        place = results.row_of(arm.cohort, seed)
        if place not in seeds:
            continue
        row = seeds.index(place)
        for case in _cases(results, arm, seed):
            if only is not None and case.subject not in only:
                continue
            person = results.person(arm.cohort, case.subject)
            if case.metric not in tables or person not in column or case.label != label:
                continue
            at = row, column[person]
            tables[case.metric][1][at] |= case.status == "undefined"
            value = np.nan if case.status == "failed" or case.value is None else case.value
            found.setdefault((case.metric, *at), []).append(value)
    for (metric, row, column_of), several in found.items():
        tables[metric][0][row, column_of] = np.mean(several)
    folds = results.folds_of(arm.cohort)
    return {m: ArmScores(v, u, seeds, subjects, folds) for m, (v, u) in tables.items()}


def scored(
    results: Results, arm: Arm, gone: Outcome, of: Sequence[Repetition] | None = None
) -> tuple[Repetition, ...]:
    """Return the rows of an arm's scores: seeds of which every fold has ended.

    Args:
        results: The benchmark's.
        arm: The arm.
        gone: What became of it.
        of: Repetitions that must all be among these; None: that finished or failed.
    """
    ended = (*gone.finished, *gone.failed) if of is None else of
    rows: dict[Repetition, bool] = {}
    for repetition in arm.evaluate:
        row = results.row_of(arm.cohort, repetition)
        rows[row] = rows.get(row, True) and repetition in ended
    return tuple(row for row, all_ended in rows.items() if all_ended)


def segmentation_metrics(results: Results) -> list[str]:
    """Name the metrics: those of the spec in its order, then any other that was recorded."""
    spec = results.plan.spec.get("metrics", {})
    names = dict.fromkeys(_name(entry) for entry in spec.get("segmentation", ()))
    for arm in results.arms:
        for seed in arm.evaluate:
            for case in _cases(results, arm, seed):
                names.setdefault(case.metric)
    return list(names)


def validation_metric(results: Results) -> str | None:
    """Name the metric that trials are validated by; None where the plan does not say."""
    entry = (results.plan.spec.get("tune") or {}).get("metric")
    return _name(entry) if entry else None


def _cases(results: Results, arm: Arm, seed: Repetition) -> tuple[Case, ...]:
    evaluated = results.evaluated(arm, seed)
    return evaluated.cases if evaluated is not None else ()


def _name(entry: Any) -> str:
    return str(entry.get("plugin", entry.get("name"))) if isinstance(entry, dict) else str(entry)


def metric_info(results: Results, name: str) -> MetricInfo:
    """Say how to read a metric: from the plan, else from the plugin when it is installed.

    Where the size of pixels is not known, a distance is in pixels, whatever the metric says.
    """
    planned = results.plan.metrics.get(name)
    if planned is not None:
        unit = _unit(results, planned.unit)
        return MetricInfo(name, planned.id, unit, planned.higher_is_better)
    cls = _plugin(results, name)
    if cls is None:
        # A folder from another machine may carry a metric whose plugin is not installed here:
        # nobody knows which direction is better.
        return MetricInfo(name, name, "", None)
    unit = _unit(results, cls.unit)
    return MetricInfo(name, f"{name}@{cls.version}", unit, cls.higher_is_better)


def _unit(results: Results, unit: str) -> str:
    """Return the unit of a metric on the data of a benchmark."""
    if results.measured == {True}:
        return unit
    drawn = in_pixels(unit)
    return drawn if results.measured == {False} or drawn == unit else f"{unit} or {drawn}"


def _plugin(results: Results, name: str) -> Any:
    """Return the metric's class; None when it is not installed."""
    from vbench import registry
    from vbench.errors import PluginError

    with suppress(PluginError):
        return registry.for_paths(results.plan.plugin_files).metric(name)
    with suppress(PluginError):
        return registry.default().metric(name)
    return None
