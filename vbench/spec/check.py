"""Checks a spec against the installed plugins, before anything is read or trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from vbench.errors import PluginError, SpecError, VbenchError, did_you_mean
from vbench.interfaces import DataSource, Fitted, Metric, Params
from vbench.registry import Entry, Registry
from vbench.spec.data import where as key_of
from vbench.spec.faults import describe
from vbench.spec.labels import check_counts, check_source, setup_of, with_classes
from vbench.spec.model import PluginUse, Spec
from vbench.spec.space import own_ranges, without_ranges
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
    try:
        spec = with_classes(spec, registry)
    except VbenchError as error:
        found.extend(str(error).splitlines())
    for check in _checks(spec, registry):
        try:
            check()
        except SpecError as error:
            found.extend(str(error).splitlines())
    return list(dict.fromkeys(found))


def check_spec(spec: Spec, registry: Registry) -> None:
    """Raise when a plugin is missing or a parameter is wrong.

    Raises:
        SpecError: With one line per fault.
    """
    found = faults(spec, registry)
    if found:
        raise SpecError("\n".join(found))


def check_ranges(model: type[Params], values: Mapping[str, Any], where: str, trials: int) -> None:
    """Refuse ranges of the spec that cannot be searched.

    Raises:
        SpecError: With one line for the first fault.
    """
    named = without_ranges(model, values)
    for name, axis in own_ranges(model, values).items():
        key = f"{where}.{name}"
        tried = axis.get("choices", [axis.get("low"), axis.get("high")])
        if not tried:
            raise SpecError(f"{key}.choices: empty; list what may be tried")
        twice = [value for i, value in enumerate(tried) if value in tried[:i]]
        if "choices" in axis and twice:
            raise SpecError(f"{key}.choices: {twice[0]!r} is listed twice; take one out")
        for value in tried:
            build_params(model, {**named, name: value}, where)
        if "choices" not in axis:
            low, high = tried
            if not (isinstance(low, int | float) and isinstance(high, int | float) and low < high):
                raise SpecError(f"{key}: from {low!r} to {high!r}; expected numbers, low < high")
            if not isinstance(axis["log"], bool) or (axis["log"] and low <= 0):
                raise SpecError(
                    f"{key}: log = {axis['log']} from {low}; take low above 0, or no log"
                )
        if trials == 1:
            raise SpecError(
                f"{key}: a range is searched when tune.trials is above 1; set it, or give a value"
            )


def _no_ranges(model: type[Params], values: Mapping[str, Any], where: str) -> None:
    """Refuse what was meant as a range, and is none.

    Raises:
        SpecError: That says how a range is written.
    """
    own = own_ranges(model, values)
    for name, value in values.items():
        key = f"{where}.{name}"
        if name in own or name not in model.model_fields or _fits(model, name, value):
            continue
        if isinstance(value, Mapping) and value.keys() & {"low", "high", "choices"}:
            raise SpecError(
                f"{key}: has {', '.join(value)}; a range is {{ low = …, high = … }}, perhaps with "
                "log = true, or { choices = […] }"
            )
        if isinstance(value, list) and value and all(_fits(model, name, v) for v in value):
            raise SpecError(
                f"{key}: expected one value, got {value!r}; to search among them, write "
                f"{{ choices = {json.dumps(value)} }}"
            )


def _fits(model: type[Params], name: str, value: Any) -> bool:
    """Whether a parameter may have a value, whatever the others are."""
    try:
        model.model_validate({name: value})
    except ValidationError as error:
        return all(fault["loc"][:1] != (name,) for fault in error.errors())
    return True


def _tuned_by_nobody(spec: Spec, registry: Registry) -> None:
    """Refuse a glob of ``tune.parameters`` that fits no parameter.

    Raises:
        SpecError: Naming the nearest parameter.
    """
    used = {(kind, use.plugin) for kind, _, use in _fitted_uses(spec)}
    known = {"generator.checkpoint"}
    for kind, name in used:
        if registry.has(kind, name):
            known |= _axes(kind, name, registry)
    for i, glob in enumerate(spec.tune.parameters):
        if any(fnmatchcase(axis, glob) for axis in known):
            continue
        elsewhere = [
            name
            for kind in sorted({kind for kind, _ in used})
            for name in registry.names(kind)
            if ":" not in name
            and any(fnmatchcase(axis, glob) for axis in _axes(kind, name, registry))
        ]
        if elsewhere:
            hint = f": no arm uses {' or '.join(elsewhere)}, which has it; take it off the list"
        else:
            hint = did_you_mean(glob, known)
        raise SpecError(f"tune.parameters.{i}: '{glob}' fits no parameter that is tuned{hint}")


def _axes(kind: Kind, name: str, registry: Registry) -> set[str]:
    """Return the tunable parameters of a plugin, as ``tune.parameters`` names them."""
    fields = registry.get(kind, name).cls.Params.model_fields
    return {f"{kind}.{field}" for field, info in fields.items() if _is_tunable(info)}


def _attacked(spec: Spec, setup: Setup) -> None:
    """Refuse canaries beside patches of several classes or channels.

    Raises:
        SpecError: When there are some.
    """
    several = "classes" if setup.classes > 1 else "channels"
    if spec.audit is not None and spec.audit.canaries and max(setup.classes, setup.contrasts) > 1:
        raise SpecError(
            "audit.canaries: made-up patients have one class and one channel, and several "
            f"{several} are named; take canaries out (the other attacks take them)"
        )


def _is_tunable(field: Any) -> bool:
    extra = field.json_schema_extra
    return isinstance(extra, dict) and isinstance(extra.get("tune"), dict)


def _fitted_uses(spec: Spec) -> Iterator[tuple[Kind, str, PluginUse]]:
    """Yield kind, key path and table of every method that the spec names."""
    for i, generator in enumerate(spec.generators):
        yield "generator", f"generators.{i}", generator
    for i, segmenter in enumerate(spec.networks):
        yield "segmenter", f"segmenters.{i}" if spec.segmenters else "segmenter", segmenter
    for regime, table in spec.regimes.on():
        for segmenter in spec.networks if regime.learns else spec.networks[:1]:
            for where, use in regime.segmenters(table, segmenter):
                yield "segmenter", where, use


def _entry(registry: Registry, kind: Kind, name: str, where: str) -> Entry:
    try:
        return registry.get(kind, name)
    except PluginError as error:
        raise SpecError(f"{where}: {error}") from error


def _checks(spec: Spec, registry: Registry) -> Iterator[Any]:
    """Yield the single checks; each raises its own SpecError, so that all faults are listed."""
    setup = setup_of(spec)

    def data_set(name: str) -> None:
        table, key = spec.data.sets[name], key_of(spec.data, name)
        entry = _entry(registry, "source", table.plugin, f"{key}.plugin")
        build_params(entry.cls.Params, table.params, key)
        check_source(cast(type[DataSource], entry.cls), table, key, registry)

    def canaries(use: PluginUse) -> None:
        entry = _entry(registry, "source", use.plugin, "audit.canary.plugin")
        build_params(entry.cls.Params, use.params, "audit.canary.params")

    def fitted(kind: Kind, use: PluginUse, where: str) -> None:
        entry = _entry(registry, kind, use.plugin, f"{where}.plugin")
        cls = cast(type[Fitted], entry.cls)
        _no_ranges(cls.Params, use.params, f"{where}.params")
        params = build_params(cls.Params, without_ranges(cls.Params, use.params), f"{where}.params")
        check_ranges(cls.Params, use.params, f"{where}.params", spec.tune.trials)
        if setup.ndim not in cls.ndims:
            takes = " or ".join(f"{n}D" for n in cls.ndims)
            raise SpecError(
                f"patches.size: {setup.ndim}D, but {kind} '{use.plugin}' takes {takes} patches"
            )
        check_counts(kind, use.plugin, cls, setup, f"{where}.plugin", registry)
        try:
            cls.check(params, setup)
        except ValueError as error:
            raise SpecError(f"{where}.params: {kind} '{use.plugin}': {error}") from error

    def named(kind: Kind, use: PluginUse, where: str) -> None:
        # A regime's parameters are for each of several segmenters: say which of them lacks one.
        try:
            fitted(kind, use, where)
        except SpecError as error:
            if not where.startswith("regimes.") or len(spec.networks) < 2:
                raise
            lines = (line.partition(": ") for line in str(error).splitlines())
            whose = f"segmenter '{use.label}'"
            said = (f"{key}: {whose}: {fault}" for key, _, fault in lines)
            raise SpecError("\n".join(said)) from error

    def metric(family: str, use: PluginUse, where: str) -> None:
        if not registry.has("metric", use.plugin):
            near = did_you_mean(use.plugin, registry.metrics(family))
            raise SpecError(f"{where}: no metric is called '{use.plugin}'{near}")
        entry = _entry(registry, "metric", use.plugin, where)
        if getattr(entry.cls, "family", None) != family:
            names = ", ".join(registry.metrics(family))
            raise SpecError(f"{where}: '{use.plugin}' is not a {family} metric; known: {names}")
        build_params(entry.cls.Params, use.params, f"{where}.params")
        check_counts("metric", use.plugin, entry.cls, setup, where, registry)

    def validation_metric(use: PluginUse) -> None:
        metric("segmentation", use, "tune.metric")
        if cast(type[Metric], registry.get("metric", use.plugin).cls).higher_is_better is None:
            raise SpecError(
                f"tune.metric: '{use.plugin}' has no direction (higher_is_better is None), so no "
                "trial is better than another by it; name another metric"
            )

    for name in spec.data.sets:
        yield lambda name=name: data_set(name)
    if spec.audit is not None and spec.audit.canaries:
        yield lambda use=spec.audit.canary: canaries(use)
    for kind, where, use in _fitted_uses(spec):
        yield lambda kind=kind, where=where, use=use: named(kind, use, where)
    yield lambda: _attacked(spec, setup)
    yield lambda: _tuned_by_nobody(spec, registry)
    yield lambda: validation_metric(spec.tune.validation_metric)
    for family in ("segmentation", "fidelity", "privacy"):
        for i, use in enumerate(spec.metrics.uses(family)):
            where = f"metrics.{family}.{i}"
            yield lambda family=family, use=use, where=where: metric(family, use, where)
