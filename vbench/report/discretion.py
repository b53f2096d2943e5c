"""What must be known before a report leaves the house: whose images it holds. No places."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vbench import registry
from vbench.analysis.folder import Results

#: An absolute path, of two parts or more; not what follows ``https:`` or is within a name.
_PLACE = re.compile(r"(?<![\w:/.<~-])/(?:[^\s/:'\"<>|,;\\]+/)+([^\s/:'\"<>|,;\\]*)")


def patients(results: Results) -> str:
    """Name the data sets of a benchmark whose subjects may be people; empty when none are."""
    sets = results.plan.data
    return "; ".join(
        f"{role} data, {part.plugin}"
        for role, part in sets.items()
        if part is not None and of_people(results, role)
    )


def of_people(results: Results, role: str) -> bool:
    """Whether the subjects of a data set may be people: its source says so, or is not installed."""
    part, plugins = results.plan.data.get(role), registry.default()
    if part is None or not plugins.has("source", part.plugin):
        return True
    return plugins.source(part.plugin).patients


def discreet(value: Any) -> Any:
    """Return plain JSON values with absolute paths cut down in every text of them."""
    if isinstance(value, str):
        return without_places(value)
    if isinstance(value, Mapping):
        return {name: discreet(part) for name, part in value.items()}
    return [discreet(part) for part in value] if isinstance(value, list | tuple) else value


def without_places(text: str) -> str:
    """Return text with absolute paths cut down to their last part: ``…/scan.nii.gz``."""
    return _PLACE.sub(r"…/\1", text)
