"""``pretrained``: started from weights that were made elsewhere, with and without fine-tuning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field, field_validator

from vbench.regimes.base import FewSubjects, Regime
from vbench.regimes.planner import Planner, Row, Start
from vbench.tables import PluginUse, Table, check_name


class GivenWeights(Table):
    """Weights for the spec's segmenter."""

    path: str = Field(
        description="A MONAI bundle's folder, a safetensors file, or a state dict of torch; "
        "relative to the spec."
    )
    range: tuple[float, float] | None = Field(
        None,
        description="Intensities that its network was trained on, such as [0, 1], for what is "
        "[-1, 1] here. Default: as a bundle of vbench says, else [-1, 1].",
    )
    segmenter: str | None = Field(
        None, description="Which of several segmenters they are for, by its name in arms."
    )

    @field_validator("range")
    @classmethod
    def _ascends(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and not value[0] < value[1]:
            raise ValueError("expected the lower end first, such as [0, 1]")
        return value


class Pretrained(FewSubjects):
    """Start from given weights, then fine-tune on a few subjects of the target; 0: as they are."""

    fewest: ClassVar[int] = 0

    weights: dict[str, str | GivenWeights] = Field(
        min_length=1, description="By a name for the arm: where they lie, or a table."
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="Segmenter parameters that differ when fine-tuning."
    )

    @property
    def segmenter_of(self) -> dict[str, str | None]:
        """For which segmenter each weights are; None where the table does not say."""
        return {
            name: given.segmenter if isinstance(given, GivenWeights) else None
            for name, given in self.weights.items()
        }

    @field_validator("weights")
    @classmethod
    def _named(cls, value: dict[str, str | GivenWeights]) -> dict[str, str | GivenWeights]:
        for name in value:
            check_name(name)
        return value


class _Pretrained(Regime[Pretrained]):
    name = "pretrained"
    help = "Given weights, as they are or fine-tuned on the target."
    table = Pretrained
    cohort = "target"
    compared_with = ("scratch",)
    mark = "triangle-right"
    colour = "sky"

    def segmenters(
        self, table: Pretrained, segmenter: PluginUse
    ) -> Iterator[tuple[str, PluginUse]]:
        if table.params:
            yield "regimes.pretrained", segmenter.having(table.params)

    def plan(self, planner: Planner, seed: int) -> None:
        table = planner.table(self)
        for label, given in table.weights.items() if table else ():
            assert table is not None
            own = given if isinstance(given, GivenWeights) else GivenWeights(path=given)
            if own.segmenter not in (None, planner.segmenter.label):
                continue
            start = Start(own.path, own.range, f"regimes.pretrained.weights.{label}")
            for n in table.subjects:
                segmenter = planner.segmenter.having(table.params)
                row = Row(f"{self.name}/{label}/n{n}", self.name, segmenter, n_subjects=n)
                volumes = planner.training_volumes(self.cohort, seed, n) if n else []
                planner.train(row, seed, volumes, start=start)


PRETRAINED = _Pretrained()
