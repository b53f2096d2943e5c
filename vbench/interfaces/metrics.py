"""Metrics of three kinds: segmentation, fidelity and privacy."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from vbench.interfaces.plugin import Count, Plugin
from vbench.types import Kind, Patches, Score

if TYPE_CHECKING:
    from vbench.masks.maps import MapPair
    from vbench.masks.pair import MaskPair


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
