"""What an arm is compared with, arm by arm, and how a table shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Comparable(Protocol):
    """What decides which arms are compared: an arm of finished or planned results."""

    @property
    def name(self) -> str:
        """Such as ``transfer/wgan-gp-sn/n5``."""

    @property
    def regime(self) -> str:
        """What its segmenter was trained on."""

    @property
    def cohort(self) -> str:
        """Names the test subjects."""

    @property
    def generator(self) -> str | None:
        """Label of its generator; None without one."""

    @property
    def network(self) -> str | None:
        """Label of the segmenter that learns; None for a rule."""

    @property
    def steps(self) -> int | None:
        """Training length of the segmenter where it is not the spec's own; else None."""

    @property
    def n_subjects(self) -> int | None:
        """Number of subjects that it was trained on, where it has few."""

    @property
    def control(self) -> str | None:
        """What it is the control of; None for an ordinary arm."""


@dataclass(frozen=True)
class Reference:
    """The arm that another one is compared with, on the same test subjects.

    It has no generator, the same segmenter, and trains for as many steps. A rule has no segmenter
    that learns: it is compared with the arm of the first that the spec lists.

    Attributes:
        name: The key in ``versus``, and the title of the column.
        regime: Of the reference arm.
        sign: Marks a mean that differs from it.
        words: What the sign says it differs from.
        control: Which control the reference arm is; None: none.
        per_subjects: Whether there is one reference for each number of subjects. The comparisons
            of one generator are then corrected together, else those with one reference.
        extra: Whether its column is shown beside that of another reference, where there is room.
        note: What a reader of the sign should know besides.
    """

    name: str
    regime: str
    sign: str
    words: str
    control: str | None = None
    per_subjects: bool = False
    extra: bool = False
    note: str = ""

    def of(self, arm: Comparable, arms: Iterable[Comparable]) -> str | None:
        """Name the reference of an arm; None when there is none besides the arm itself."""
        found = (
            other.name
            for other in arms
            if (other.regime, other.cohort, other.control, other.generator, other.steps)
            == (self.regime, arm.cohort, self.control, None, arm.steps)
            and arm.network in (None, other.network)
            and (not self.per_subjects or other.n_subjects == arm.n_subjects)
        )
        return next((name for name in found if name != arm.name), None)
