"""Merges the results of one benchmark from several folders, such as those of two machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vbench.analysis.folder import Arm, Results, merge_records, read_results
from vbench.analysis.leaderboard import leaderboard
from vbench.records.job import JobRecord
from vbench.records.plan import PlanFile
from vbench.regimes import named

#: Tables of a spec that do not change what an arm is.
_APART = (
    "benchmark",
    "generators",
    "segmenter",
    "segmenters",
    "regimes",
    "metrics",
    "audit",
    "compute",
    "limits",
    "plugins",
)


def merge_folders(folders: Sequence[Path]) -> dict[str, Any]:
    """Return the leaderboard over these folders of one benchmark, ``<out>/<benchmark>/`` each.

    Raises:
        StoreError: When a folder is not a benchmark's.
    """
    parts = [read_results(Path(folder)) for folder in folders]
    return leaderboard(merge_results(parts, [Path(folder).parent.name for folder in folders]))


def merge_results(parts: Sequence[Results], names: Sequence[str]) -> Results:
    """Merge results.

    Jobs of one key are one result, a finished one before a failed one. Arms of one name are one
    arm when data and settings are equal: their seeds are pooled. Else, or when both have
    a finished result of one seed under different keys (the code was not the same), both are shown
    and the later one is called ``<arm> @<folder>``. Test subjects are one cohort when names and
    data fingerprint are equal.

    Args:
        parts: What to merge; the first one takes precedence.
        names: What to call each part.
    """
    if len(parts) == 1:
        return parts[0]
    records = merge_records(record for part in parts for record in part.records.values())
    jobs = {key: job for part in reversed(parts) for key, job in part.jobs.items()}
    cohorts: dict[str, tuple[str, ...]] = {}
    cohort_of: dict[str, str] = {}
    people: dict[str, Mapping[str, str]] = {}
    folds: dict[str, Mapping[str, int]] = {}
    subgroups: dict[str, Mapping[str, Mapping[str, str]]] = {}
    arms: dict[str, Arm] = {}
    settings: dict[str, str] = {}
    for part, label in zip(parts, names, strict=True):
        for name, subjects in part.cohorts.items():
            identity = _identity(part, name)
            fresh = _free(name, label, cohorts)
            cohorts.setdefault(cohort_of.setdefault(identity, fresh), subjects)
            people.setdefault(cohort_of[identity], part.people.get(name, {}))
            folds.setdefault(cohort_of[identity], part.folds.get(name, {}))
            if name in part.subgroups:
                subgroups.setdefault(cohort_of[identity], part.subgroups[name])
        for arm in part.arms:
            moved = replace(arm, cohort=cohort_of[_identity(part, arm.cohort)])
            setting = _settings(part, arm)
            before = arms.get(arm.name)
            if before is None:
                arms[arm.name], settings[arm.name] = moved, setting
            elif setting == settings[arm.name] and (joint := _join(before, moved, records)):
                arms[arm.name] = joint
            else:
                name = _free(arm.name, label, arms)
                arms[name] = replace(moved, name=name)
    return Results(
        benchmark=parts[0].benchmark,
        plan=_plan(parts),
        arms=tuple(arms.values()),
        jobs=jobs,
        records=records,
        cohorts=cohorts,
        people=people,
        folds=folds,
        subgroups=subgroups,
    )


def _identity(part: Results, cohort: str) -> str:
    """Return what makes test subjects of two folders one cohort: content, names and folds."""
    data = part.plan.data[cohort]
    known = data.fingerprint if data is not None else ""
    return _text([known, part.cohorts[cohort], part.folds.get(cohort) or None])


def _join(first: Arm, second: Arm, records: Mapping[str, JobRecord]) -> Arm | None:
    """Pool the seeds of two arms; None when they disagree on one."""
    evaluate, trials = dict(first.evaluate), dict(first.trials)
    audit, attack = dict(first.audit), dict(first.attack)
    for seed, key in second.evaluate.items():
        mine = evaluate.get(seed, key)
        finished = [(r := records.get(k)) is not None and r.status == "ok" for k in (mine, key)]
        if mine != key and all(finished):
            return None
        if mine != key and not finished[1]:
            continue
        evaluate[seed] = key
        if seed in second.trials:
            trials[seed] = second.trials[seed]
        if seed in second.audit:
            audit[seed] = second.audit[seed]
        if seed in second.attack:
            attack[seed] = second.attack[seed]
    ordered = {seed: evaluate[seed] for seed in sorted(evaluate)}
    return replace(first, evaluate=ordered, trials=trials, audit=audit, attack=attack)


def _settings(part: Results, arm: Arm) -> str:
    """Return all that makes arms of one name the same experiment, seeds and code left out."""
    spec = part.plan.spec
    data = {
        name: [
            table.fingerprint,
            dict(table.subjects),
            table.groups and dict(table.groups),
            [dict(fold) for fold in table.folds or ()],
        ]
        for name, table in part.plan.data.items()
        if table is not None
    }
    generators = [
        use
        for use in spec.get("generators", ())
        if isinstance(use, dict) and (use.get("name") or use.get("plugin")) == arm.generator
    ]
    networks = spec.get("segmenters") or [spec.get("segmenter") or {}]
    segmenters = [
        {"plugin": use.get("plugin"), "params": use.get("params") or {}}
        for use in networks
        if arm.network is not None
        if len(networks) == 1 or (use.get("name") or use.get("plugin")) == arm.segmenter
    ]
    tables = [(spec.get("regimes") or {}).get(name) for name in named(arm.regime).params_of]
    params = [
        (table.get("params") or None) if isinstance(table, dict) else None for table in tables
    ]
    rest = {name: table for name, table in spec.items() if name not in (*_APART, "data")}
    tune = {k: v for k, v in (rest.get("tune") or {}).items() if k != "storage"}
    return _text([data, generators, segmenters, params, {**rest, "tune": tune}])


def _plan(parts: Sequence[Results]) -> PlanFile:
    """Return the first plan, with the metrics of all."""
    spec = dict(parts[0].plan.spec)
    lists = [part.plan.spec.get("metrics", {}).get("segmentation", []) for part in parts]
    merged = {_text(metric): metric for metrics in lists for metric in metrics}
    spec["metrics"] = {**spec.get("metrics", {}), "segmentation": list(merged.values())}
    known = {k: v for part in reversed(parts) for k, v in part.plan.metrics.items()}
    return parts[0].plan.model_copy(update={"spec": spec, "metrics": known})


def _free(name: str, label: str, taken: dict[str, Any]) -> str:
    """Return a name that is not taken: as it is, with the folder, with a count."""
    if name not in taken:
        return name
    tried = f"{name} @{label}"
    count = 2
    while tried in taken:
        tried = f"{name} @{label} {count}"
        count += 1
    return tried


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
