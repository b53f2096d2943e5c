"""What can be said of a plugin without running it: for ``vbench plugins`` and the documentation."""

from __future__ import annotations

import inspect
import types
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from vbench.interfaces import FidelityMetric, Fitted, Metric, PrivacyMetric
from vbench.registry import Entry

_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "multiple of"}


def describe(entry: Entry) -> dict[str, Any]:
    """Return all that is known of a registered plugin, as plain JSON values.

    Returns:
        ``kind``, ``name``, ``distribution``, ``version``, ``origin`` (``built-in``,
        ``third party`` or ``file``), ``description`` (the docstring's first line), ``paper``,
        ``parameters``; ``ndims`` of generators and segmenters; of these, and of fidelity
        and privacy metrics, ``classes`` and ``channels``; ``family``, ``id``, ``unit`` and
        ``higher_is_better`` of metrics.
    """
    cls = entry.cls
    about: dict[str, Any] = {
        "kind": cls.kind,
        "name": cls.name,
        "distribution": entry.distribution,
        "version": entry.version,
        "origin": "built-in" if entry.built_in else "third party" if entry.version else "file",
        "description": summary(cls),
        "paper": cls.paper,
    }
    if issubclass(cls, Fitted):
        about["ndims"] = list(cls.ndims)
    if issubclass(cls, Fitted | FidelityMetric | PrivacyMetric):
        about["classes"] = cls.classes
        about["channels"] = cls.channels
    if issubclass(cls, Metric):
        about["family"] = cls.family
        about["id"] = f"{cls.name}@{cls.version}"
        about["unit"] = cls.unit
        about["higher_is_better"] = cls.higher_is_better
    about["parameters"] = [parameter(n, f) for n, f in cls.Params.model_fields.items()]
    return about


def summary(cls: type) -> str:
    """Return the first line of a class's docstring, without the marks of code in it.

    Empty when the class itself has none.
    """
    text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
    return text.partition("\n")[0].replace("``", "")


def parameter(name: str, field: FieldInfo) -> dict[str, Any]:
    """Return what a parameter is: name, type, default, limits, unit, what is tuned, help."""
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    limits = {
        limit: getattr(item, limit)
        for item in field.metadata
        for limit in _LIMITS
        if getattr(item, limit, None) is not None
    }
    return {
        "name": name,
        "type": type_name(field.annotation),
        "required": field.is_required(),
        "default": None
        if field.is_required()
        else _plain(field.get_default(call_default_factory=True)),
        "limits": limits,
        "unit": extra.get("unit"),
        "tune": extra.get("tune"),
        "help": field.description or "",
    }


def limits_text(about: dict[str, Any]) -> str:
    """Return a parameter's limits as people write them, such as ``≥ 0, < 1``."""
    return ", ".join(f"{_LIMITS[name]} {value:g}" for name, value in about["limits"].items())


def tune_text(about: dict[str, Any]) -> str:
    """Return what Optuna tries of a parameter, such as ``0.0001 – 0.001 (log)``."""
    tune = about["tune"]
    if not tune:
        return ""
    if tune["range"]:
        low, high = tune["values"]
        return f"{low:g} – {high:g}" + (" (log)" if tune["log"] else "")
    return ", ".join(map(str, tune["values"]))


def type_name(annotation: Any) -> str:
    """Return a type as a spec's author reads it, such as ``int`` or ``'a' | 'b'``."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(repr(value) for value in arguments)
    if origin in (Union, types.UnionType):
        return " | ".join(type_name(a) for a in arguments if a is not type(None))
    if origin in (list, tuple):
        inner = [type_name(a) for a in arguments if a is not Ellipsis]
        return f"list of {inner[0]}" if len(set(inner)) == 1 else f"[{', '.join(inner)}]"
    if origin is dict:
        return "table"
    return "any" if annotation is Any else getattr(annotation, "__name__", str(annotation))


def _plain(value: Any) -> Any:
    """Return a default as JSON has it."""
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
