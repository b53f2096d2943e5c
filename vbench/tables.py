"""What all tables of a spec have in common, and the table that names a plugin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


def check_name(name: str) -> None:
    """Raise ``ValueError`` when something cannot have this name: it names folders and arms."""
    if not re.fullmatch(NAME, name):
        raise ValueError(f"'{name}': expected letters, digits, '.', '_' and '-'")


class Table(BaseModel):
    """Base of all tables: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PluginUse(Table):
    """A plugin and the parameters that differ from its defaults."""

    plugin: str = Field(description="The plugin's name.")
    name: str = Field("", pattern=r"^$|" + NAME, description="To list one plugin twice.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Fixed parameters; what is not named is the default, or tuned.",
    )

    @property
    def label(self) -> str:
        """The name in arms: ``name``, or the plugin's own."""
        return self.name or self.plugin

    def having(self, params: Mapping[str, Any]) -> PluginUse:
        """Return the same plugin with these parameters over its own."""
        return self.model_copy(update={"params": {**self.params, **params}})
