"""The one reader of a benchmark folder: plan.json and records.jsonl as typed records.

The records are the truth: cases.csv is written from the same lines and is not read back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vbench.analysis.chosen import Chosen, Finished, Trial
from vbench.data.header import VOXEL
from vbench.data.pictures import unmeasured
from vbench.errors import StoreError
from vbench.files import parse_json, read_json
from vbench.records.job import JobRecord
from vbench.records.judging import EvaluateResult
from vbench.records.model import Inputs, Result
from vbench.records.parts import Repetition, repetition, seed_of
from vbench.records.plan import JobAbout, PlanFile, PlannedArm
from vbench.records.training import (
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    PrepareResult,
    SynthesiseInputs,
    SynthesiseResult,
)
from vbench.regimes import named

I_ = TypeVar("I_", bound=Inputs)
R = TypeVar("R", bound=Result)
T = TypeVar("T")


@dataclass(frozen=True)
class Arm:
    """One row of the comparison, as planned.

    Attributes:
        name: Such as ``transfer/wgan-gp-sn/n5``.
        regime: What its segmenter was trained on, such as ``transfer``.
        generator: The generator's name; None where there is none.
        n_subjects: Patients of the second data set; None outside of transfer and scratch.
        segmenter: The segmenter's name, the plugin's or what the spec calls it.
        cohort: Names the test subjects; arms of one cohort are scored on the same ones.
        evaluate: Key of the evaluate job by repetition: by seed or, with folds, by seed and fold.
        trials: Keys of the fit-segmenter jobs by repetition, in order of trial.
        audit: Key of the audit job by repetition; empty when there is none.
        attack: Likewise of the attack job.
        control: ``equal-steps`` for the control of transfer arms; None otherwise.
        dose: Synthetic patches as a multiple of the real ones; None without a dose curve.
        steps: Training length of the segmenter where it is not the spec's own; else None.
    """

    name: str
    regime: str
    generator: str | None
    n_subjects: int | None
    segmenter: str
    cohort: str
    evaluate: Mapping[Repetition, str]
    trials: Mapping[Repetition, tuple[str, ...]] = field(default_factory=dict)
    audit: Mapping[Repetition, str] = field(default_factory=dict)
    attack: Mapping[Repetition, str] = field(default_factory=dict)
    control: str | None = None
    dose: float | None = None
    steps: int | None = None

    @property
    def network(self) -> str | None:
        """Label of the segmenter that learns; None for a rule."""
        return self.segmenter if named(self.regime).learns else None

    @property
    def shares(self) -> bool:
        """Whether it stands for its generator: its patches are shown, audited and exported."""
        return named(self.regime).samples and self.steps is None


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
        folds: By cohort, the fold that tests each person; none without cross-validation.
        subgroups: By cohort and column, the group of each test subject that has one.
    """

    benchmark: str
    plan: PlanFile
    arms: tuple[Arm, ...]
    jobs: Mapping[str, JobAbout]
    records: Mapping[str, JobRecord]
    cohorts: Mapping[str, tuple[str, ...]]
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folds: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    subgroups: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @cached_property
    def measured(self) -> frozenset[bool]:
        """Whether volumes say how large a voxel is: of those that do, and of those that do not."""
        prepared = (self.finished(key) for key in self.records)
        units = {
            record.result_as(PrepareResult).unit
            for record in prepared
            if record is not None and record.stage == "prepare"
        }
        if VOXEL in units:
            return frozenset(unit != VOXEL for unit in units)
        # Of a version whose records did not say so, and before anything is prepared.
        sets = (data for data in self.plan.data.values() if data is not None)
        return frozenset(not unmeasured(data.params) for data in sets) or frozenset({True})

    def folds_of(self, cohort: str) -> npt.NDArray[np.int64] | None:
        """Return the fold of each person of a cohort; None without cross-validation."""
        found = self.folds.get(cohort)
        return np.array([found[p] for p in self.cohorts[cohort]]) if found else None

    def row_of(self, cohort: str, repetition: Repetition) -> Repetition:
        """Return what a repetition is one row of, in a table of scores: with folds, its seed."""
        return seed_of(repetition) if self.folds.get(cohort) else repetition

    def person(self, cohort: str, subject: str) -> str:
        """Return whose subject of a cohort it is."""
        return self.people.get(cohort, {}).get(subject, subject)

    def first_subject(self, cohort: str, person: str) -> str:
        """Return a person's first subject among the test subjects of a cohort."""
        own = (s for s, p in self.people.get(cohort, {}).items() if p == person)
        return next(own, person)

    def finished(self, key: str | None) -> JobRecord | None:
        """Return the record of a finished job; None when it failed or has not run."""
        record = self.records.get(key or "")
        return record if record is not None and record.status == "ok" else None

    def result(self, key: str | None, model: type[R]) -> R | None:
        """Return what a finished job found; None when it failed or has not run.

        Raises:
            StoreError: When it is a job of another stage.
        """
        record = self.finished(key)
        return None if record is None else record.result_as(model)

    def evaluated(self, arm: Arm, seed: Repetition) -> EvaluateResult | None:
        """Return an arm's scores with one seed; None when it has none."""
        return self.result(arm.evaluate.get(seed), EvaluateResult)

    def done(self, key: str | None, inputs: type[I_], result: type[R]) -> Finished[I_, R] | None:
        """Return a finished job with its parts by their types; None when there is none.

        Raises:
            StoreError: When it is a job of another stage.
        """
        record = self.finished(key)
        if record is None:
            return None
        return Finished(record, record.inputs_as(inputs), record.result_as(result))

    def trial(self, key: str | None) -> Trial | None:
        """Return a finished trial; None when it failed or has not run."""
        return self.done(key, FitSegmenterInputs, FitSegmenterResult)

    def chosen(self, arm: Arm, seed: Repetition) -> Chosen | None:
        """Return what an arm selected with one seed; None when it has not been evaluated."""
        evaluated = self.evaluated(arm, seed)
        if evaluated is None:
            return None
        trials = [trial for key in arm.trials.get(seed, ()) if (trial := self.trial(key))]
        trial = next((t for t in trials if t.result.trial == evaluated.trial), None)
        if trial is None:
            return None
        start = self.trial(trial.result.start)
        sampled = _samples(trial) or (_samples(start) if start is not None else None)
        samples = self.done(sampled, SynthesiseInputs, SynthesiseResult)
        fitted = samples.inputs.generator if samples is not None else None
        generator = self.done(fitted, FitGeneratorInputs, FitGeneratorResult)
        return Chosen(seed, evaluated, trial, start, samples, generator)

    def all_chosen(self, arm: Arm) -> Iterator[Chosen]:
        """Yield what an arm selected, for each seed that has been evaluated."""
        for seed in arm.evaluate:
            if (chosen := self.chosen(arm, seed)) is not None:
                yield chosen

    def needed_by(self, keys: Iterable[str], stage: str) -> Iterator[JobRecord]:
        """Yield the finished jobs of a stage that these jobs depend on, needed ones first."""
        for key in self.closure(keys):
            if (record := self.finished(key)) is not None and record.stage == stage:
                yield record

    def closure(self, keys: Iterable[str]) -> list[str]:
        """Return these jobs and all that they need, each once, needed ones first."""
        found: dict[str, None] = {}
        todo = [(key, False) for key in reversed(list(keys))]
        while todo:
            key, ready = todo.pop()
            if ready:
                found[key] = None
            elif key not in found:
                todo.append((key, True))
                about = self.jobs.get(key) or self.records.get(key)
                needs = about.needs if about is not None else ()
                todo.extend((need, False) for need in needs if need not in found)
        return list(found)


