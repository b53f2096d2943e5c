"""What the inputs and results of several stages are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, TypeAlias

from pydantic import AfterValidator, Field, JsonValue

from vbench.records.model import Record

Params = Mapping[str, JsonValue]
#: A job's key, which names a folder of the store: nothing that leads elsewhere.
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]


def _at_a_step(point: Mapping[str, int | float]) -> Mapping[str, int | float]:
    if "step" not in point:
        raise ValueError("a point of a curve needs its step")
    return point


#: A point of a training curve: ``step``, ``seconds`` and the method's own values.
Point = Annotated[Mapping[str, int | float], AfterValidator(_at_a_step)]
#: A repetition of an arm: its seed or, with folds, seed and fold as in ``0 fold 2``.
Repetition: TypeAlias = int | str


def repetition(seed: int, fold: int | None) -> Repetition:
    """Return the repetition of a seed and a fold; the seed where there are no folds."""
    return seed if fold is None else f"{seed} fold {fold}"


def seed_of(repetition: Repetition) -> int:
    """Return the seed of a repetition."""
    return repetition if isinstance(repetition, int) else int(repetition.partition(" ")[0])


def fold_of(repetition: Repetition) -> int | None:
    """Return the fold of a repetition; None where there are no folds."""
    return None if isinstance(repetition, int) else int(repetition.rpartition(" ")[2])


class PluginIdentity(Record):
    """Which plugin, in which version: name, distribution, version, digest of its source."""

    name: str
    distribution: str = ""
    version: str = ""
    source: str = ""


class PluginSetting(Record):
    """A plugin with its parameters, defaults written out."""

    plugin: PluginIdentity
    params: Params = {}


class PatchSpec(Record):
    """How patches are drawn from volumes.

    Attributes:
        size: Extent in voxels, 2 or 3 entries.
        per_subject: Patches of each subject.
        vessel_centred: Share that is centred on vessels, 0 to 1.
        seed: Seed of their places.
    """

    size: tuple[int, ...]
    per_subject: int
    vessel_centred: float
    seed: int


class TrialSpec(Record):
    """How a trial gets its parameters.

    Attributes:
        space: The axes that are tuned, by name such as ``segmenter.lr``.
        defaults: Value of each axis in trial 0.
        trial: Number of the trial.
        previous: Trials whose results it may see.
        sampler: Optuna's sampler; ``none`` where nothing is tuned.
        seed: Seed of the sampler and of the training.
        higher_is_better: Direction of the validation metric.
        seconds: Time that all trials of the arm may take; None: as long as they need.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"seconds"})

    space: Mapping[str, Mapping[str, JsonValue]] = {}
    defaults: Params = {}
    trial: int = 0
    previous: tuple[Key, ...] = ()
    sampler: str = "none"
    seed: int = 0
    higher_is_better: bool = True
    seconds: float | None = None


class PatchCounts(Record):
    """Patches that a training was handed, by origin."""

    source: int = 0
    target: int = 0
    synthetic: int = 0


class Budget(Record):
    """What a training took.

    Attributes:
        steps: Optimiser steps.
        patches: Patches that it was handed; None when they could not be counted.
    """

    steps: int
    patches: PatchCounts | None = None


class GivenWeights(Record):
    """Weights that were made elsewhere.

    Attributes:
        digest: Of the file's content.
        mean, sd: What images in [-1, 1] are standardised with before the network sees them.
    """

    digest: str
    mean: float = 0.0
    sd: float = 1.0
