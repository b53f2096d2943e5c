"""Recipes: specs of public data sets, named as they are downloaded; they come with vbench.

A recipe is a spec whose data source lacks its path alone. What is known of the data set stands in
``data.source.about``.
"""

from __future__ import annotations

from vbench.errors import SpecError, did_you_mean
from vbench.spec.data import DataSet
from vbench.spec.load import load_spec
from vbench.spec.shipped import recipes


def recipe(name: str) -> DataSet:
    """Return the data set that a recipe describes.

    Raises:
        SpecError: When there is no such recipe; with the nearest name.
    """
    if name not in recipes():
        raise SpecError(f"no recipe '{name}'{did_you_mean(name, recipes())}")
    return load_spec(name).data.source
