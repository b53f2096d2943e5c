"""What goes into each stage of a run and what comes out: the one description of both.

``Inputs`` are what decides a job's result, and so its key: a field that is added must be left out
of the file while it has its old meaning (:attr:`Record.OPTIONAL`), or the stage's version raised.
Fields that name jobs (``train``, ``trials``) hold keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from vbench.labels import LabelMap
from vbench.records.model import Record
from vbench.records.parts import (
    Budget,
    GivenWeights,
    Key,
    Params,
    PatchSpec,
    PluginIdentity,
    PluginSetting,
    Point,
    TrialSpec,
)
from vbench.types import CHANNELS, LABELS

V = TypeVar("V")


class Inputs(Record):
    """Base of the inputs of all stages; an unknown name is an error: it would have no effect."""

    model_config = ConfigDict(extra="forbid")


class Result(Record):
    """Base of the results of all stages."""


# --- prepare -------------------------------------------------------------------------------


class PrepareInputs(Inputs):
    """One subject of a data source.

    Attributes:
        labels: The classes of its label; None: all above 0 is vessel.
        channels: Of its image, by name; None: the one that there is.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"labels", "channels"})

    plugin: PluginIdentity
    params: Params
    subject: str
    fingerprint: str
    normalise: str
    labels: LabelMap | None = None
    channels: tuple[str, ...] | None = None

    @property
    def contents(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the classes of the label, and of the channels of the image."""
        labels = LABELS if self.labels is None else self.labels.names
        return labels, self.channels or CHANNELS


class PrepareResult(Result):
    """A prepared volume; see :func:`vbench.data.prepare.prepare_subject`."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"classes", "others"})

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    label_fraction: float
    intensity: Mapping[str, JsonValue] = {}
    normalise: Mapping[str, JsonValue] = {}
    notes: Mapping[str, JsonValue] = {}
    classes: Mapping[str, float] | None = None
    others: Mapping[str, JsonValue] | None = None


# --- fit-generator -------------------------------------------------------------------------


class FitGeneratorInputs(Inputs):
    """A generator's training.

    Attributes:
        trial_spec: Of a generator that is tuned; None otherwise. ``asking`` in the file.
        checkpoints: How many candidates are kept.
        groups: The person of each volume; None where each is of a different one.
        files: Digest of the files that the generator reads; None: none.
        taken: Digest of the weights of another benchmark's generator, which is not trained here;
            None: it is.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"groups", "files", "taken"})

    plugin: PluginIdentity
    params: Params
    files: str | None = None
    taken: str | None = None
    trial_spec: TrialSpec | None = Field(alias="asking")
    train: tuple[Key, ...]
    patches: PatchSpec
    checkpoints: int
    seed: int
    groups: tuple[str, ...] | None = None


class Preview(Record):
    """What a few samples show during training.

    Attributes:
        file: The samples; None for a candidate, whose file goes by its index.
        vessel_fraction: Share of vessel voxels, 0 to 1.
        variety: Mean over voxels of the standard deviation between samples.
        collapsed: What is wrong with them, in words; None when nothing is.
    """

    step: int
    vessel_fraction: float
    variety: float
    collapsed: str | None = None
    file: str | None = None
    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"file"})


class Candidate(Preview):
    """A state of the generator that its arm may choose."""

    index: int


class FitGeneratorResult(Result):
    """A fitted generator.

    Attributes:
        skipped: Whether it did not start because its arm's time was used up.
        params: As they were in the end.
        tuned: The trial's value on every axis.
        curve: Points of the training curve: ``step``, ``seconds`` and the method's own values.
        previews: ``looks`` in the file.
        guarantee: Its differential privacy, as :meth:`vbench.interfaces.Generator.guarantee` says
            it; None without any.
        remarks: What a reader should know of it; None: nothing.
        went_on_from: The step of a shorter training at which it started; None: at its first.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {"skipped", "budget", "guarantee", "remarks", "went_on_from"}
    )

    skipped: bool | None = None
    params: Params = {}
    tuned: Params = {}
    curve: tuple[Point, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    previews: tuple[Preview, ...] = Field(default=(), alias="looks")
    budget: Budget | None = None
    guarantee: Mapping[str, JsonValue] | None = None
    remarks: tuple[str, ...] | None = None
    went_on_from: int | None = None


# --- synthesise ----------------------------------------------------------------------------


class SynthesiseInputs(Inputs):
    """``n`` samples of one candidate of a generator."""

    plugin: PluginIdentity
    generator: Key
    checkpoint: int
    n: int
    size: tuple[int, ...]
    seed: int


class SynthesiseResult(Result):
    """Synthetic patches: how many, and the share of vessel voxels and of empty labels.

    Attributes:
        repeats: Whether the same seed gave the same patches a second time; None: not looked at.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {"skipped", "vessel_fraction", "empty_share", "repeats"}
    )

    skipped: bool | None = None
    n: int
    checkpoint: int
    vessel_fraction: float | None = None
    empty_share: float | None = None
    repeats: bool | None = None


# --- fit-segmenter -------------------------------------------------------------------------


class FitSegmenterInputs(Inputs):
    """One trial of an arm.

    Attributes:
        trial_spec: How it gets its parameters. ``asking`` in the file.
        validations: How often it is validated.
        metric: The validation metric.
        metric_params: Its parameters; None: the defaults.
        train: Volumes whose real patches it learns from.
        synthetic: Samples to choose from, one for each candidate of the generator.
        synthetic_of: Trials of the arm whose choice of samples it takes.
        initial: Trials of the arm whose choice of weights it starts from.
        val: Validation volumes.
        files: Digest of the files that the segmenter reads; None: none.
        given: Weights made elsewhere that it starts from; None: none.
        start_counts: Whether the weights that its training starts from are validated first, and
            kept where they are best; None: it starts from none, or does not train.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {"metric_params", "files", "given", "start_counts"}
    )

    plugin: PluginIdentity
    params: Params
    files: str | None = None
    trial_spec: TrialSpec = Field(alias="asking")
    patches: PatchSpec
    validations: int
    pruner: str
    metric: PluginIdentity
    metric_params: Params | None = None
    train: tuple[Key, ...] = ()
    synthetic: tuple[Key, ...] = ()
    synthetic_of: tuple[Key, ...] = ()
    initial: tuple[Key, ...] = ()
    val: tuple[Key, ...] = ()
    given: GivenWeights | None = None
    start_counts: bool | None = None

    def at_marks(self, validation: Sequence[V]) -> Sequence[V]:
        """Return the validations at the marks of its training, without that of its start."""
        return validation[1:] if self.start_counts else validation


