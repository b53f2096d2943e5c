"""Lists the data of a spec: which subjects there are, how they are split, what they contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, cast

from vbench.engine.job import Job, identity
from vbench.engine.keys import digest
from vbench.errors import DataError, PluginError, VbenchError
from vbench.interfaces import DataSource
from vbench.records.plan import DataSummary
from vbench.records.training import PrepareInputs
from vbench.registry import Registry
from vbench.spec.check import build_params
from vbench.spec.data import where as key_of
from vbench.spec.labels import opened
from vbench.spec.model import Spec
from vbench.spec.split import Folds, Split
from vbench.types import CHANNELS, Subject


@dataclass(frozen=True)
class Subjects:
    """A data set as the plan sees it.

    Attributes:
        role: ``source``, ``target``, or the name of one of several targets.
        plugin: Name of the data source.
        parts: Subject names of ``train``, ``val`` and ``test``; with folds, all of them in
            ``test``, and nobody in the others.
        folds: The parts of each fold; empty without cross-validation.
        jobs: Each subject's ``prepare`` job.
        fingerprint: Digest over all subjects' content.
        params: Of the data source.
        people: Subject to person; empty when each subject is a different person.
        anatomy: By digest, the subject that has it; see :meth:`DataSource.anatomy`.
        subgroups: By column, the group of each test subject that has one; part of no job.
    """

    role: str
    plugin: str
    parts: Mapping[str, tuple[str, ...]]
    jobs: Mapping[str, Job]
    fingerprint: str
    params: Mapping[str, Any] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    anatomy: Mapping[str, str] = field(default_factory=dict)
    folds: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    subgroups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def fold(self, number: int) -> Subjects:
        """Return the data set as one fold sees it; itself without cross-validation."""
        return replace(self, parts=self.folds[number], folds=()) if self.folds else self

    def keys(self, part: str) -> list[str]:
        """Return the keys of the prepared volumes of a part, in its order."""
        return [self.jobs[subject].key for subject in self.parts[part]]

    def persons(self, part: str) -> list[list[str]]:
        """Return the keys of the prepared volumes of each person of a part, in its order."""
        found: dict[str, list[str]] = {}
        for subject in self.parts[part]:
            person = self.people.get(subject, subject)
            found.setdefault(person, []).append(self.jobs[subject].key)
        return list(found.values())

    def marks(self, subject: str) -> list[str]:
        """Return what a subject is known again by: its fingerprint, and digests of its files."""
        inputs = cast(PrepareInputs, self.jobs[subject].inputs)
        return [inputs.fingerprint, *(mark for mark, of in self.anatomy.items() if of == subject)]

    def person_of(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Return the persons whose prepared volumes these are; none where each has one subject."""
        if not self.people:
            return ()
        subjects = {job.key: subject for subject, job in self.jobs.items()}
        return tuple(self.people[subjects[key]] for key in keys)

    def summary(self) -> DataSummary:
        """Return what ``plan.json`` says of it."""
        return DataSummary(
            plugin=self.plugin,
            params=self.params,
            subjects=self.parts,
            fingerprint=self.fingerprint,
            groups=self.people or None,
            folds=self.folds or None,
            subgroups=self.subgroups or None,
        )


def role_of(name: str) -> str:
    """Return the role of a data set, by its name: ``source`` or ``target``."""
    return "source" if name == "source" else "target"


def read_subjects(spec: Spec, registry: Registry, role: str) -> Subjects:
    """List, split and fingerprint the subjects of a data set, and plan their preparation.

    Args:
        spec: The spec.
        registry: The plugins.
        role: The data set's name.

    Raises:
        DataError: When the folder or a file is wrong, or there are too few subjects.
    """
    from vbench.data.patches import check_fit, check_labelled

    table, where = spec.data.sets[role], key_of(spec.data, role)
    entry = registry.get("source", table.plugin)
    cls = cast(type[DataSource], entry.cls)
    params = build_params(
        cls.Params, {**cls.role_defaults.get(role_of(role), {}), **table.params}, where
    )
    labels = table.label_map
    channels = tuple(table.channels)
    source = opened(cls, params, labels, channels)
    with called(where, f"source '{table.plugin}'"):
        names = source.subjects(table.split.wanted)
    people = _people(source, names, table.group, where)
    parts, folds = _divide(names, table.split, spec.data.seed, people, where)
    # Only what is in a folder matters, not where it is; the fingerprint says what is in it.
    values = params.model_dump()
    placeless = {k: v for k, v in values.items() if not isinstance(v, PurePath)}
    extra = {"params": params.model_dump(mode="json")}
    jobs: dict[str, Job] = {}
    prints: dict[str, str] = {}
    shapes: dict[str, tuple[int, int, int]] = {}
    for subject in (name for part in parts.values() for name in part):
        with called(where, f"source '{table.plugin}', subject {subject}"):
            prints[subject] = source.fingerprint(subject)
            shape = source.shape_of(subject)
        if shape is not None:
            shapes[subject] = shape
        jobs[subject] = Job(
            label=f"{role} · {subject}",
            inputs=PrepareInputs(
                plugin=identity(entry),
                params=params.model_dump(mode="json", include=set(placeless)),
                subject=subject,
                fingerprint=prints[subject],
                normalise=spec.data.normalise,
                labels=labels,
                channels=None if channels == CHANNELS else channels,
            ),
            extra=extra,
            benchmark=spec.benchmark.name,
        )
    _refuse_twins(prints, where)
    with called(where, f"source '{table.plugin}'"):
        heads = {subject: source.anatomy(subject) for subject in prints}
    audited = spec.metrics.fidelity or spec.metrics.privacy or folds
    cut = [name for part in (parts if audited else ("train",)) for name in parts[part]]
    with called(where, f"source '{table.plugin}'"):
        check_fit(shapes, spec.patches.size)
        for loaded in _partly_labelled(source, cut):
            check_labelled(
                loaded,
                size=spec.patches.size,
                per_subject=spec.patches.per_subject,
                vessel_centred=spec.patches.vessel_centred,
            )
    return Subjects(
        role=role,
        plugin=table.plugin,
        parts=parts,
        jobs=jobs,
        fingerprint=digest(prints),
        params=params.model_dump(mode="json"),
        people={name: people[name] for name in jobs} if people else {},
        anatomy={
            head: name
            for fold in folds or (parts,)
            for head, name in _heads(heads, fold, where).items()
        },
        folds=folds,
        subgroups=_subgroups(source, table.subgroups, parts["test"], where),
    )


