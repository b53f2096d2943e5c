"""What a regime plans its arms with; the engine implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vbench.tables import GeneratorUse, PluginUse

if TYPE_CHECKING:
    from vbench.regimes.base import Regime

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One arm, before it has jobs.

    Attributes:
        name: Such as ``transfer/wgan-gp-sn/n1``.
        regime: Name of its regime.
        segmenter: What is trained.
        generator: Label of its generator; None without one.
        n_subjects: How many subjects it is trained on, where a regime varies that.
        control: What it is the control of; None for an ordinary arm.
        dose: How many synthetic patches, as a multiple of the real ones; None without a dose curve.
    """

    name: str
    regime: str
    segmenter: PluginUse
    generator: str | None = None
    n_subjects: int | None = None
    control: str | None = None
    dose: float | None = None


@dataclass(frozen=True)
class Start:
    """Weights that were made elsewhere.

    Attributes:
        path: A file, or a bundle's folder.
        range: Intensities that stand for [-1, 1]; None: as a bundle says, else the same.
        where: The key of the spec, for messages.
    """

    path: str
    range: tuple[float, float] | None
    where: str


class Training(Protocol):
    """The spec's segmenter, and how long it trains."""

    @property
    def segmenter(self) -> PluginUse:
        """The segmenter of the spec."""

    def synthetic_patches(self, dose: float | None = None) -> int:
        """Return how many patches a generator makes, at a dose."""

    def table(self, regime: Regime[T]) -> T | None:
        """Return the regime's table of the spec; None when it is off."""

    def real_patches(self, volumes: int) -> int:
        """Return how many patches are drawn from this many volumes."""

    def steps(self, segmenter: PluginUse, patches: int) -> int | None:
        """Return its optimiser steps on this many patches; None when they are not known."""

    def settings_for(self, steps: int) -> Mapping[str, Any]:
        """Return the parameters that make a training this long; empty when it cannot be set."""

    def tunes_length(self, segmenter: PluginUse) -> bool:
        """Whether the length of training is tuned."""


def as_long(training: Training, use: PluginUse, patches: int, wanted: int | None) -> PluginUse:
    """Return a segmenter as it trains on some patches, for a given number of steps.

    Args:
        training: How long it trains by itself.
        use: The segmenter.
        patches: How many patches it is trained on.
        wanted: Steps; None where they are not known: its length is then left as it is.
    """
    if wanted is None or wanted == training.steps(use, patches):
        return use
    return use.having(training.settings_for(wanted))


def at_dose(training: Training, dose: float | None, real: int = 0) -> PluginUse:
    """Return the segmenter that trains on a dose of synthetic patches as long as on dose 1.

    Args:
        training: The spec's segmenter.
        dose: A multiple of the real patches; None without a dose curve.
        real: How many real patches it is trained on besides.
    """
    use = training.segmenter
    wanted = training.steps(use, real + training.synthetic_patches())
    return as_long(training, use, real + training.synthetic_patches(dose), wanted)


def dosed(name: str, dose: float | None) -> str:
    """Name an arm at a dose; that of dose 1 is named as without a dose curve."""
    return name if dose in (None, 1) else f"{name}/x{dose:g}"


def at_length(name: str, steps: int | None) -> str:
    """Name an arm that trains for other steps than the spec says; None: for those of the spec."""
    return name if steps is None else f"{name}/steps={steps}"


class Planner(Training, Protocol):
    """Makes the jobs of arms, one seed at a time; an arm of one name is one arm."""

    def generators(self, regime: Regime[Any]) -> list[GeneratorUse]:
        """Return the generators that a regime's table names; none when it is off."""

    def all_generators(self) -> list[GeneratorUse]:
        """Return the generators that any regime uses, once each."""

    def doses(self, generator: GeneratorUse) -> Sequence[float | None]:
        """Return the doses of a generator's patches that arms are planned for, ascending.

        Only None without a dose curve; only 1 where no regime that has one uses the generator.
        """

    def training_volumes(self, cohort: str, seed: int, subjects: int | None = None) -> list[str]:
        """Return keys of a cohort's training volumes.

        Args:
            cohort: ``source`` or ``target``.
            seed: The repetition.
            subjects: Only this many persons, the first in the order of this seed, the same for
                every arm. None: all.
        """

    def trials(self, arm: str, seed: int) -> list[str]:
        """Return the keys of an arm's trials, which another arm starts from."""

    def train(
        self,
        row: Row,
        seed: int,
        volumes: Sequence[str],
        *,
        initial: Sequence[str] = (),
        synthetic_of: Sequence[str] = (),
        evaluated: bool = True,
        start: Start | None = None,
    ) -> None:
        """Plan the trials of an arm, and the evaluation of the one that is selected.

        Args:
            row: The arm.
            seed: The repetition.
            volumes: Keys of the training volumes; none: it is not trained, only validated.
            initial: Trials among which the one is selected whose weights it starts from.
            synthetic_of: Trials among which the one is selected whose synthetic patches it
                trains on, too.
            evaluated: Whether it is evaluated; False: it only serves other arms.
            start: The weights that it starts from, made elsewhere.
        """

    def train_on_samples(self, row: Row, seed: int, generator: GeneratorUse) -> None:
        """Plan the trials of an arm on its dose of a generator's samples, but no evaluation."""

    def evaluate(self, row: Row, seed: int) -> None:
        """Plan the one evaluation on the test subjects."""

    def audit(self, row: Row, seed: int, features_of: str) -> None:
        """Plan fidelity and privacy scores of an arm's generator.

        Args:
            row: The arm.
            seed: The repetition.
            features_of: The arm whose segmenter may lend its features, if there is one.
        """