class Validation(Record):
    """One validation: the step, the metric's mean, the threshold that reached it.

    Of several classes the most probable is taken, and the threshold is None.
    """

    step: int
    score: float
    threshold: float | None


class FitSegmenterResult(Result):
    """A fitted segmenter, or a trial that was skipped or diverged: then without a score.

    Attributes:
        trial: Number of the trial.
        checkpoint: Index of the candidate whose samples it learnt from; None without any.
        samples: Key of these samples.
        start: Key of the trial whose weights it started from; None from scratch.
        score: The best validation's score.
        threshold: Its probability threshold; None where several classes take the most probable.
        best_step: Its step.
        diverged: Why it has no score; None when it has one.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"skipped", "budget"})

    trial: int
    skipped: bool | None = None
    params: Params = {}
    tuned: Params = {}
    checkpoint: int | None = None
    samples: Key | None = None
    start: Key | None = None
    budget: Budget | None = None
    curve: tuple[Point, ...] = ()
    validation: tuple[Validation, ...] = ()
    score: float | None = None
    threshold: float | None = None
    best_step: int | None = None
    pruned: bool = False
    diverged: str | None = None


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


#: The stages of a run, in order; adding one starts here.
STAGES: Mapping[str, tuple[type[Inputs], type[Result]]] = {
    "prepare": (PrepareInputs, PrepareResult),
    "fit-generator": (FitGeneratorInputs, FitGeneratorResult),
    "synthesise": (SynthesiseInputs, SynthesiseResult),
    "fit-segmenter": (FitSegmenterInputs, FitSegmenterResult),
    "evaluate": (EvaluateInputs, EvaluateResult),
    "audit": (AuditInputs, AuditResult),
    "attack": (AttackInputs, AttackResult),
}
