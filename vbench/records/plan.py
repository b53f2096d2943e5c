"""What ``plan.json`` says: the spec as resolved, the data, the arms and the jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from vbench.records.model import Record

PARTS = ("train", "val", "test")


class DataSummary(Record):
    """A data set of the benchmark.

    Attributes:
        plugin: Name of the data source.
        params: Its parameters.
        subjects: Names by part: ``train``, ``val``, ``test``.
        fingerprint: Digest over the content of all subjects.
        groups: Subject to person; None where each subject is a different person.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"groups"})

    plugin: str
    params: Mapping[str, JsonValue] = {}
    subjects: Mapping[str, tuple[str, ...]]
    fingerprint: str
    groups: Mapping[str, str] | None = None


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
    """One row of the comparison, as planned, with the keys of its jobs by seed."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"attack", "dose", "steps"})

    arm: str
    regime: str
    generator: str | None = None
    n_subjects: int | None = None
    control: str | None = None
    dose: float | None = None
    steps: int | None = None
    segmenter: str = ""
    evaluate: Mapping[int, str] = {}
    trials: Mapping[int, tuple[str, ...]] = {}
    audit: Mapping[int, str] | None = None
    attack: Mapping[int, str] | None = None


class JobAbout(Record):
    """A job of the plan; see :class:`vbench.records.job.JobRecord`."""

    key: str
    stage: str
    label: str = ""
    method: str = ""
    arm: str | None = None
    seed: int | None = None
    trial: int | None = None
    needs: tuple[str, ...] = ()


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
