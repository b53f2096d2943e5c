"""The stages of a run, one file each; a stage turns a job's inputs into artifacts and a result.

:data:`vbench.records.stages.STAGES` lists them; the stage ``fit-generator`` is ``STAGE`` of
``fit_generator.py``.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from vbench.errors import StoreError
from vbench.records.stages import STAGES

if TYPE_CHECKING:
    from vbench.engine.stages.base import Stage


@cache
def stage(name: str) -> Stage[Any, Any]:
    """Return the stage of this name.

    Raises:
        StoreError: When there is none.
    """
    if name not in STAGES:
        raise StoreError(f"stage '{name}' is not known; expected one of {', '.join(STAGES)}")
    found: Stage[Any, Any] = import_module(f"{__name__}.{name.replace('-', '_')}").STAGE
    return found
