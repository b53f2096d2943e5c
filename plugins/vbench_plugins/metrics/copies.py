"""Finds released patches that come from one training patient, and names both.

How a copy is told from chance is in :mod:`vbench_plugins.metrics.competition`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.interfaces import Count
from vbench.layout import image_channels
from vbench_plugins.metrics.competition import LISTED, Found, find_outliers, flag, margins, risks
from vbench_plugins.metrics.structure import (
    BLANK,
    KINDS,
    Sample,
    Structure,
    matches,
    sample,
    structure,
    turned,
)

Floats = npt.NDArray[Any]

#: Held-out patches that show what unseen patients look like.
_UNSEEN = 1000
#: A correlation of all voxels from which two patches are the same but for rounding.
_VERBATIM = 0.999
#: Only patches whose coarse images correlate by this much are compared voxel by voxel.
_ALIKE = 0.95


class CopiesParams(Params):
    """Parameters of :class:`Copies`."""

    false_share: float = param(0.05, "Share of flagged patches that may be chance.", gt=0, lt=1)


class Copies(PrivacyMetric):
    """Share of released patches that were copied from one training patient, in [0, 1].

    All released patches are looked at. A patch is flagged as ``verbatim`` when its voxels correlate
    with a training patch's by 0.999 or more, as ``near-verbatim`` when they do by more than those
    of unseen patients (by half of the way from their largest correlation to 1), and as ``shape``,
    ``spectrum`` or ``label`` when its nearest patient is a training patient by such a margin that
    at most ``false_share`` of the flagged ones are chance. Contrast, offset, mirroring and turning
    do not hide a copy. Of several channels, ``verbatim`` looks at the first. Lower is better, and
    unseen patients show 0. The risk of a patient is the share of their training patches that come
    out, with the interval of Clopper and Pearson. Alarm: any patch is flagged.
    """

    name = "copies"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    paper = "Elias 2007, doi:10.1038/nmeth1019"
    Params = CopiesParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        made, train, held = (structure(patches) for patches in (synthetic, training, heldout))
        unseen = sample(held, _UNSEEN, seed)
        everything = Sample(np.arange(len(made)), made)
        found = list(_same((synthetic, everything), (training, train), (heldout, unseen)))
        shares: dict[str, float] = {}
        for kind in KINDS:
            near, far = matches(made, train, kind), matches(made, held, kind)
            usual = margins(
                matches(unseen.structure, train, kind),
                matches(unseen.structure, held, kind),
                unseen.structure.subject,
            )[0]
            outliers = find_outliers(near, far, usual, kind, self.params.false_share)
            shares[kind] = len(outliers.patch) / len(made)
            found.append(outliers)
        flags = flag(found, train.subject)
        return Score(
            len(flags) / len(made),
            True,
            {
                "alarm": bool(flags),
                "verbatim": len(found[0].patch) / len(made),
                **shares,
                "patients": risks(flags, train.subject),
                "flagged": flags[:LISTED],
            },
        )


def _same(
    made: tuple[Patches, Sample], train: tuple[Patches, Structure], held: tuple[Patches, Sample]
) -> tuple[Found, Found]:
    """Return the patches that are a training patch, voxel by voxel, or nearly."""
    patch, place, value = _correlations(*made, *train)
    usual = _correlations(*held, *train)[2]
    limit = (1 + max(float(usual.max(initial=0)), _ALIKE)) / 2
    verbatim = value >= max(_VERBATIM, limit)
    nearly = ~verbatim & (value > limit)
    first, second = (
        Found(patch[part], place[part], value[part], name)
        for part, name in ((verbatim, "verbatim"), (nearly, "near-verbatim"))
    )
    return first, second


def _correlations(
    patches: Patches, some: Sample, others: Patches, whole: Structure
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Correlate patches with their nearest others by shape, voxel by voxel, under all symmetries.

    Returns:
        The patches that resemble one at all, its index, and their correlation.
    """
    found = matches(some.structure, whole, "shape")
    best = found.similarity.argmax(axis=1)
    rows = np.flatnonzero(found.similarity[np.arange(len(best)), best] >= _ALIKE)
    places = found.place[rows, best[rows]]
    size, value = tuple(patches.size), np.empty(len(rows))
    views = np.stack(list(turned(np.arange(np.prod(size)).reshape(size), size)))
    for i, (row, place) in enumerate(zip(some.index[rows], places, strict=True)):
        mine, other = (
            np.asarray(image_channels(side.take(np.array([at])))[0, 0], np.float64)
            for side, at in ((patches, row), (others, place))
        )
        value[i] = _correlation(mine, other, views)
    return some.index[rows], places, value


def _correlation(first: Floats, second: Floats, views: npt.NDArray[np.intp]) -> float:
    if min(first.std(), second.std()) < BLANK:
        return 0.0
    centred = (second - second.mean()).ravel() / second.std()
    seen = ((first - first.mean()) / first.std()).ravel()[views]
    return float((seen @ centred).max() / first.size)