def _samples(trial: Trial) -> str | None:
    """Return the key of the samples that a trial learnt from; None without any."""
    fit, synthetic = trial.result, trial.inputs.synthetic
    if fit.samples is None and fit.checkpoint is not None and fit.checkpoint < len(synthetic):
        return synthetic[fit.checkpoint]  # of a version whose results did not name them
    return fit.samples


def read_results(folder: Path) -> Results:
    """Read ``<out>/<benchmark>/``.

    Raises:
        StoreError: When plan.json is missing or a file cannot be understood.
    """
    path = folder / "plan.json"
    try:
        content = read_json(path)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: missing; is this a benchmark's results folder?") from error
    except ValueError as error:
        raise StoreError(f"{path}: not JSON ({error}); run the benchmark again") from error
    plan = PlanFile.read(content, path)
    _check_plugins(plan, folder)
    people: dict[str, dict[str, str]] = {}
    cohorts: dict[str, tuple[str, ...]] = {}
    folds: dict[str, dict[str, int]] = {}
    for name, part in plan.data.items():
        if part is not None:
            test, groups = part.subjects["test"], part.groups or {}
            people[name] = {subject: groups[subject] for subject in test if subject in groups}
            cohorts[name] = tuple(dict.fromkeys(groups.get(subject, subject) for subject in test))
            folds[name] = {
                groups.get(subject, subject): number
                for number, fold in enumerate(part.folds or ())
                for subject in fold["test"]
            }
    return Results(
        benchmark=plan.benchmark,
        plan=plan,
        arms=tuple(pooled(_arm(planned, plan) for planned in plan.arms)),
        jobs={job.key: job for job in plan.jobs},
        records=merge_records(read_records(folder / "records.jsonl")),
        cohorts=cohorts,
        people=people,
        folds=folds,
        subgroups={n: part.subgroups for n, part in plan.data.items() if part and part.subgroups},
    )


