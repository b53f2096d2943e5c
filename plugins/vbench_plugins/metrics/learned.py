"""Finds copies that were moved: shifted, turned by any angle, scaled, or all of it.

A detector finds the most similar patch of each real patient; both patches are then laid over each
other, and the correlation where they overlap takes part in the competition.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.interfaces import Count
from vbench.layout import image_channels, image_of, join_patches, label_of
from vbench_plugins.metrics.competition import LISTED, find_outliers, flag, margins, risks
from vbench_plugins.metrics.nearest import Floats, Matches, nearest

if TYPE_CHECKING:
    from vbench_plugins.metrics.detector import Detector, Looks

#: Patches that are compared together.
_ROWS = 128


class LearnedCopiesParams(Params):
    """Parameters of :class:`LearnedCopies`."""

    false_share: float = param(0.05, "Share of flagged patches that may be chance.", gt=0, lt=1)
    patches: int = param(800, "The most released patches that are looked at.", ge=1)
    unseen: int = param(400, "Held-out patches that show what unseen patients look like.", ge=1)


class LearnedCopies(PrivacyMetric):
    """Share of released patches that are a training patient's in spite of being moved, in [0, 1].

    A detector learns from the real patches, blind to who was trained on, what a shift, a small
    turn, scaling, blur, contrast and noise leave of a patch's frequencies and what tells patches
    apart. A released patch is flagged when its nearest patient is a training patient by such a
    margin that at most ``false_share`` of the flagged ones are chance. Of a large set, ``patches``
    are looked at, drawn at random. Each channel has a detector of its own, and a patch is flagged
    by any of them. Lower is better, and unseen patients show 0. The risk of a
    patient is the share of their training patches that come out, with the interval of Clopper and
    Pearson. Alarm: any patch is flagged.
    """

    name = "learned-copies"
    paper = "Ioffe 2006, doi:10.1007/11744085_41; Elias 2007, doi:10.1038/nmeth1019"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    Params = LearnedCopiesParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        order = np.random.default_rng(seed).permutation(len(synthetic))
        looked = np.sort(order[: self.params.patches])
        found = []
        for channel in range(len(training.channels)):
            learnt = _learn(training, heldout, channel, self.params.unseen, seed)
            made = _Channel(synthetic, channel)
            to_train, to_held = _compared(learnt.detector, made, looked, learnt.near, learnt.far)
            outliers = find_outliers(
                to_train, to_held, learnt.usual, "learned", self.params.false_share, "second"
            )
            found.append(replace(outliers, patch=looked[outliers.patch]))
        near = learnt.near
        flags = flag(found, near.subject)
        return Score(
            len(flags) / len(looked),
            True,
            {
                "alarm": bool(flags),
                "looked_at": len(looked),
                "patients": risks(flags, near.subject),
                "flagged": flags[:LISTED],
            },
        )


@dataclass(frozen=True)
class _References:
    """Real patches that released ones are compared with.

    Attributes:
        subject: Of each, numbered from 0, ``(n,)``.
        points: Their descriptions, ``(n, k)``.
        coarse: The images on the coarse grid, ``(n, *grid)``.
    """

    subject: npt.NDArray[np.int64]
    points: Floats
    coarse: Floats

    @classmethod
    def of(cls, detector: Detector, patches: Patches) -> _References:
        """Describe all patches of a set."""
        points, coarse = [], []
        for first in range(0, len(patches), _ROWS):
            images = _images(patches, np.arange(first, min(first + _ROWS, len(patches))))
            points.append(detector.describe(images))
            coarse.append(detector.coarse(images))
        subject = np.unique(patches.subject_index, return_inverse=True)[1]
        return cls(subject, np.concatenate(points), np.concatenate(coarse))


@dataclass(frozen=True)
class _Learnt:
    """What is learnt of the real patches, whatever they are compared with.

    Attributes:
        detector: Fitted on both sides.
        near: The training patches.
        far: The held-out ones.
        usual: Margins of unseen patients, ``(unseen,)``.
    """

    detector: Detector
    near: _References
    far: _References
    usual: npt.NDArray[np.float64]


class _Channel(Patches):
    """Patches with one of their channels only."""

    def __init__(self, patches: Patches, channel: int) -> None:
        self.size, self.subject_index = patches.size, patches.subject_index
        self._patches, self._channel = patches, channel

    def __len__(self) -> int:
        return len(self._patches)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        taken = self._patches.take(index)
        return join_patches(image_channels(taken)[:, self._channel], label_of(taken))


#: Kept as long as both sets: an audit compares several sets with the same patients.
_LEARNT: weakref.WeakKeyDictionary[
    Patches, weakref.WeakKeyDictionary[Patches, dict[tuple[int, int, int], _Learnt]]
] = weakref.WeakKeyDictionary()


def _learn(training: Patches, heldout: Patches, channel: int, most: int, seed: int) -> _Learnt:
    """Fit a detector of one channel, once for each pair of sets."""
    from vbench_plugins.metrics.detector import Detector

    known = _LEARNT.setdefault(training, weakref.WeakKeyDictionary()).setdefault(heldout, {})
    if (channel, most, seed) not in known:
        training, heldout = (_Channel(patches, channel) for patches in (training, heldout))
        detector = Detector.fit((training, heldout), seed)
        near, far = (_References.of(detector, patches) for patches in (training, heldout))
        unseen = np.sort(np.random.default_rng(seed).permutation(len(heldout))[:most])
        compared = _compared(detector, heldout, unseen, near, far)
        usual = margins(compared[0], compared[1], far.subject[unseen], "second")[0]
        known[channel, most, seed] = _Learnt(detector, near, far, usual)
    return known[channel, most, seed]


def _compared(
    detector: Detector,
    patches: Patches,
    index: npt.NDArray[np.intp],
    near: _References,
    far: _References,
) -> tuple[Matches, Matches]:
    """Compare some patches with all of two sets, and lay each over the nearest of each subject."""
    parts = []
    for first in range(0, len(index), _ROWS):
        looks = detector.looks(_images(patches, index[first : first + _ROWS]))
        parts.append([_laid_over(detector, looks, others) for others in (near, far)])
    to_near, to_far = (
        Matches(
            np.concatenate([part.similarity for part in found]),
            np.concatenate([part.place for part in found]),
            np.max([part.back for part in found], axis=0),
        )
        for found in zip(*parts, strict=True)
    )
    return to_near, to_far


def _laid_over(detector: Detector, looks: Looks, others: _References) -> Matches:
    def views(rows: slice) -> Floats:
        return looks.vectors[rows]

    found = nearest(views, len(looks.vectors), others.points, others.subject)
    alike = np.empty_like(found.similarity)
    for who, place in enumerate(found.place.T):
        view = np.einsum("nvk,nk->nv", looks.vectors, others.points[place]).argmax(axis=1)
        alike[:, who] = detector.alike(looks, view, others.coarse[place])
    return replace(found, similarity=np.tanh(alike))


def _images(patches: Patches, index: npt.NDArray[np.intp]) -> Floats:
    return np.asarray(image_of(patches.take(index)), np.float32)
