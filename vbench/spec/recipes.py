"""Recipes: specs of public data sets, named as they are downloaded; they come with vbench.

A recipe is a spec whose data source lacks its path alone. What is known of the data set stands in
``data.source.about``.
"""

from __future__ import annotations

from pathlib import Path

from vbench.errors import SpecError, did_you_mean
from vbench.spec import shipped
from vbench.spec.data import DataSet
from vbench.spec.load import load_spec


def folder() -> Path:
    """Return where the recipes are."""
    return shipped.folder() / "recipes"


def names() -> list[str]:
    """Return the names of the recipes; files that recipes extend begin with ``_``."""
    return sorted(path.stem for path in folder().glob("[!_]*.toml"))


def recipe(name: str) -> DataSet:
    """Return the data set that a recipe describes.

    Raises:
        SpecError: When there is no such recipe; with the nearest name.
    """
    if name not in names():
        raise SpecError(f"no recipe '{name}'{did_you_mean(name, names())}")
    return load_spec(folder() / f"{name}.toml").data.source
