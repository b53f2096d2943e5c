"""Checks a spec against the installed plugins, before anything is read or trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from vbench.errors import PluginError, SpecError
from vbench.interfaces import Fitted, Metric, Params
from vbench.registry import Entry, Registry
from vbench.spec.load import describe
from vbench.spec.model import PluginUse, Spec
from vbench.types import Kind, Setup

P = TypeVar("P", bound=Params)


def build_params(model: type[P], values: Mapping[str, Any], where: str) -> P:
    """Check a plugin's parameters and fill in the defaults.

    Args:
        model: The plugin's model.
        values: What the spec gives.
        where: The key path of the table, for messages.

    Raises:
        SpecError: With one line per fault.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SpecError("\n".join(describe(error, model, prefix=f"{where}."))) from error


def faults(spec: Spec, registry: Registry) -> list[str]:
    """Return one line for each fault of the spec's plugins and parameters."""
    found: list[str] = []
    for check in _checks(spec, registry):
        try:
            check()
        except SpecError as error:
            found.extend(str(error).splitlines())
    return found


def check_spec(spec: Spec, registry: Registry) -> None:
    """Raise when a plugin is missing or a parameter is wrong.

    Raises:
        SpecError: With one line per fault.
    """
    found = faults(spec, registry)
    if found:
        raise SpecError("\n".join(found))


def _entry(registry: Registry, kind: Kind, name: str, where: str) -> Entry:
    try:
        return registry.get(kind, name)
    except PluginError as error:
        raise SpecError(f"{where}: {error}") from error


def _checks(spec: Spec, registry: Registry) -> Iterator[Any]:
    """Yield the single checks; each raises its own SpecError, so that all faults are listed."""
    source = spec.data.source
    setup = Setup(
        size=tuple(spec.patches.size), labels=tuple(source.labels), channels=tuple(source.channels)
    )

    def data_set(role: str) -> None:
        table = getattr(spec.data, role)
        entry = _entry(registry, "source", table.plugin, f"data.{role}.plugin")
        build_params(entry.cls.Params, table.params, f"data.{role}")

    def canaries(use: PluginUse) -> None:
        entry = _entry(registry, "source", use.plugin, "audit.canary.plugin")
        build_params(entry.cls.Params, use.params, "audit.canary.params")

    def fitted(kind: Kind, use: PluginUse, where: str) -> None:
        entry = _entry(registry, kind, use.plugin, f"{where}.plugin")
        cls = cast(type[Fitted], entry.cls)
        params = build_params(cls.Params, use.params, f"{where}.params")
        if setup.ndim not in cls.ndims:
            takes = " or ".join(f"{n}D" for n in cls.ndims)
            raise SpecError(
                f"patches.size: {setup.ndim}D, but {kind} '{use.plugin}' takes {takes} patches"
            )
        try:
            cls.check(params, setup)
        except ValueError as error:
            raise SpecError(f"{where}.params: {kind} '{use.plugin}': {error}") from error

    def metric(family: str, use: PluginUse, where: str) -> None:
        entry = _entry(registry, "metric", use.plugin, where)
        if getattr(entry.cls, "family", None) != family:
            names = ", ".join(registry.metrics(family))
            raise SpecError(f"{where}: '{use.plugin}' is not a {family} metric; known: {names}")
        build_params(entry.cls.Params, use.params, f"{where}.params")

    def validation_metric(use: PluginUse) -> None:
        metric("segmentation", use, "tune.metric")
        if cast(type[Metric], registry.get("metric", use.plugin).cls).higher_is_better is None:
            raise SpecError(
                f"tune.metric: '{use.plugin}' has no direction (higher_is_better is None), so no "
                "trial is better than another by it; name another metric"
            )

    yield lambda: data_set("source")
    if spec.data.target is not None:
        yield lambda: data_set("target")
    if spec.audit is not None and spec.audit.canaries:
        yield lambda use=spec.audit.canary: canaries(use)
    for i, use in enumerate(spec.generators):
        yield lambda i=i, use=use: fitted("generator", use, f"generators.{i}")
    yield lambda: fitted("segmenter", spec.segmenter, "segmenter")
    for regime, table in spec.regimes.on():
        for where, use in regime.segmenters(table, spec.segmenter):
            yield lambda where=where, use=use: fitted("segmenter", use, where)
    yield lambda: validation_metric(spec.tune.validation_metric)
    for family in ("segmentation", "fidelity", "privacy"):
        for i, use in enumerate(spec.metrics.uses(family)):
            where = f"metrics.{family}.{i}"
            yield lambda family=family, use=use, where=where: metric(family, use, where)
