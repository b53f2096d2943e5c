"""Published figures that a report shows beside a benchmark's own; they change no job."""

from __future__ import annotations

from pydantic import Field

from vbench.tables import Table


class Reference(Table):
    """Published figures to compare with: shown in reports, part of no job."""

    citation: str = Field(min_length=1, description="Where they were published.")
    url: str = Field("", pattern=r"^$|^https?://", description="Address of the publication.")
    note: str = Field("", description="What a reader must know to compare them.")
    values: dict[str, dict[str, float]] = Field(
        min_length=1,
        description="By arm, by metric's plugin name: real = { dsc = 0.89, hd95 = 26.57 }.",
    )
