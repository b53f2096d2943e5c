"""The values that flow through vbench: subjects, labelled patches, scores, progress.

Everything here is plain data over numpy arrays, so that importing it costs little and every
layer, and every plugin, can share it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
#: A flat table of named arrays (numpy arrays or torch tensors): what is saved of a model.
Weights: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal["source", "generator", "segmenter", "metric"]

#: The classes of a label, and the channels of an image, by name.
LABELS = ("vessel",)
CHANNELS = ("image",)


@dataclass(frozen=True)
class Subject:
    """One patient or phantom, as a data source returns it.

    Attributes:
        id: Name, unique within its source; letters, digits, ``.``, ``_`` and ``-``.
        image: Intensities ``(X, Y, Z)`` in RAS+ orientation, any unit, finite; of several channels
            ``(channels, X, Y, Z)``, on one grid.
        label: Vessel mask ``(X, Y, Z)``, bool: where any class is.
        mask: Brain mask ``(X, Y, Z)``, bool, or None: prepare then derives a foreground mask.
        spacing: Voxel edge lengths in mm, one per axis.
        affine: Voxel to world matrix ``(4, 4)`` in mm, of the arrays as they are here (RAS+).
        native_affine: Affine of the file as it was read, in its own unit; None when equal to
            ``affine``. Predictions are written back in that space so that they overlay the file.
        unit: Spatial unit of the file: ``mm``, ``micron`` or ``meter``; ``voxel`` where nothing
            says how large a voxel is: spacing and affine count voxels then, and so do distances.
        notes: What a reader should know (``"mask derived"``), and the true tree of a phantom.
        ignore: Voxels that nobody labelled, bool ``(X, Y, Z)``: they are left out of patches,
            thresholds and scores. None: all are labelled.
        values: The label as its file has it, whole numbers of 0 and above ``(X, Y, Z)``, for a spec
            that names several classes; None: there are no other values than those of ``label``.
    """

    id: str
    image: Array
    label: Array
    spacing: tuple[float, float, float]
    affine: Array
    mask: Array | None = None
    native_affine: Array | None = None
    unit: str = "mm"
    notes: Mapping[str, Any] = field(default_factory=dict)
    ignore: Array | None = None
    values: Array | None = None


@dataclass(frozen=True)
class Volume:
    """A prepared subject: normalised, masked, read from the cache as memory-mapped arrays.

    Attributes:
        id: The subject's name.
        image: float16 ``(X, Y, Z)`` in [-1, 1]; -1 outside of the mask. Of several channels
            ``(channels, X, Y, Z)``.
        label: uint8 ``(X, Y, Z)``: the index of the class, 0 for the background.
        mask: bool ``(X, Y, Z)``, where patches are drawn and predictions are made.
        spacing: Voxel edge lengths in mm.
        affine: Voxel to world matrix of these arrays (RAS+, mm).
        native_affine: As in :class:`Subject`, never None.
        unit: Spatial unit of the native file.
        normalise: How ``image`` was normalised; with ``patch-minmax`` each patch is scaled again.
        ignore: Voxels that nobody labelled, bool; None: all are labelled.
        labels: Names of the classes of ``label``.
        channels: Names of the channels of ``image``.
        values: Of each class in predictions that are written.
    """

    id: str
    image: Array
    label: Array
    mask: Array
    spacing: tuple[float, float, float]
    affine: Array
    native_affine: Array
    unit: str = "mm"
    normalise: str = "percentile"
    ignore: Array | None = None
    labels: tuple[str, ...] = LABELS
    channels: tuple[str, ...] = CHANNELS
    values: tuple[int, ...] = (1,)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along the three axes."""
        return tuple(np.shape(self.label))

    @property
    def labelled(self) -> Array | None:
        """Where scores count, bool; None: everywhere."""
        return None if self.ignore is None else ~np.asarray(self.ignore, dtype=bool)


