"""What all tables of a spec have in common, and the table that names a plugin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

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


class GeneratorUse(PluginUse):
    """A generator: a plugin that is fitted here, or what another benchmark fitted."""

    model_config = ConfigDict(populate_by_name=True)

    plugin: str = Field("", description="The plugin's name; not beside ``from``.")
    from_: str = Field(
        "",
        alias="from",
        description="What another benchmark fitted, taken as it is: FOLDER/BENCHMARK:ARM, such as "
        "results/paper:synthetic/wgan-gp-sn.",
    )

    @model_validator(mode="after")
    def _one_origin(self) -> GeneratorUse:
        if not self.plugin and not self.from_:
            raise ValueError("needs a plugin, or from")
        if self.from_ and ":" not in self.from_:
            raise ValueError(
                f"from = '{self.from_}': expected FOLDER/BENCHMARK:ARM, such as "
                "results/paper:synthetic/wgan-gp-sn"
            )
        if self.from_ and not self.plugin and self.params:
            raise ValueError("params has no effect beside from: they are those of its fit")
        return self

    @property
    def label(self) -> str:
        """The name in arms: ``name``, the plugin's, or that of the other benchmark."""
        return self.name or self.plugin or self.from_.rpartition("/")[2]
