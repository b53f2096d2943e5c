"""What goes into the stages that judge, and what comes out: evaluate, audit and attack.

Fields that name jobs (``trials``, ``test``) hold keys. For a new field see
:mod:`vbench.records.stages`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, JsonValue

from vbench.records.model import Inputs, Record, Result
from vbench.records.parts import (
    Key,
    Params,
    PatchSpec,
    PluginIdentity,
    PluginSetting,
)

# --- evaluate ------------------------------------------------------------------------------


class EvaluateInputs(Inputs):
    """The trials to choose from, and the test volumes."""

    plugin: PluginIdentity
    trials: tuple[Key, ...]
    test: tuple[Key, ...]
    size: tuple[int, ...]
    metrics: tuple[PluginSetting, ...]
    higher_is_better: bool
    seed: int


class Case(Record):
    """A metric's value for one test subject.

    Attributes:
        status: ``ok``; ``undefined`` where a rule gives a value that does not exist;
            ``failed`` where there is none.
        label: The class; None: over all classes of the subject.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"label"})

    subject: str
    metric: str
    value: float | None
    status: Literal["ok", "undefined", "failed"]
    label: str | None = None


class EvaluateResult(Result):
    """The chosen trial, and its scores.

    Attributes:
        trial: Its number.
        threshold: None where several classes take the most probable.
        cases: Every score of every test subject.
        metric_faults: By metric that broke, how.
        labels: Names of the classes, where there are several.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"labels"})

    trial: int
    params: Params = {}
    tuned: Params = {}
    checkpoint: int | None = None
    threshold: float | None
    validation_score: float
    cases: tuple[Case, ...]
    metric_faults: Mapping[str, str] = {}
    labels: tuple[str, ...] | None = None


# --- audit ---------------------------------------------------------------------------------


class Lender(Record):
    """A segmenter that lends its features: the plugin, and the trials to choose from."""

    plugin: PluginIdentity
    trials: tuple[Key, ...]


class AuditInputs(Inputs):
    """The trials that chose a generator's candidate, its training volumes, and unseen ones.

    Attributes:
        groups: By part, the person of each volume; None where each is of a different one.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"groups"})

    trials: tuple[Key, ...]
    train: tuple[Key, ...]
    heldout: tuple[Key, ...]
    patches: PatchSpec
    metrics: Mapping[str, tuple[PluginSetting, ...]]
    higher_is_better: bool
    features: Lender | None
    seed: int
    groups: Mapping[str, tuple[str, ...]] | None = None


def _of_numbers(entry: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Refuse an entry whose scores are no numbers."""
    for name in ("value", "floor", "ceiling"):
        value = entry.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{name} is {value!r}, expected a number")
    return entry


#: What an audit says of one metric.
Entry = Annotated[Mapping[str, JsonValue], AfterValidator(_of_numbers)]


class AuditResult(Result):
    """By metric: ``value``, ``floor``, ``ceiling`` and what else the metric says."""

    checkpoint: int
    fidelity: Mapping[str, Entry] = {}
    privacy: Mapping[str, Entry] = {}


# --- attack --------------------------------------------------------------------------------


class Game(Record):
    """One training of a generator, and who was in it.

    Attributes:
        samples: Its samples.
        members: The volumes that it learnt from.
    """

    samples: Key
    members: tuple[Key, ...]


class CanaryGame(Record):
    """A training with made-up patients, each planted or not by a coin.

    Attributes:
        samples: Its samples.
        volumes: All made-up patients.
        planted: Whether each was in the training.
    """

    samples: Key
    volumes: tuple[Key, ...]
    planted: tuple[bool, ...]


class AttackInputs(Inputs):
    """The trials that chose a generator's candidate, its shadows, and whose patches are attacked.

    Attributes:
        train: Volumes that it learnt from.
        heldout: Volumes that it never saw.
        per_person: Patches of each person that are attacked.
        groups: By part, the person of each volume; None where each is of a different one.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"groups", "canaries"})

    plugin: PluginIdentity
    trials: tuple[Key, ...]
    train: tuple[Key, ...]
    heldout: tuple[Key, ...]
    shadows: tuple[Game, ...] = ()
    canaries: CanaryGame | None = None
    patches: PatchSpec
    per_person: int
    higher_is_better: bool
    seed: int
    groups: Mapping[str, tuple[str, ...]] | None = None


class AttackResult(Result):
    """By attack: ``value``, ``floor``, ``ceiling`` and what else it says, as a privacy score."""

    checkpoint: int
    privacy: Mapping[str, Entry] = {}
