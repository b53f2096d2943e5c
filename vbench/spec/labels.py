"""The classes and channels of a spec: asked of the data set where it names them, and agreed on.

Everything that a benchmark trains shares one order of classes: that of the source.
"""

from __future__ import annotations

from typing import Any, cast

from vbench.errors import SpecError, VbenchError
from vbench.interfaces import Count, DataSource
from vbench.labels import LabelMap
from vbench.params import Params
from vbench.registry import Registry
from vbench.spec.data import DATASET, DataSet, where
from vbench.spec.model import Spec
from vbench.types import CHANNELS, LABELS, Kind, Setup


def with_classes(spec: Spec, registry: Registry) -> Spec:
    """Return the spec with the classes written out, those of the target in the source's order.

    Raises:
        SpecError: When a data set names none, or the two name others.
        DataError: When what names them cannot be read.
    """
    source = _asked(spec.data.source, registry, "data.source", "source")
    second = {}
    for name, table in spec.data.seconds.items():
        key = where(spec.data, name)
        second[name] = _in_order(_asked(table, registry, key, "target"), source, key)
        if table.channels != source.channels:
            raise SpecError(
                f"{key}.channels: {table.channels}, but data.source.channels is "
                f"{source.channels}; name the same ones in the same order"
            )
    data = spec.data.with_sets({"source": source, **second})
    return spec.model_copy(update={"data": data})


def setup_of(spec: Spec) -> Setup:
    """Return what the methods of a spec are built for, as far as the spec says it."""
    source = spec.data.source
    labels = LABELS if isinstance(source.labels, str) else _names(source)
    return Setup(tuple(spec.patches.size), labels=labels, channels=tuple(source.channels))


def open_source(cls: type[DataSource], params: Params, table: DataSet) -> DataSource:
    """Build a data source for the classes and channels that its table names."""
    return opened(cls, params, table.label_map, tuple(table.channels))


def opened(
    cls: type[DataSource], params: Params, labels: LabelMap | None, channels: tuple[str, ...]
) -> DataSource:
    """Build a data source for these classes (None: vessel or not) and channels."""
    source = cls(params)
    if labels is not None:
        source.label_map = labels
    if channels != CHANNELS:
        source.channel_names = channels
    return source


def check_source(cls: type[DataSource], table: DataSet, key: str, registry: Registry) -> None:
    """Refuse classes and channels that a data source does not have.

    Raises:
        SpecError: With those that have them.
    """
    if not cls.valued and (isinstance(table.labels, str) or len(_names(table)) > 1):
        names = _listed(registry, "source", lambda each: each.valued)
        raise SpecError(
            f"{key}.labels: source '{table.plugin}' gives one class; several are given by {names}"
        )
    if not takes(cls.channels, len(table.channels)):
        names = _listed(registry, "source", lambda each: takes(each.channels, 2))
        raise SpecError(
            f"{key}.channels: source '{table.plugin}' gives "
            f"{_many(cls.channels, 'channel')}, and {len(table.channels)} are named; several are "
            f"given by {names}"
        )


def check_counts(
    kind: Kind, plugin: str, cls: Any, setup: Setup, where: str, registry: Registry
) -> None:
    """Refuse a method or score that does not take as many classes or channels as a spec names.

    Raises:
        SpecError: With those of its kind which do.
    """
    family = getattr(cls, "family", None)
    for what, wanted, key in (
        ("classes", setup.classes, "labels"),
        ("channels", setup.contrasts, "channels"),
    ):
        if takes(_count(cls, what), wanted):
            continue
        names = _listed(
            registry,
            kind,
            lambda each, what=what, wanted=wanted: (
                getattr(each, "family", None) == family and takes(_count(each, what), wanted)
            ),
        )
        one = {"classes": "class", "channels": "channel"}[what]
        raise SpecError(
            f"{where}: {kind} '{plugin}' takes {_many(_count(cls, what), one)}, and "
            f"data.source.{key} names {wanted}; {'several are' if wanted > 1 else 'that is'} taken "
            f"by {names}"
        )


def takes(count: Count, wanted: int) -> bool:
    """Whether a plugin that takes ``count`` classes or channels takes this many."""
    return count == "any" or wanted <= count


def _count(cls: Any, what: str) -> Count:
    return cast(Count, getattr(cls, what, "any"))


def _many(count: Count, one: str) -> str:
    plural = {"class": "classes", "channel": "channels"}[one]
    return f"1 {one}" if count == 1 else f"at most {count} {plural}"


def _listed(registry: Registry, kind: Kind, fits: Any) -> str:
    names = sorted(e.cls.name for e in registry.entries() if e.cls.kind == kind and fits(e.cls))
    return ", ".join(names) or f"no {kind}"


def _names(table: DataSet) -> tuple[str, ...]:
    found = table.label_map
    return LABELS if found is None else found.names


def _asked(table: DataSet, registry: Registry, key: str, role: str) -> DataSet:
    if table.labels != DATASET:
        return table
    cls = registry.source(table.plugin)
    values = {**cls.role_defaults.get(role, {}), **table.params}
    try:
        known = cls(cls.Params.model_validate(values)).known_labels()
    except (VbenchError, ValueError) as error:
        if isinstance(error, VbenchError):
            raise
        raise SpecError(f"{key}: {error}") from error
    if known is None:
        raise SpecError(
            f"{key}.labels: '{DATASET}', but source '{table.plugin}' finds no names of "
            "classes there; write them, such as { artery = 1, vein = 2 }"
        )
    return table.model_copy(update={"labels": known.table})


def _in_order(target: DataSet, source: DataSet, key: str) -> DataSet:
    names = _names(source)
    if _names(target) == names:
        return target
    found = target.label_map or LabelMap.of(dict.fromkeys(LABELS, 1))
    try:
        ordered = found.ordered(names)
    except ValueError as error:
        raise SpecError(f"{key}.labels: {error}") from error
    return target.model_copy(update={"labels": ordered.table})
