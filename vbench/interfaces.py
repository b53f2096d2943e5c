"""What a plugin implements: DataSource, Generator, Segmenter and three kinds of Metric.

A plugin is a class. Its parameters are a pydantic model, :class:`~vbench.params.Params`, whose
fields say default, range, unit, and whether and how Optuna tunes them. vbench owns everything
else: the loop, seeds, time limits, checkpoints, validation, files. A method that learns is
written as a generator function that yields :class:`~vbench.types.Progress`; between two yields
vbench may log, validate, save a checkpoint, or stop.

Import heavy libraries (torch, monai) inside methods, not at the top of the module: ``vbench
plan`` and ``vbench validate`` load plugin classes and should start at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vbench.labels import LabelMap
from vbench.params import Params, length_param, param
from vbench.types import (
    CHANNELS,
    Array,
    Kind,
    Patches,
    Portable,
    Progress,
    Score,
    Setup,
    Subject,
    Weights,
)

if TYPE_CHECKING:
    from vbench.masks.maps import MapPair
    from vbench.masks.pair import MaskPair

__all__ = [
    "DataSource",
    "FidelityMetric",
    "Fitted",
    "Generator",
    "LabelMapMetric",
    "Metric",
    "Params",
    "Plugin",
    "PrivacyMetric",
    "SegmentationMetric",
    "Segmenter",
    "length_param",
    "param",
]


#: How many classes or channels a plugin takes.
Count = int | Literal["any"]
#: Patches that :meth:`Generator.sample_many` samples at once; bounds memory.
AT_ONCE = 512


class Plugin(ABC):
    """What all plugins have.

    Attributes:
        kind: Set by the base class of each kind.
        name: How a spec names it: lower case letters, digits and ``-``.
        paper: Where the method comes from (authors, year, DOI or arXiv number); may be empty.
        Params: The parameter model.
        tiny: Parameters with which it runs within a second, for tests.
        members: For a family, whose ``name`` ends with ``:*``: the members that are listed.
    """

    kind: ClassVar[Kind]
    name: ClassVar[str]
    paper: ClassVar[str] = ""
    Params: ClassVar[type[Params]] = Params
    tiny: ClassVar[Mapping[str, Any]] = {}
    members: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def member(cls, name: str) -> type[Plugin]:
        """Return the class of one member of a family, the same one each time.

        A plugin that is registered as ``lib:*`` is asked for ``lib:Net`` as ``member("Net")``. It
        may offer more members than it lists.

        Raises:
            PluginError: When there is no such member; with the nearest name.
        """
        raise NotImplementedError(f"{cls.__name__} is no family")


class DataSource(Plugin):
    """Where subjects come from: a folder of NIfTI files, or a procedure.

    Call order: ``subjects``, then ``fingerprint`` and ``load`` for any of them, in any order and
    from several processes. Each call is deterministic.

    Attributes:
        patients: Whether its subjects are people; False for a procedure that makes them up.
        valued: Whether subjects have ``values`` where ``label_map`` is set, so that a spec may name
            classes.
        channels: How many channels of an image it reads: 1, or ``"any"``.
        label_map: The classes that the spec names; None: vessel or not. Set by vbench before
            anything is asked.
        channel_names: The channels that the spec names, in their order in ``Subject.image``.
            Likewise.
    """

    kind: ClassVar[Kind] = "source"
    patients: ClassVar[bool] = True
    valued: ClassVar[bool] = False
    channels: ClassVar[Count] = 1
    label_map: LabelMap | None = None
    channel_names: tuple[str, ...] = CHANNELS
    #: Parameters that differ by role (``source``, ``target``) unless the spec names them.
    role_defaults: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init__(self, params: Any) -> None:
        """Keep the parameters; read nothing yet.

        Args:
            params: An instance of this class's ``Params``.
        """
        self.params = params

    @abstractmethod
    def subjects(self, wanted: int | None = None) -> list[str]:
        """Name the subjects, in a stable order.

        Args:
            wanted: How many the split asks for, None when it is given in fractions or names. A
                folder lists what it has, whatever is wanted; a procedure makes that many.

        Raises:
            DataError: When the folder is missing or not of this layout.
        """

    @abstractmethod
    def fingerprint(self, subject: str) -> str:
        """Return a digest of the subject's content, without decoding it where that can be avoided.

        It changes when the content does, and only then: not with the folder's place.
        """

    def anatomy(self, subject: str) -> list[str]:
        """Return digests that this subject shares with the same head under another name or noise.

        vbench refuses subjects that share one in source and target, or in two parts of the split;
        one that begins with ``label`` counts only between source and target.
        """
        return [self.fingerprint(subject)]

    @abstractmethod
    def load(self, subject: str) -> Subject:
        """Read or make one subject.

        Raises:
            DataError: Naming the file, what was expected and how to fix it.
        """

    def shape_of(self, subject: str) -> tuple[int, int, int] | None:
        """Return the shape of a subject's arrays; None when only loading it tells.

        Patches that do not fit are then refused before anything is trained.
        """
        return None

    def group_of(self, subject: str) -> str:
        """Name the person whose subject it is, when one person may have several.

        All subjects of a person are in one part of the split, and count once in tests.
        """
        return subject

    def described(self, subject: str) -> Mapping[str, str]:
        """Return what is known of a subject beside its image, by column: scanner, sex, pathology.

        Scores are told by these columns where a spec names them as ``subgroups``. Empty, as here,
        when nothing is known; a column is left out, or ``n/a``, where it is not of this subject.

        Raises:
            DataError: When the table that says so cannot be read.
        """
        return {}

    def known_labels(self) -> LabelMap | None:
        """Return the classes as the data set names them itself, for ``labels = "dataset"``.

        None, as here, when it names none.

        Raises:
            DataError: When it does, but they are of no use; naming the file.
        """
        return None

    def attachments(self, subject: Subject) -> Mapping[str, str]:
        """Return texts that ``vbench data make`` writes beside a subject's label.

        Args:
            subject: As ``load`` returned it.

        Returns:
            Text by file suffix, such as ``.swc``.
        """
        return {}


class Fitted(Plugin):
    """A method that is fitted on labelled patches: what generators and segmenters share.

    vbench builds it, may call ``load_weights`` (a segmenter that starts from a pre-trained one)
    or ``load_state`` (an interrupted fit that goes on), iterates over ``fit``, and between two
    steps calls ``weights`` (to keep the state as a candidate) and ``state`` (to resume). A method
    must not touch global random state, nor change the arrays that it is given. Every seed is a
    whole number in [0, 2**31), in runs as in the conformance kit, so that scikit-learn and torch
    take it; derive more of them with ``np.random.default_rng([seed, i])``, not by arithmetic.

    Attributes:
        ndims: The patch dimensions that it takes.
        gpu: Whether it computes on ``setup.device``; False for a method that needs the CPU only,
            so that its jobs keep no GPU from others.
        classes: How many classes of a label it takes beside the background: 1, another number at
            most, or ``"any"``; ``setup.labels`` names those of a benchmark.
        channels: Likewise, how many channels of an image; ``setup.channels`` names them.
    """

    ndims: ClassVar[tuple[int, ...]] = (2, 3)
    gpu: ClassVar[bool] = True
    classes: ClassVar[Count] = 1
    channels: ClassVar[Count] = 1

    def __init__(self, params: Any, setup: Setup) -> None:
        """Build the method for a patch size and a device, before any data is seen.

        Args:
            params: An instance of this class's ``Params``.
            setup: Patch size, device, spacing, classes, channels.

        Raises:
            ValueError: When it cannot handle ``setup.size``: say which sizes it can.
        """
        self.params = params
        self.setup = setup

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Raise ``ValueError`` when these parameters cannot work for this setup.

        Called by ``vbench validate``, before any training; must be quick and import nothing heavy.
        """

    @classmethod
    def files(cls, params: Any) -> Mapping[str, Path]:
        """Name the files that its result depends on, beside the patches that it is fitted on.

        vbench puts their content into the keys of its jobs, so that a changed file is computed
        anew. Where they lie does not count: parameters that are a ``Path`` are left out of the
        key, and ``fit`` alone may read them; what sampling and predicting need goes into
        ``weights``. A parameter called ``path``, or ``…_path``, is relative to the spec that
        names it.

        Args:
            params: An instance of this class's ``Params``.

        Returns:
            Files by a name that stays the same wherever they lie; none: it needs no file.

        Raises:
            DataError: When a file is missing or wrong: what is expected, and how to mend it.
        """
        return {}

    @classmethod
    def training_steps(cls, params: Any, patches: int) -> int | None:
        """Return how many optimiser steps a training on this many patches takes.

        The parameter that is marked as the length of training, unless a method overrides this,
        for a length in epochs, say. None when it is not known before the training.
        """
        name = length_param(cls.Params)
        return None if name is None else int(getattr(params, name))

    @classmethod
    def settings_for(cls, steps: int) -> Mapping[str, Any]:
        """Return the parameters with which a training takes this many steps, whatever the patches.

        Empty when the length of training cannot be set.
        """
        name = length_param(cls.Params)
        return {} if name is None else {name: steps}

    @abstractmethod
    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn from labelled patches, yielding at least once, ``step == total`` last.

        The same seed, data and parameters give the same result on the same machine and thread
        count. After ``load_state`` it goes on from the step that the state was taken at.
        """

    @abstractmethod
    def weights(self) -> Weights:
        """Return what sampling or predicting needs: a flat dict of arrays, safe to keep.

        Names are free; values are numpy arrays or torch tensors. Nothing is pickled.
        """

    @abstractmethod
    def load_weights(self, weights: Weights) -> None:
        """Take over what ``weights`` returned, of an instance with the same parameters."""

    @classmethod
    def settle(cls, params: Any, setup: Setup) -> Mapping[str, Any]:
        """Answer parameters that leave something to the machine, such as ``precision = "auto"``.

        Called once, where the run is planned: the answers are the parameters of all its jobs, and
        part of their keys. Keys are parameter names; empty when nothing is left open.
        """
        return {}

    def resolved(self) -> Mapping[str, Any]:
        """Return parameters that became another value while it was fitted, by their names.

        Such as a length in steps that was given in epochs. vbench records them over the given
        ones, and builds the method with them when it samples or predicts.
        """
        return {}

    def state(self) -> Weights | None:
        """Return all that ``fit`` needs to go on from here, or None when it cannot resume.

        Weights, optimiser moments, random states and the step, as a flat dict of arrays. A method
        that returns None is fitted again from the start after an interruption.
        """
        return None

    def load_state(self, state: Weights) -> None:
        """Take over what ``state`` returned; ``fit`` then goes on from there."""
        raise NotImplementedError(f"{type(self).__name__} cannot resume")


class Generator(Fitted):
    """Learns the distribution of labelled patches, then samples new ones.

    Attributes:
        learns: What its samples owe to the patches that it is fitted on: ``patches`` when it may
            take anything from them, ``summary`` when all that it keeps is a few numbers over all
            of them, ``nothing`` when it ignores them, ``elsewhere`` when its samples were made
            before, from data that vbench does not know. A datasheet says so. One that learns
            elsewhere is run before anything is trained, and is not trained again for attacks.
    """

    kind: ClassVar[Kind] = "generator"
    learns: ClassVar[Literal["patches", "summary", "nothing", "elsewhere"]] = "patches"

    @abstractmethod
    def sample(self, n: int, *, seed: int) -> Array:
        """Sample labelled patches.

        Each patch depends on the weights, ``seed`` and its own index only, not on ``n`` or on
        the others: ``sample(5)`` begins with what ``sample(3)`` returns, up to rounding.

        Returns:
            float32 ``(n, channels, *size)``: image in [-1, 1], label the index of the class, 0 or 1
            where there is one.
        """

    def sample_many(self, n: int, *, seed: int) -> Iterator[Array]:
        """Yield ``n`` labelled patches, a few hundred at a time: those that others train on.

        Override it where samples are not independent, such as a set that is handed out once
        through before any of its patches comes again.
        """
        for number, start in enumerate(range(0, n, AT_ONCE)):
            yield self.sample(min(AT_ONCE, n - start), seed=seed + number)

    def remarks(self) -> Sequence[str]:
        """Return what a reader of the results should know of this fit, a sentence each.

        Asked once it is fitted; vbench records it and shows it beside the results.
        """
        return ()

    def guarantee(self) -> Mapping[str, Any] | None:
        """Return the differential privacy that its training has, or None: it has none.

        vbench records it beside the fitted generator.

        Returns:
            JSON values: ``epsilon``, ``delta``, the ``unit`` whose data may change (``"patient"``),
            the ``accountant``, and what else it takes to compute epsilon again.
        """
        return None

    def membership_scores(self, patches: Array) -> Array | None:
        """Return how much each patch looks to the fitted method like one that it was fitted on.

        What an attacker may compute who holds the method itself, not only its samples: a critic's
        score, a likelihood, a training loss with its sign changed. Higher: more like a training
        patch; the unit is free. An audit compares training with held-out patients by it.

        Args:
            patches: float32 ``(n, channels, *size)``, as :meth:`sample` returns them; may be
                changed.

        Returns:
            ``(n,)``, finite, after ``load_weights`` the same as before; None, as here, when the
            method has no such thing.
        """
        return None


class Segmenter(Fitted):
    """Learns to find vessels from labelled patches, then maps a whole volume to probabilities."""

    kind: ClassVar[Kind] = "segmenter"

    @abstractmethod
    def predict(self, image: Array, mask: Array) -> Array:
        """Predict a volume of any shape.

        Args:
            image: ``(X, Y, Z)`` in [-1, 1], any float type, -1 outside of the mask; of several
                channels ``(channels, X, Y, Z)``.
            mask: bool ``(X, Y, Z)``: the prediction is used inside only, so that work outside
                can be left out.

        Returns:
            float32 ``(X, Y, Z)``, vessel probability in [0, 1], finite everywhere. Outside of the
            mask vbench puts 0 in its place. With several classes ``(classes + 1, X, Y, Z)``: the
            probability of the background, then of each class.
        """

    def portable(self) -> Portable | None:
        """Return the fitted network for use without vbench, or None: it cannot leave.

        ``vbench export-model`` writes it as a MONAI bundle, and checks that it gives the same
        probabilities.
        """
        return None

    def features(self, patches: Array) -> Array | None:
        """Return what the fitted method sees of labelled patches, or None when it offers nothing.

        Fidelity scores compare synthetic with real patches by these vectors, when the segmenter
        was fitted on real patches; with a method that does not override this, by a fixed bank of
        filters.

        Args:
            patches: float32 ``(n, channels, *size)``, of the size that it was built for.

        Returns:
            ``(n, d)``, finite, the vector of each patch independent of the others.
        """
        return None


class Metric(Plugin):
    """What all metrics have; implement one of the three kinds below.

    Attributes:
        family: Which of the three kinds, set by the base class.
        version: Raised when the definition changes; ``hd95`` version 1 is cited as ``hd95@1``.
        unit: ``""`` for a pure number, else such as ``"mm"``.
        higher_is_better: The direction; None when neither (a descriptive value).
    """

    kind: ClassVar[Kind] = "metric"
    family: ClassVar[Literal["segmentation", "fidelity", "privacy"]]
    version: ClassVar[int] = 1
    unit: ClassVar[str] = ""
    higher_is_better: ClassVar[bool | None] = True

    def __init__(self, params: Any = None) -> None:
        """Keep the parameters.

        Args:
            params: An instance of this class's ``Params``; the defaults when None.
        """
        self.params: Any = self.Params() if params is None else params

    @property
    def id(self) -> str:
        """The versioned name, such as ``hd95@1``."""
        return f"{self.name}@{self.version}"


class SegmentationMetric(Metric):
    """Compares a predicted mask with the reference, for one subject."""

    family = "segmentation"

    @abstractmethod
    def score(self, pair: MaskPair) -> Score | float:
        """Score one subject.

        Args:
            pair: Prediction and reference, with what scores share computed at most once.
        """


class LabelMapMetric(SegmentationMetric):
    """Compares whole label maps, for what no class tells alone, such as which classes touch."""

    @abstractmethod
    def score_map(self, maps: MapPair) -> Score | float:
        """Score one subject, all classes at once.

        Args:
            maps: Prediction and reference by class, with what scores share computed at most once.
        """

    def score(self, pair: MaskPair) -> Score | float:
        """Score masks as maps of one class."""
        from vbench.masks.maps import MapPair

        return self.score_map(MapPair.of_masks(pair))


class FidelityMetric(Metric):
    """Compares synthetic with real patches: how similar are the distributions?

    Attributes:
        classes: How many classes of a label it takes: 1, or ``"any"``.
        channels: How many channels of an image.
    """

    family = "fidelity"
    classes: ClassVar[Count] = 1
    channels: ClassVar[Count] = 1

    @abstractmethod
    def score(
        self, synthetic: Patches, real: Patches, *, features: Any, seed: int
    ) -> Score | float:
        """Score one set of synthetic patches.

        Args:
            synthetic: What a generator sampled.
            real: Real patches that the generator has not seen, as many.
            features: Maps patches ``(n, channels, *size)`` to feature vectors ``(n, d)``.
            seed: For scores that sub-sample.
        """


class PrivacyMetric(Metric):
    """Measures what synthetic patches give away of those that the generator was fitted on.

    Attributes:
        classes: How many classes of a label it takes: 1, or ``"any"``.
        channels: How many channels of an image.
    """

    family = "privacy"
    classes: ClassVar[Count] = 1
    channels: ClassVar[Count] = 1

    @abstractmethod
    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score | float:
        """Score one set of synthetic patches.

        Args:
            synthetic: What a generator sampled.
            training: The patches that it was fitted on.
            heldout: Patches of subjects that it never saw.
            features: Maps patches ``(n, channels, *size)`` to feature vectors ``(n, d)``.
            seed: For scores that sub-sample.
        """
