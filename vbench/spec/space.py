"""What Optuna may vary: the tunable fields of plugins' parameter models, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from vbench.interfaces import Params

#: Axis name to ``{"low", "high", "log", "integer"}`` or ``{"choices"}``; JSON as it is.
Space: TypeAlias = dict[str, dict[str, Any]]


def tunable(
    model: type[Params], fixed: Mapping[str, Any], globs: Iterable[str], prefix: str
) -> Space:
    """Return the axes of a plugin's parameters that a benchmark tunes.

    Args:
        model: The plugin's parameter model.
        fixed: Parameters that the spec names; these are never tuned.
        globs: Which axes are wanted (``tune.parameters``).
        prefix: ``"segmenter"`` or ``"generator"``, the first part of an axis's name.
    """
    patterns = list(globs)
    space: Space = {}
    for name, info in model.model_fields.items():
        extra = info.json_schema_extra
        tune = extra.get("tune") if isinstance(extra, dict) else None
        axis = f"{prefix}.{name}"
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
