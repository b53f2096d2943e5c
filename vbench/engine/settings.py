"""A plugin's parameters as a job has them: what decides its key, and where files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import cast

from pydantic import JsonValue

from vbench.data.folder import content_digest
from vbench.engine.datasets import called
from vbench.engine.keys import digest
from vbench.interfaces import Fitted
from vbench.registry import Entry
from vbench.spec.check import build_params
from vbench.spec.model import PluginUse
from vbench.spec.space import own_ranges, start, without_ranges


@dataclass(frozen=True)
class Settings:
    """The parameters of one use of a plugin, defaults written out.

    Attributes:
        params: Those that are part of the key.
        places: Those that only say where files lie, where the plugin declares its files.
        files: Digest of the names and content of these files; None where it declares none.
    """

    params: Mapping[str, JsonValue]
    places: Mapping[str, JsonValue] = field(default_factory=dict)
    files: str | None = None


def resolved(entry: Entry, use: PluginUse, where: str) -> dict[str, JsonValue]:
    """Return a plugin's parameters, defaults written out; where they are searched, the start."""
    named = without_ranges(entry.cls.Params, use.params)
    params = build_params(entry.cls.Params, named, where).model_dump(mode="json")
    own = own_ranges(entry.cls.Params, use.params)
    return params | {name: start(axis, params[name]) for name, axis in own.items()}


def settings_of(entry: Entry, use: PluginUse, where: str) -> Settings:
    """Return the settings of a generator or segmenter.

    Args:
        entry: The plugin.
        use: What the spec says.
        where: The key of its table, for messages.

    Raises:
        SpecError: When a parameter is wrong.
        DataError: When a file that it declares is missing or wrong.
    """
    cls = cast(type[Fitted], entry.cls)
    values = resolved(entry, use, where)
    params = cls.Params.model_validate(values)
    with called(where, f"{use.plugin}.files"):
        prints = {name: content_digest(path) for name, path in cls.files(params).items()}
    if not prints:
        return Settings(values)
    given = {name for name, v in params.model_dump().items() if isinstance(v, PurePath)}
    return Settings(
        {name: value for name, value in values.items() if name not in given},
        {name: values[name] for name in given},
        digest(prints),
    )
