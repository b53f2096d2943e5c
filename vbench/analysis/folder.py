"""Reads a benchmark folder (plan.json and records.jsonl) into the arms and their finished jobs.

The records are the truth: cases.csv is written from the same lines and is not read back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vbench.errors import StoreError
from vbench.regimes import named

Record = dict[str, Any]


@dataclass(frozen=True)
class Arm:
    """One row of the comparison, as planned.

    Attributes:
        name: Such as ``transfer/wgan-gp-sn/n5``.
        regime: ``real``, ``synthetic``, ``transfer``, ``scratch``, ``mixed`` or ``baseline``.
        generator: The generator's name; None where there is none.
        n_subjects: Patients of the second data set; None outside of transfer and scratch.
        segmenter: The segmenter's name.
        cohort: Names the test subjects; arms of one cohort are scored on the same ones.
        evaluate: Key of the evaluate job by seed.
        trials: Keys of the fit-segmenter jobs by seed, in order of trial.
        audit: Key of the audit job by seed; empty when there is none.
        control: ``equal-steps`` for the control of transfer arms; None otherwise.
    """

    name: str
    regime: str
    generator: str | None
    n_subjects: int | None
    segmenter: str
    cohort: str
    evaluate: Mapping[int, str]
    trials: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    audit: Mapping[int, str] = field(default_factory=dict)
    control: str | None = None


@dataclass(frozen=True)
class Results:
    """A benchmark's plan and what has been run of it.

    Attributes:
        benchmark: Its name.
        plan: The content of plan.json.
        arms: In the plan's order.
        jobs: The plan's jobs by key.
        records: Records by key; a finished job's replaces a failed one's.
        cohorts: Test subjects by cohort; persons, where some have several subjects.
        people: By cohort, subject to person, where some have several.
    """

    benchmark: str
    plan: dict[str, Any]
    arms: tuple[Arm, ...]
    jobs: dict[str, dict[str, Any]]
    records: dict[str, Record]
    cohorts: dict[str, tuple[str, ...]]
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def person(self, cohort: str, subject: str) -> str:
        """Return whose subject of a cohort it is."""
        return self.people.get(cohort, {}).get(subject, subject)

    def first_subject(self, cohort: str, person: str) -> str:
        """Return a person's first subject among the test subjects of a cohort."""
        own = (s for s, p in self.people.get(cohort, {}).items() if p == person)
        return next(own, person)

    def result(self, key: str | None) -> dict[str, Any] | None:
        """Return what a finished job reported; None when it failed or has not run."""
        record = self.records.get(key or "")
        if record is None or record["status"] != "ok":
            return None
        return record["result"] or {}

    def closure(self, keys: Iterator[str] | list[str]) -> list[str]:
        """Return these jobs and all that they need, each once, needed ones first."""
        found: dict[str, None] = {}
        todo = [(key, False) for key in reversed(list(keys))]
        while todo:
            key, ready = todo.pop()
            if ready:
                found[key] = None
            elif key not in found:
                todo.append((key, True))
                needs = self.jobs.get(key) or self.records.get(key) or {}
                todo.extend((need, False) for need in needs.get("needs", ()) if need not in found)
        return list(found)


def read_results(folder: Path) -> Results:
    """Read ``<out>/<benchmark>/``.

    Raises:
        StoreError: When plan.json is missing or a file cannot be understood.
    """
    path = folder / "plan.json"
    try:
        plan = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise StoreError(f"{path}: missing; is this a benchmark's results folder?") from error
    except ValueError as error:
        raise StoreError(f"{path}: not JSON ({error}); run the benchmark again") from error
    records = merge_records(read_records(folder / "records.jsonl"))
    people: dict[str, dict[str, str]] = {}
    cohorts: dict[str, tuple[str, ...]] = {}
    for name, part in plan["data"].items():
        if part:
            test, groups = part["subjects"]["test"], part.get("groups", {})
            people[name] = {subject: groups[subject] for subject in test if subject in groups}
            cohorts[name] = tuple(dict.fromkeys(groups.get(subject, subject) for subject in test))
    arms = tuple(_arm(entry, plan) for entry in plan["arms"])
    jobs = {job["key"]: job for job in plan.get("jobs", ())}
    return Results(plan["benchmark"], plan, arms, jobs, records, cohorts, people)


def read_records(path: Path) -> Iterator[Record]:
    """Yield the lines of records.jsonl; a last line that was cut off in writing is left out.

    Raises:
        StoreError: When any other line is broken.
    """
    if not path.is_file():
        return
    lines = path.read_text("utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise StoreError(f"{path}:{number}: not JSON ({error}); delete the line") from error


def merge_records(records: Iterator[Record]) -> dict[str, Record]:
    """Keep one record a key: a finished one before a failed one, then the later line."""
    merged: dict[str, Record] = {}
    for record in records:
        before = merged.get(record["key"])
        if before is None or before["status"] != "ok" or record["status"] == "ok":
            merged[record["key"]] = record
    return merged


def _arm(entry: dict[str, Any], plan: dict[str, Any]) -> Arm:
    data = plan["data"]
    on_target = named(entry["regime"]).cohort == "target" and bool(data.get("target"))
    if on_target and all(
        data["target"][part] == data["source"][part] for part in ("fingerprint", "subjects")
    ):
        on_target = False
    return Arm(
        name=entry["arm"],
        regime=entry["regime"],
        generator=entry.get("generator"),
        n_subjects=entry.get("n_subjects"),
        segmenter=entry.get("segmenter", ""),
        cohort="target" if on_target else "source",
        evaluate=_by_seed(entry["evaluate"]),
        trials={seed: tuple(keys) for seed, keys in _by_seed(entry.get("trials")).items()},
        audit=_by_seed(entry.get("audit")),
        control=entry.get("control"),
    )


def _by_seed(table: Mapping[str, Any] | None) -> dict[int, Any]:
    return {int(seed): value for seed, value in sorted((table or {}).items()) if value}
