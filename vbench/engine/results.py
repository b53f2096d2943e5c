"""The files that people and scripts read: plan.json, records.jsonl and cases.csv.

All are derived from the store and the plan; losing one loses nothing. ``records.jsonl`` grows while
a run goes on, and is written whole, in the plan's order, at its end; the others are written whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vbench._version import __version__
from vbench.audit.attacks import ATTACKS
from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.engine.provenance import provenance
from vbench.engine.store import Store
from vbench.errors import StoreError
from vbench.files import atomic_write, read_json, write_csv, write_json
from vbench.records.job import JobRecord
from vbench.records.judging import Case, EvaluateInputs, EvaluateResult
from vbench.records.plan import JobAbout, MetricAbout, PlanFile
from vbench.records.training import PrepareInputs
from vbench.usertext import without_password

COLUMNS = (
    "arm",
    "regime",
    "generator",
    "n_subjects",
    "seed",
    "subject",
    "metric",
    "value",
    "status",
)


def plan_file(plan: Plan) -> PlanFile:
    """Return ``plan.json`` without its provenance: the resolved spec, data, arms and jobs."""
    return PlanFile(
        benchmark=plan.spec.benchmark.name,
        vbench=__version__,
        spec=_told(plan.spec.model_dump(mode="json")),
        data={role: subjects.summary() for role, subjects in plan.data.items()},
        seeds=tuple(plan.spec.benchmark.seeds),
        metrics=_metrics(plan),
        arms=tuple(arm.planned() for arm in plan.arms),
        jobs=tuple(JobAbout(**job.about()) for job in plan.jobs.values()),
    )


def write_plan(planned: PlanFile, folder: Path) -> None:
    """Write ``plan.json`` with what it was planned on; one that says the same stays."""
    path = folder / "plan.json"
    try:
        old = PlanFile.read(read_json(path), path)
        if old.model_copy(update={"provenance": {}}) == planned:
            return
    except (OSError, ValueError, StoreError):
        pass
    write_json(path, planned.model_copy(update={"provenance": provenance()}).to_json())


def _told(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec as results tell it, for they are shared, and read from other folders.

    The password of the Optuna storage is left out, and plugin files have their whole paths.
    """
    spec["plugins"]["paths"] = [str(Path(path).absolute()) for path in spec["plugins"]["paths"]]
    tune = spec["tune"]
    if tune["storage"]:
        tune["storage"] = without_password(tune["storage"])
    return spec


def _metrics(plan: Plan) -> dict[str, MetricAbout]:
    """Describe the metrics, so that a reader needs no plugin: versioned id, unit, direction."""
    from vbench import registry

    plugins = registry.for_paths(tuple(plan.spec.plugins.paths))
    listed: dict[str, MetricAbout] = {}
    for family in ("segmentation", "fidelity", "privacy"):
        uses = plan.spec.metrics.uses(family)
        if family == "segmentation":
            uses = [*uses, plan.spec.tune.validation_metric]
        for use in uses:
            cls = plugins.metric(use.plugin)
            listed[use.plugin] = MetricAbout(
                family=family,
                id=f"{cls.name}@{cls.version}",
                unit=cls.unit,
                higher_is_better=cls.higher_is_better,
            )
    if plan.spec.audit is not None:
        for name, version in ATTACKS.items():
            listed[name] = MetricAbout(
                family="privacy", id=f"{name}@{version}", higher_is_better=False
            )
    return listed


def write_records(plan: Plan, store: Store, folder: Path) -> None:
    """Write ``records.jsonl``: one line per job that finished or failed, in the plan's order."""
    with atomic_write(folder / "records.jsonl") as path, path.open("w", encoding="utf-8") as file:
        for record in _records(plan, store):
            file.write(_line(record))


def append_record(job: Job, record: JobRecord, folder: Path) -> None:
    """Add a line to ``records.jsonl``, in one write; the last line of a key counts."""
    with (folder / "records.jsonl").open("ab", buffering=0) as file:
        file.write(_line(_ours(job, record)).encode())


def _line(record: JobRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False) + "\n"


def _records(plan: Plan, store: Store) -> Iterator[JobRecord]:
    for key, job in plan.jobs.items():
        record = store.record(key) if store.has(key) else store.failure(key)
        if record is not None:
            yield _ours(job, record)


def _ours(job: Job, record: JobRecord) -> JobRecord:
    """Return a record with this plan's names: a shared job's has those of who did it first."""
    ours = {"benchmark": job.benchmark, "arm": job.arm, "label": job.label}
    return record.model_copy(update=ours)


def write_cases(plan: Plan, store: Store, folder: Path) -> None:
    """Write ``cases.csv``: every score of every test subject; failed ones have no value.

    Where labels have several classes there is a last column, ``class``: empty for the score over
    all classes of a subject. The same results give the same bytes.
    """
    rows: list[tuple[Any, ...]] = []
    several = False
    for arm in plan.arms:
        n = "" if arm.n_subjects is None else arm.n_subjects
        for seed, key in arm.evaluate.items():
            head = (arm.name, arm.regime, arm.generator or "", n, seed)
            for case in _cases(plan, store, key):
                value = "" if case.value is None else repr(case.value)
                several |= case.label is not None
                label = case.label or ""
                rows.append((*head, case.subject, case.metric, value, case.status, label))
    columns = (*COLUMNS, "class")
    shown = len(columns) if several else len(COLUMNS)
    write_csv(folder / "cases.csv", [row[:shown] for row in (columns, *rows)])


def _cases(plan: Plan, store: Store, key: str) -> Iterator[Case]:
    """Yield the cases of an ``evaluate`` job; of a failed one, what it would have scored."""
    if store.has(key):
        yield from store.result(key, EvaluateResult).cases
        return
    if store.failure(key) is None:
        return
    inputs = plan.jobs[key].inputs_as(EvaluateInputs)
    for test in inputs.test:
        subject = plan.jobs[test].inputs_as(PrepareInputs).subject
        for metric in inputs.metrics:
            yield Case(subject=subject, metric=metric.plugin.name, value=None, status="failed")