class Patches(ABC):
    """A fixed, indexable set of labelled patches; only what is requested is in memory.

    A labelled patch is float32 ``(channels, *size)``: the image in [-1, 1], then the label, the
    index of the class: 0 or 1 with one class (:mod:`vbench.layout` takes them apart). ``size`` has
    two entries (axial slices) or three.
    """

    #: Extent of a patch in voxels, 2 or 3 entries.
    size: tuple[int, ...]
    #: For each patch, the index of the subject that it comes from; -1 for synthetic patches.
    subject_index: npt.NDArray[np.int32]
    #: Names of the classes of the label, and of the channels of the image.
    labels: tuple[str, ...] = LABELS
    channels: tuple[str, ...] = CHANNELS

    @property
    def volumes(self) -> Sequence[Volume]:
        """The whole volumes that they were cut from, for a method that looks beyond patches.

        In the order of ``subject_index``, unless a person has several. Read only, and none where
        the patches were made. What a method takes from them is not in its count of patches.
        """
        return ()

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of patches."""

    @abstractmethod
    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""

    def draw(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
        """Draw ``n`` patches at random, with replacement, as ``(n, channels, *size)``."""
        return self.take(rng.integers(len(self), size=n))


@dataclass(frozen=True)
class Progress:
    """What a method reports each time it hands control back while it is being fitted.

    Attributes:
        step: Steps done so far, 1-based; the last report has ``step == total``.
        total: Steps in all.
        metrics: Current values by name, such as ``{"loss": 0.3}``; a NaN fails the job.
    """

    step: int
    total: int
    metrics: Mapping[str, float] = field(default_factory=dict)


class Score(NamedTuple):
    """A metric's value for one case.

    Attributes:
        value: The value, in the metric's unit; it counts in means even when not ``defined``.
        defined: False when a rule gave the value because none exists, such as a distance to an
            empty mask; counted in ``n_undefined``.
        details: What an audit shows beside the value, such as ``{"ci95": [0.4, 0.6], "alarm":
            False}``: whatever JSON can hold; :mod:`vbench.audit.verdict` lists the keys that have a
            meaning. Segmentation scores have none.
    """

    value: float
    defined: bool = True
    details: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, found: Score | float) -> Score:
        """Return what a metric's ``score`` returned, a score or a bare number, as a score.

        Raises:
            TypeError: When it is neither.
        """
        score = found if isinstance(found, Score) else cls(found)
        if isinstance(score.value, str | bytes):
            raise TypeError(f"the score is {score.value!r}; expected a number")
        return score._replace(value=float(score.value))

    def finite(self) -> Score:
        """Return this score.

        Raises:
            ValueError: When its value is NaN or infinite.
        """
        if not math.isfinite(self.value):
            raise ValueError(f"the score is {self.value}; expected a finite number")
        return self


@dataclass(frozen=True)
class Cutting:
    """How patches are cut from whole volumes, as ``[patches]`` and ``[data]`` of a spec say it.

    Attributes:
        per_subject: Patches of each volume.
        vessel_centred: The share that is centred on vessel voxels, 0 to 1.
        seed: Of the places.
        normalise: How intensities are brought to [-1, 1]; see :mod:`vbench.data.normalise`.
    """

    per_subject: int = 400
    vessel_centred: float = 0.5
    seed: int = 0
    normalise: str = "percentile"


@dataclass(frozen=True)
class Setup:
    """What a generator or segmenter is built for.

    Attributes:
        size: Patch size in voxels, 2 or 3 entries.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``: where to compute.
        spacing: Voxel edge lengths in mm of the training data, one per axis of a volume; None
            when unknown.
        cutting: How the benchmark cuts its real patches, for a method that has volumes of its own.
        labels: Names of the classes of a label.
        channels: Names of the channels of an image.
    """

    size: tuple[int, ...]
    device: str = "cpu"
    spacing: Sequence[float] | None = None
    labels: tuple[str, ...] = LABELS
    channels: tuple[str, ...] = CHANNELS
    cutting: Cutting = Cutting()

    @property
    def ndim(self) -> int:
        """2 for axial slices, 3 for blocks."""
        return len(self.size)

    @property
    def classes(self) -> int:
        """How many classes a label has, without the background."""
        return len(self.labels)

    @property
    def contrasts(self) -> int:
        """How many channels an image has."""
        return len(self.channels)


@dataclass(frozen=True)
class Portable:
    """A fitted network in terms of MONAI's and torch's classes alone, to be used without vbench.

    Attributes:
        network: Entries of a MONAI config, plain JSON values, of which ``network_def`` is the
            network: it maps standardised images ``(n, channels, *size)`` to logits
            ``(n, 1, *size)``, or of several classes ``(n, classes + 1, *size)``, the background
            first.
        weights: Its state dict.
        mean: What images in [-1, 1] are standardised with.
        sd: Likewise.
        overlap: The share of a window that its neighbour covers, too; 0 to below 1.
        blending: ``gaussian`` or ``constant``: how windows are averaged where they overlap.
    """

    network: Mapping[str, Any]
    weights: Weights
    mean: float = 0.0
    sd: float = 1.0
    overlap: float = 0.5
    blending: str = "gaussian"


@dataclass(frozen=True)
class JobInfo:
    """A job as life-cycle hooks see it.

    Attributes:
        key: Content hash that names the job's artifacts.
        stage: ``prepare``, ``fit-generator``, ``synthesise``, ``fit-segmenter``, ``evaluate``,
            ``audit`` or ``attack``.
        label: What a person reads, such as ``synthetic/wgan-gp · seed 0 · trial 2``.
        benchmark: The benchmark's name.
        arm: The arm that it belongs to; None when several arms share the job.
        seed: The repetition; None when all share the job.
    """

    key: str
    stage: str
    label: str
    benchmark: str
    arm: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed.

    Attributes:
        reason: One of ``error``, ``data``, ``timeout``, ``killed``, ``memory``,
            ``gpu-memory``, ``diverged``, ``contract``, ``damaged``, ``upstream`` and
            ``interrupted``.
        message: One line.
        traceback: The worker's traceback, empty when the process died.
        seconds: Time from start to failure.
    """

    reason: str
    message: str
    traceback: str = ""
    seconds: float = 0.0
