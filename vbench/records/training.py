"""What goes into the stages that prepare, train and sample, and what comes out.

Fields that name jobs (``train``, ``initial``) hold keys. For a new field see
:mod:`vbench.records.stages`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

from pydantic import Field, JsonValue

from vbench.labels import LabelMap
from vbench.records.model import Inputs, Record, Result
from vbench.records.parts import (
    Budget,
    GivenWeights,
    Key,
    Params,
    PatchSpec,
    PluginIdentity,
    Point,
    TrialSpec,
)
from vbench.types import CHANNELS, LABELS

V = TypeVar("V")


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

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"unit", "classes", "others"})

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    unit: str | None = None
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
