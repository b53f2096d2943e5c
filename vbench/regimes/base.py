"""What a regime is: its table of the spec, its arms, and how they are compared and shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from vbench.regimes.planner import Planner, Training
from vbench.regimes.reference import Reference
from vbench.tables import PluginUse, Table

T = TypeVar("T")


class Generators(Table):
    """Base of a regime's table with arms for each generator."""

    generators: list[str] | None = Field(None, description="Default: all generators.")

    @property
    def uses_generators(self) -> bool:
        """Whether any of its arms needs a generator."""
        return True


class FewSubjects(Table):
    """Base of a regime's table with arms for several numbers of training subjects.

    Attributes:
        fewest: The smallest number that makes sense.
    """

    fewest: ClassVar[int] = 1

    subjects: list[int] = Field(min_length=1, description="Numbers of target subjects.")


class Regime(ABC, Generic[T]):
    """What a segmenter is trained on.

    Attributes:
        name: As in the spec and in names of arms.
        help: One line for the spec's reference.
        table: Its table of the spec; ``bool`` for a switch without settings.
        cohort: The data set whose subjects its arms are tested on.
        learns: Whether its segmenter learns from patches.
        samples: Whether its arms represent their generator: they have its samples and its audit.
        compared_with: Names of the references that its arms are compared with.
        references: The references that its arms are for others.
        pretrains: Whether its arms are pre-trained, which makes a curve over their number of
            subjects.
        dosed: Whether it has an arm for each dose of a generator's patches.
        mark: The shape of its points in figures, as Vega calls it.
        colour: The name of their colour in the palette.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    table: type[T]
    cohort: ClassVar[Literal["source", "target"]] = "source"
    learns: ClassVar[bool] = True
    samples: ClassVar[bool] = False
    pretrains: ClassVar[bool] = False
    dosed: ClassVar[bool] = False
    compared_with: ClassVar[tuple[str, ...]] = ("real",)
    references: ClassVar[tuple[Reference, ...]] = ()
    mark: ClassVar[str] = "circle"
    colour: ClassVar[str] = "baseline"

    @property
    def params_of(self) -> tuple[str, ...]:
        """Names of the regimes whose ``params`` decide what its arms are."""
        return (self.name,)

    @property
    def needs_table(self) -> bool:
        """Whether its table has a key without a default, so that ``true`` is not enough."""
        fields = self.table.model_fields if issubclass(self.table, Table) else {}
        return any(field.is_required() for field in fields.values())

    def segmenters(self, table: T, segmenter: PluginUse) -> Iterator[tuple[str, PluginUse]]:
        """Yield the segmenters that it uses besides the spec's, each with the key for messages.

        Args:
            table: Its table.
            segmenter: The spec's segmenter.
        """
        yield from ()

    def remarks(self, training: Training) -> Iterator[str]:
        """Yield what its arms leave untested, one line each."""
        yield from ()

    @abstractmethod
    def plan(self, planner: Planner, seed: int) -> None:
        """Plan its arms for one seed; nothing when it is off."""

    def plan_controls(self, planner: Planner, seed: int) -> None:
        """Plan arms that those of other regimes are compared with, once all regimes are planned."""
