"""Parameter models with presets: a preset's values are defaults that a spec may override singly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import model_validator

from vbench.interfaces import Params


class PresetParams(Params):
    """Parameters whose ``preset`` fills in what is not named.

    The filling happens before validation, so the resolved model holds every value in full, and
    naming a preset's own value changes nothing.

    Attributes:
        presets: For each preset, the values in which it differs from the fields' defaults.
        instead: Parameters that, once named, take the place of another one of a preset.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    instead: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        preset = given.get("preset", cls.model_fields["preset"].default)
        # An unknown preset is left to the field's own validation, whose message lists the known.
        replaced = {other for named, other in cls.instead.items() if named in given}
        filled = cls.presets.get(preset, {})
        return {**{k: v for k, v in filled.items() if k not in replaced}, **given}
