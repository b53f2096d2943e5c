"""What Optuna may vary, as plain data: the tunable fields of plugins' parameter models.

A spec may name a range of its own in the place of a value: ``lr = { low = 1e-4, high = 1e-2, log =
true }``, or ``norm = { choices = ["batch", "instance"] }``. It is searched instead of the plugin's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias, get_origin

from vbench.interfaces import Params

#: Axis name to ``{"low", "high", "log", "integer"}`` or ``{"choices"}``; JSON as it is.
Space: TypeAlias = dict[str, dict[str, Any]]


def tunable(
    model: type[Params], fixed: Mapping[str, Any], globs: Iterable[str], prefix: str
) -> Space:
    """Return the axes of a plugin's parameters that a benchmark tunes.

    Args:
        model: The plugin's parameter model.
        fixed: Parameters that the spec names. A value is never tuned; a range of the spec's own
            is, whatever ``globs`` say.
        globs: Which axes are wanted (``tune.parameters``).
        prefix: ``"segmenter"`` or ``"generator"``, the first part of an axis's name.
    """
    patterns = list(globs)
    space: Space = {}
    own = own_ranges(model, fixed)
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        tune = extra.get("tune") if isinstance(extra, dict) else None
        axis = f"{prefix}.{name}"
        if name in own:
            space[axis] = own[name]
            continue
        if not isinstance(tune, dict) or name in fixed:
            continue
        if not any(fnmatchcase(axis, pattern) for pattern in patterns):
            continue
        values: Any = tune["values"]
        if tune["range"]:
            low, high = values
            integer = isinstance(low, int) and isinstance(high, int)
            space[axis] = {"low": low, "high": high, "log": tune["log"], "integer": integer}
        else:
            space[axis] = {"choices": values}
    return space


def own_ranges(model: type[Params], values: Mapping[str, Any]) -> Space:
    """Return the ranges that a spec names among a plugin's parameters, by the parameters' names.

    A table is one when it has ``low`` and ``high`` (and perhaps ``log``), or ``choices`` alone,
    unless the parameter itself is a table.
    """
    found: Space = {}
    for name, value in values.items():
        field = model.model_fields.get(name)
        if not isinstance(value, Mapping) or (field and get_origin(field.annotation) is dict):
            continue
        if {"low", "high"} <= set(value) <= {"low", "high", "log"}:
            low, high = value["low"], value["high"]
            integer = field is not None and field.annotation is int
            log = value.get("log", False)
            found[name] = {"low": low, "high": high, "log": log, "integer": integer}
        elif set(value) == {"choices"} and isinstance(value["choices"], list):
            found[name] = {"choices": value["choices"]}
    return found


def without_ranges(model: type[Params], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that have a value: those that are searched take their defaults."""
    own = own_ranges(model, values)
    return {name: value for name, value in values.items() if name not in own}


def start(axis: Mapping[str, Any], default: Any) -> Any:
    """Return where a search begins: at the default, or in the middle of a range without it."""
    if "choices" in axis:
        return default if default in axis["choices"] else axis["choices"][0]
    low, high = axis["low"], axis["high"]
    if isinstance(default, int | float) and low <= default <= high:
        return default
    middle = math.sqrt(low * high) if axis["log"] else (low + high) / 2
    return round(middle) if axis["integer"] else middle
