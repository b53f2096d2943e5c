"""A plugin's parameters: a pydantic model whose fields say default, range, unit and tuning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Params(BaseModel):
    """Base of every plugin's parameter model: frozen, and an unknown name is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def param(
    default: Any,
    help: str,
    *,
    unit: str | None = None,
    tune: Sequence[Any] | None = None,
    log: bool = False,
    length: bool = False,
    **limits: Any,
) -> Any:
    """Declare one parameter of a plugin.

    Args:
        default: The value when the spec names none.
        help: What it does, one line.
        unit: Such as ``"mm"`` or ``"steps"``.
        tune: What Optuna may try: ``(low, high)`` for a number, a list of values otherwise.
            None: never tuned. A parameter that the spec names is never tuned.
        log: Whether ``tune`` is searched on a logarithmic scale.
        length: Whether it is the length of the training: the time of a fit grows in proportion to
            it, and vbench may set it to train two arms equally long. At most one per plugin.
        **limits: ``ge``, ``gt``, ``le``, ``lt`` and the other constraints of ``pydantic.Field``.
    """
    extra: dict[str, Any] = {}
    if unit is not None:
        extra["unit"] = unit
    if tune is not None:
        extra["tune"] = {"values": list(tune), "log": log, "range": isinstance(tune, tuple)}
    if length:
        extra["length"] = True
    return Field(default, description=help, json_schema_extra=extra, **limits)


def length_param(model: type[BaseModel]) -> str | None:
    """Return the name of the parameter that is the length of training; None when there is none."""
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("length"):
            return name
    return None
