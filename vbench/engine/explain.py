"""Says why a job is new: which of its inputs differ from the last time that it was done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from vbench.engine.job import Job
from vbench.engine.plan import Plan
from vbench.engine.store import Store
from vbench.records.job import JobRecord

_MISSING = object()


class Earlier:
    """The last record of each job, by its benchmark, stage and label."""

    def __init__(self, records: Iterable[JobRecord] = ()) -> None:
        """Take these records."""
        self._last: dict[tuple[str, str, str], JobRecord] = {}
        for record in records:
            self.add(record)

    def add(self, record: JobRecord) -> None:
        """Take one more record."""
        name = (record.benchmark, record.stage, record.label)
        if name not in self._last or (record.started or "") > (self._last[name].started or ""):
            self._last[name] = record

    def of(self, job: Job) -> JobRecord | None:
        """Return the last record of a job, whatever its inputs were; None when there is none."""
        return self._last.get((job.benchmark, job.stage, job.label))

    def all(self) -> Collection[JobRecord]:
        """Return the last records of all jobs."""
        return self._last.values()


def reasons(plan: Plan, store: Store, earlier: Earlier | None = None) -> dict[str, str]:
    """Return why each job of the plan that is not in the store is new, in a few words.

    Args:
        plan: The plan.
        store: What is done.
        earlier: What was done before; None: it is read from the store.
    """
    damaged = {key for key in plan.jobs if store.damage(key)}
    new = {key: job for key, job in plan.jobs.items() if key in damaged or not store.has(key)}
    if not new:
        return {}
    earlier = Earlier(store.records()) if earlier is None else earlier
    jobs: list[Job | JobRecord] = [*new.values(), *earlier.all()]
    known = {job.key: f"{job.stage} {job.label}" for job in jobs}
    return {
        key: "its record is damaged" if key in damaged else _why(job, earlier, known, store)
        for key, job in new.items()
    }


def _why(job: Job, earlier: Earlier, known: Mapping[str, str], store: Store) -> str:
    failure = store.failure(job.key)
    if failure is not None and failure.failure is not None:
        return f"failed last time: {failure.failure.message}"
    record = earlier.of(job)
    if record is None:
        return "first time"
    changes = list(_differences(record.inputs.to_json(), job.inputs.to_json(), "", known))
    return "; ".join(dict.fromkeys(changes)) or "an artifact is missing"


def _differences(old: Any, new: Any, path: str, known: Mapping[str, str]) -> Iterable[str]:
    """Yield what differs, in words: parameters by name, upstream jobs by theirs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted({*old, *new}):
            below = f"{path}.{name}" if path else name
            yield from _differences(old.get(name, _MISSING), new.get(name, _MISSING), below, known)
    elif isinstance(old, list) and isinstance(new, list) and _are_keys([*old, *new], known):
        names = [known[key] for key in new if key not in old and key in known]
        if names:
            yield f"upstream: {names[0]}" + (f" and {len(names) - 1} more" if names[1:] else "")
        elif old != new:
            yield f"{path}: other jobs"
    elif old != new:
        if isinstance(new, str) and new in known:
            yield f"upstream: {known[new]}"
        elif path.endswith("plugin.source"):
            yield "the plugin's source changed"
        elif path == "files":
            yield "the files that it reads changed"
        else:
            yield f"{path}: {_show(old)} → {_show(new)}"


def _are_keys(values: list[Any], known: Mapping[str, str]) -> bool:
    return (
        bool(values) and all(isinstance(v, str) for v in values) and any(v in known for v in values)
    )


def _show(value: Any) -> str:
    if value is _MISSING:
        return "(not there)"
    text = str(value)
    return text if len(text) <= 40 else text[:37] + "…"
