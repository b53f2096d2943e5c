"""The table ``[compare]``: what every arm is compared over, besides its own settings."""

from __future__ import annotations

from pydantic import Field, field_validator

from vbench.tables import Table


class Compare(Table):
    """Axes along which every arm is repeated."""

    steps: list[int] = Field(
        default_factory=list,
        description="Every arm that learns once more for each of these training lengths of the "
        "segmenter, in optimiser steps, as ARM/steps=N.",
    )

    @field_validator("steps")
    @classmethod
    def _lengths(cls, steps: list[int]) -> list[int]:
        for n in steps:
            if n < 1:
                raise ValueError(f"{n}; a training takes at least 1 step")
        if len(set(steps)) < len(steps):
            raise ValueError("a number of steps is listed twice")
        return sorted(steps)