def pooled(arms: Iterable[Arm]) -> list[Arm]:
    """Return the arms with all folds of one as one."""
    found: dict[str, Arm] = {}
    for arm in arms:
        before = found.setdefault(arm.name, arm)
        if before is not arm:
            found[arm.name] = replace(
                before,
                evaluate={**before.evaluate, **arm.evaluate},
                trials={**before.trials, **arm.trials},
                audit={**before.audit, **arm.audit},
                attack={**before.attack, **arm.attack},
            )
    return list(found.values())


def several_segmenters(arms: Iterable[Arm]) -> bool:
    """Whether arms differ in the segmenter that learns."""
    return len({arm.network for arm in arms} - {None}) > 1


def _check_plugins(plan: PlanFile, folder: Path) -> None:
    """Refuse results that bring code: reading those of others must not run any.

    Raises:
        StoreError: When a plugin file lies among the results, or wherever the reader happens to be.
    """
    ours = [Path(os.path.realpath(place)) for place in (folder, folder.parent / "store")]
    for name in plan.plugin_files:
        file = Path(os.path.realpath(name))
        if not Path(name).is_absolute() or any(file.is_relative_to(place) for place in ours):
            raise StoreError(
                f"{folder / 'plan.json'}: spec.plugins.paths: {name} comes with the results, which "
                "may be others'; if you trust the file, name it in a spec of yours"
            )


def read_records(path: Path) -> Iterator[JobRecord]:
    """Yield the lines of records.jsonl; a last line that was cut off in writing is left out.

    Raises:
        StoreError: When any other line is broken, or is no record of a known stage.
    """
    if not path.is_file():
        return
    # Not `splitlines`: a message in a record may hold other separators, such as U+2028.
    try:
        lines = path.read_text("utf-8").removesuffix("\n").split("\n")
    except ValueError as error:
        raise StoreError(f"{path}: not UTF-8 text ({error}); run the benchmark again") from error
    for number, line in enumerate(lines, start=1):
        try:
            value = parse_json(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise StoreError(f"{path}:{number}: not JSON ({error}); delete the line") from error
        yield JobRecord.read(value, f"{path}:{number}")


def merge_records(records: Iterable[JobRecord]) -> dict[str, JobRecord]:
    """Keep one record per key: a finished one before a failed one, then the later line."""
    merged: dict[str, JobRecord] = {}
    for record in records:
        before = merged.get(record.key)
        if before is None or before.status != "ok" or record.status == "ok":
            merged[record.key] = record
    return merged


def _second(plan: PlanFile) -> str:
    """Return the name of the only second data set; ``target`` where there is none."""
    return next((name for name in plan.data if name != "source"), "target")


def _repetitions(by_seed: Mapping[int, T] | None, fold: int | None) -> dict[Repetition, T]:
    """Return what is known by seed by repetition, in the order of the seeds."""
    return {repetition(seed, fold): value for seed, value in sorted((by_seed or {}).items())}


def _arm(planned: PlannedArm, plan: PlanFile) -> Arm:
    place = planned.cohort or _second(plan)
    source, target = plan.data.get("source"), plan.data.get(place)
    on_target = named(planned.regime).cohort == "target" and target is not None
    if source is not None and target is not None:
        same = (source.fingerprint, source.subjects) == (target.fingerprint, target.subjects)
        on_target = on_target and not same
    return Arm(
        name=planned.arm,
        regime=planned.regime,
        generator=planned.generator,
        n_subjects=planned.n_subjects,
        segmenter=planned.segmenter,
        cohort=place if on_target else "source",
        evaluate=_repetitions(planned.evaluate, planned.fold),
        trials=_repetitions(planned.trials, planned.fold),
        audit=_repetitions(planned.audit, planned.fold),
        attack=_repetitions(planned.attack, planned.fold),
        control=planned.control,
        dose=planned.dose,
        steps=planned.steps,
    )
