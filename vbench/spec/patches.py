"""The table of a spec that says what patches are drawn, and how many a generator makes."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from vbench.tables import Table

#: The largest dose; a number of patches, written into a list by mistake, is larger.
_MOST = 100


class PatchSpec(Table):
    """The labelled patches that everything is fitted on."""

    size: list[int] = Field(
        [16, 16, 16],
        min_length=2,
        max_length=3,
        description="Voxels; 2 entries: axial slices, or the plane of single slices.",
    )
    per_subject: int = Field(400, ge=1, description="Patches drawn from each subject.")
    vessel_centred: float = Field(
        0.5, ge=0, le=1, description="Share centred on a vessel voxel; the rest on any brain voxel."
    )
    synthetic: int | list[float] | None = Field(
        None,
        description="Synthetic patches a generator makes; default: as many as real ones. A list "
        "makes a dose curve: [0.25, 1, 4] times the real ones, 1 among them.",
    )

    @field_validator("synthetic", mode="before")
    @classmethod
    def _count_or_doses(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | list | None):
            raise ValueError("expected a number of patches, or a list such as [0.25, 1, 4]")
        if isinstance(value, int) and value < 1:
            raise ValueError(f"{value}; a generator makes at least 1 patch")
        if isinstance(value, list):
            _check_doses(value)
        return value

    @property
    def doses(self) -> list[float]:
        """Multiples of the real patches, ascending; empty without a dose curve."""
        return sorted(self.synthetic) if isinstance(self.synthetic, list) else []

    def synthetic_patches(self, real: int, dose: float | None = None) -> int:
        """Return how many patches a generator makes.

        Args:
            real: How many real ones there are.
            dose: A multiple of them; None: what all but the arms of other doses use.
        """
        if isinstance(self.synthetic, int):
            return self.synthetic
        return max(1, round((1 if dose is None else dose) * real))

    @field_validator("size")
    @classmethod
    def _positive(cls, size: list[int]) -> list[int]:
        if min(size) < 4:
            plane = [edge for edge in size if edge != 1]
            fix = f"; 2D patches have two entries: {plane}" if len(plane) == 2 else ""
            raise ValueError(f"a patch edge is shorter than 4 voxels{fix}")
        return size


def _check_doses(doses: list[Any]) -> None:
    """Refuse what makes no dose curve.

    Raises:
        ValueError: With what is wrong.
    """
    for dose in doses:
        if isinstance(dose, bool) or not isinstance(dose, int | float) or not 0 < dose <= _MOST:
            raise ValueError(
                f"{dose!r}; a dose is a multiple of the real patches, above 0 and at most {_MOST}"
            )
    if len(set(doses)) < len(doses):
        raise ValueError("a dose is listed twice")
    if 1 not in doses:
        raise ValueError(
            "has no dose 1, as many as the real patches, which other doses are compared with and "
            "transfer starts from; add it"
        )
