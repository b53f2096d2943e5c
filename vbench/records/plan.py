"""What ``plan.json`` says: the spec as resolved, the data, the arms and the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field, JsonValue, ValidationError, field_validator

from vbench.records.model import Record, first_fault
from vbench.records.parts import Key, Repetition, fold_of

PARTS = ("train", "val", "test")


class DataSummary(Record):
    """A data set of the benchmark.

    Attributes:
        plugin: Name of the data source.
        params: Its parameters.
        subjects: Names by part: ``train``, ``val``, ``test``.
        fingerprint: Digest over the content of all subjects.
        groups: Subject to person; None where each subject is a different person.
        folds: Names by part of each fold; None without cross-validation.
        subgroups: By column, the group of each test subject that has one; None where the spec
            names no column.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"groups", "folds", "subgroups"})

    plugin: str
    params: Mapping[str, JsonValue] = {}
    subjects: Mapping[str, tuple[str, ...]]
    fingerprint: str
    groups: Mapping[str, str] | None = None
    folds: tuple[Mapping[str, tuple[str, ...]], ...] | None = None
    subgroups: Mapping[str, Mapping[str, str]] | None = None

    def seen_by(self, repetition: Repetition) -> Mapping[str, tuple[str, ...]]:
        """Return the parts as a repetition has them: with folds, those of its fold."""
        fold = fold_of(repetition)
        return self.subjects if fold is None or self.folds is None else self.folds[fold]

    @property
    def counts(self) -> str:
        """How many subjects each part has, in words; of folds, the parts of each."""
        sizes = [
            ", ".join(f"{part} {len(names)}" for part, names in parts.items())
            for parts in self.folds or (self.subjects,)
        ]
        if self.folds is None:
            return sizes[0]
        several = " or ".join(dict.fromkeys(sizes))
        return f"{len(sizes)} folds of {len(self.subjects['test'])} subjects, each {several}"


class MetricAbout(Record):
    """A metric, so that a reader needs no plugin.

    Attributes:
        family: ``segmentation``, ``fidelity`` or ``privacy``.
        id: Name and version, such as ``dsc@1``.
        unit: Such as ``mm``; empty without one.
    """

    family: str
    id: str
    unit: str = ""
    higher_is_better: bool | None = True


class PlannedArm(Record):
    """One row of the comparison, as planned, with the keys of its jobs by seed.

    Attributes:
        cohort: The data set that it is tested on, where there are several targets; else None.
        fold: Its fold, from 0: the row is of all its folds. None without cross-validation.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"attack", "dose", "steps", "cohort", "fold"})

    arm: str
    regime: str
    generator: str | None = None
    n_subjects: int | None = None
    control: str | None = None
    dose: float | None = None
    steps: int | None = None
    segmenter: str = ""
    cohort: str | None = None
    fold: int | None = None
    evaluate: Mapping[int, Key] = {}
    trials: Mapping[int, tuple[Key, ...]] = {}
    audit: Mapping[int, Key] | None = None
    attack: Mapping[int, Key] | None = None


class JobAbout(Record):
    """A job of the plan; see :class:`vbench.records.job.JobRecord`."""

    key: Key
    stage: str
    label: str = ""
    method: str = ""
    arm: str | None = None
    seed: int | None = None
    trial: int | None = None
    needs: tuple[Key, ...] = ()


class _Metrics(BaseModel):
    segmentation: tuple[str | Mapping[str, JsonValue], ...] = ()


class _Plugins(BaseModel):
    paths: tuple[str, ...] = ()


class _Published(BaseModel):
    citation: str
    url: Annotated[str, Field(pattern=r"^$|^https?://")] = ""
    note: str = ""
    values: Mapping[str, Mapping[str, float]]


class _Target(BaseModel):
    name: str | None = None


class _Data(BaseModel):
    targets: tuple[_Target, ...] | None = None


class _SpecTables(BaseModel):
    """The shape of what readers of results take from a spec; all else of it is shown only."""

    benchmark: Mapping[str, JsonValue] | None = None
    data: _Data | None = None
    generators: tuple[Mapping[str, JsonValue], ...] = ()
    metrics: _Metrics = _Metrics()
    plugins: _Plugins | None = None
    reference: _Published | None = None
    regimes: Mapping[str, JsonValue] | None = None
    segmenter: Mapping[str, JsonValue] | None = None
    segmenters: tuple[Mapping[str, JsonValue], ...] | None = None
    tune: Mapping[str, JsonValue] | None = None


class PlanFile(Record):
    """``plan.json``.

    Attributes:
        spec: The spec as resolved, without passwords.
        data: ``source`` and, where there is one, ``target``.
        metrics: By name.
        arms: In the order of the spec.
        jobs: Each after those that it reads.
        provenance: Versions and machine.
    """

    benchmark: str
    vbench: str = ""
    spec: Mapping[str, Any] = {}
    data: Mapping[str, DataSummary | None]
    seeds: tuple[int, ...] = ()
    metrics: Mapping[str, MetricAbout] = {}
    arms: tuple[PlannedArm, ...] = ()
    jobs: tuple[JobAbout, ...] = ()
    provenance: Mapping[str, JsonValue] = {}

    @field_validator("spec")
    @classmethod
    def _readable(cls, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            _SpecTables.model_validate(spec)
        except ValidationError as error:
            raise ValueError(first_fault(error)) from error
        return spec

    @property
    def plugin_files(self) -> tuple[str, ...]:
        """The files of plugins that the spec names."""
        return tuple((self.spec.get("plugins") or {}).get("paths", ()))