def _subgroups(
    source: DataSource, columns: Sequence[str], tested: Sequence[str], where: str
) -> dict[str, dict[str, str]]:
    """Return the group of each test subject, by column."""
    from vbench.data.columns import subgroups

    if not columns:
        return {}
    with called(f"{where}.subgroups", f"source '{source.name}'"):
        return subgroups(source, columns, tested)


def _divide(
    names: Sequence[str], split: Split | Folds, seed: int, people: Mapping[str, str], where: str
) -> tuple[dict[str, tuple[str, ...]], tuple[dict[str, tuple[str, ...]], ...]]:
    """Return the parts, and with cross-validation those of each fold."""
    from vbench.data.splits import fold_subjects, split_subjects

    try:
        if isinstance(split, Split):
            found = split_subjects(names, split.model_dump(), seed, people)
            return {"train": found.train, "val": found.val, "test": found.test}, ()
        several = fold_subjects(names, split.folds, split.val, seed, people or None)
    except DataError as error:
        key = f"{where}." if str(error).startswith("split") else f"{where}: "
        raise DataError(f"{key}{error}") from error
    folds = tuple({"train": f.train, "val": f.val, "test": f.test} for f in several)
    return {"train": (), "val": (), "test": tuple(s for f in several for s in f.test)}, folds


def _people(
    source: DataSource, names: Sequence[str], pattern: str | None, where: str
) -> dict[str, str]:
    """Return subject to person; empty when each subject is a different person."""
    from vbench.data.splits import group_by_pattern

    if pattern is None:
        with called(where, "group_of"):
            people = {name: source.group_of(name) for name in names}
        return people if len(set(people.values())) < len(people) else {}
    try:
        return group_by_pattern(names, pattern)
    except DataError as error:
        raise DataError(f"{where}.{error}") from error


def _partly_labelled(source: DataSource, names: Iterable[str]) -> Iterator[Subject]:
    """Load the subjects of a folder whose label has a value for what nobody labelled."""
    from vbench.data.folder import FolderSource

    if not isinstance(source, FolderSource):
        return
    for name in names:
        if source.files(name).ignore:
            try:
                subject = source.load(name)
            except DataError:
                continue  # its preparation says why
            yield subject


@contextmanager
def called(where: str, what: str) -> Iterator[None]:
    """Say which key of the spec has wrong data or a plugin that broke, in one line."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    except VbenchError:
        raise
    except Exception as error:
        raise PluginError(f"{where}: {what}: {type(error).__name__}: {error}") from error


def refuse_overlap(source: Subjects, target: Subjects) -> None:
    """Refuse a target that shares subjects with the source: transfer would test on what it saw.

    Raises:
        DataError: Naming the subject.
    """
    for head in source.anatomy.keys() & target.anatomy.keys():
        raise DataError(
            f"data.{target.role}: subject '{target.anatomy[head]}' has the same content as "
            f"'{source.anatomy[head]}' of data.source, or is the same head with different noise; "
            "the two sets must not share subjects (another seed, site or folder for one of them)"
        )


def _heads(
    heads: Mapping[str, list[str]], parts: Mapping[str, tuple[str, ...]], where: str
) -> dict[str, str]:
    """Return who has each head.

    Raises:
        DataError: When two parts of the split have the same one.
    """
    part_of = {subject: part for part, names in parts.items() for subject in names}
    owner: dict[str, str] = {}
    for subject, digests in heads.items():
        for head in digests:
            other = owner.setdefault(head, subject)
            # Made data often has one label with many noises: refused between sets, not within one.
            if part_of[other] != part_of[subject] and not head.startswith("label "):
                raise DataError(
                    f"{where}: '{other}' ({part_of[other]}) and '{subject}' "
                    f"({part_of[subject]}) have the same image; "
                    "remove one, or name both in the same part of the split"
                )
    return owner


def _refuse_twins(prints: Mapping[str, str], where: str) -> None:
    seen: dict[str, str] = {}
    for subject, fingerprint in prints.items():
        if fingerprint in seen:
            raise DataError(
                f"{where}: subjects '{seen[fingerprint]}' and '{subject}' have the same "
                "content; remove one, or it may be in training and test at once"
            )
        seen[fingerprint] = subject
