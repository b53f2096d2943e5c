"""Finds released patches that come from one training patient, and names both.

Every synthetic patch has a nearest patient among all real ones, trained on or held out. Where
nothing was copied, either kind is as likely to win. A copy stands out twice: its patient wins, and
by far. So the wins of held-out patients are decoys: they show how many wins of training patients by
such a margin are chance (target-decoy competition: Elias & Gygi 2007, Nature Methods 4:207; as
knockoffs in Barber & Candès 2015, arXiv:1404.5609).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.layout import image_of
from vbench_plugins.metrics.structure import (
    BLANK,
    KINDS,
    Kind,
    Matches,
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
#: Margins below this percentile of unseen patients' are not looked at.
_USUAL = 99
#: A correlation of all voxels from which two patches are the same but for rounding.
_VERBATIM = 0.999
#: Only patches whose coarse images correlate by this much are compared voxel by voxel.
_ALIKE = 0.95
#: Flagged patches that are listed; all are counted.
_LISTED = 10_000


class CopiesParams(Params):
    """Parameters of :class:`Copies`."""

    false_share: float = param(0.05, "Share of flagged patches that may be chance.", gt=0, lt=1)


@dataclass(frozen=True)
class Found:
    """Synthetic patches that come from a training patch.

    Attributes:
        patch: Which ones.
        place: Of each, the training patch.
        similarity: Of each, in [0, 1].
        kind: Of each, how it was found.
    """

    patch: npt.NDArray[np.intp]
    place: npt.NDArray[np.intp]
    similarity: Floats
    kind: str


class Copies(PrivacyMetric):
    """Share of released patches that were copied from one training patient, in [0, 1].

    All released patches are looked at. A patch is flagged as ``verbatim`` when its voxels correlate
    with a training patch's by 0.999 or more, as ``near-verbatim`` when they do by more than those
    of unseen patients (by half of the way from their largest correlation to 1), and as ``shape``,
    ``spectrum`` or ``label`` when its nearest patient is a training patient by such a margin that
    at most ``false_share`` of the flagged ones are chance. Contrast, offset, mirroring and turning
    do not hide a copy. Lower is better, and unseen patients show 0. The risk of a patient is the
    share of their training patches that come out, with the interval of Clopper and Pearson. Alarm:
    any patch is flagged.
    """

    name = "copies"
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
            usual = _margins(
                matches(unseen.structure, train, kind),
                matches(unseen.structure, held, kind),
                unseen.structure.subject,
            )[0]
            outliers = _outliers(near, far, usual, kind, self.params.false_share)
            shares[kind] = len(outliers.patch) / len(made)
            found.append(outliers)
        flags = _flags(found, train.subject)
        return Score(
            len(flags) / len(made),
            True,
            {
                "alarm": bool(flags),
                "verbatim": len(found[0].patch) / len(made),
                **shares,
                "patients": _patients(flags, train),
                "flagged": flags[:_LISTED],
            },
        )


def _margins(
    near: Matches, far: Matches, own: npt.NDArray[np.int64] | None = None
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return how far the nearest subject is ahead of the middle one, and which it is.

    Args:
        near: To training subjects, which come first.
        far: To held-out subjects.
        own: The held-out subject of each patch, which does not take part.
    """
    correlation = np.concatenate([near.similarity, far.similarity], axis=1).astype(np.float64)
    if own is not None:
        correlation[np.arange(len(own)), near.similarity.shape[1] + own] = np.nan
    # Fisher's z: what remains to be explained counts, so 0.99 is far ahead of 0.9.
    z = np.arctanh(np.clip(correlation, -1 + 1e-6, 1 - 1e-6))
    winner = np.nanargmax(z, axis=1)
    return np.nanmax(z, axis=1) - np.nanmedian(z, axis=1), winner


def _outliers(near: Matches, far: Matches, usual: Floats, kind: Kind, false_share: float) -> Found:
    """Return the patches whose nearest subject is a training subject by an unusual margin."""
    targets, decoys = near.similarity.shape[1], far.similarity.shape[1]
    margin, winner = _margins(near, far)
    order = np.argsort(-margin, kind="stable")
    order = order[margin[order] > np.percentile(usual, _USUAL)]
    target = winner[order] < targets
    wins = np.cumsum(target)
    expected = (1 + np.cumsum(~target)) * targets / decoys
    fine = np.flatnonzero(expected <= false_share * wins)
    patch = order[: fine[-1] + 1][target[: fine[-1] + 1]] if len(fine) else order[:0]
    place = near.place[patch, winner[patch]]
    return Found(patch, place, near.similarity[patch, winner[patch]], kind)


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
    value = np.empty(len(rows))
    for i, (row, place) in enumerate(zip(some.index[rows], places, strict=True)):
        mine, other = (
            np.asarray(image_of(side.take(np.array([at])))[0], np.float64)
            for side, at in ((patches, row), (others, place))
        )
        value[i] = _correlation(mine, other)
    return some.index[rows], places, value


def _correlation(first: Floats, second: Floats) -> float:
    if min(first.std(), second.std()) < BLANK:
        return 0.0
    centred = (second - second.mean()).ravel() / second.std()
    views = np.stack(list(turned(first - first.mean(), first.shape))) / first.std()
    return float((views @ centred).max() / first.size)


def _flags(found: list[Found], subject: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return one flag for each patch: of what was found first."""
    flags: dict[int, dict[str, Any]] = {}
    for group in found:
        for patch, place, similarity in zip(
            group.patch, group.place, group.similarity, strict=True
        ):
            flags.setdefault(
                int(patch),
                {
                    "patch": int(patch),
                    "subject": int(subject[place]),
                    "training_patch": int(place),
                    "similarity": round(float(np.clip(similarity, 0, 1)), 4),
                    "kind": group.kind,
                },
            )
    return sorted(flags.values(), key=lambda flag: (-flag["similarity"], flag["patch"]))


def _patients(flags: list[dict[str, Any]], train: Structure) -> list[dict[str, Any]]:
    """Return the share of each patient's training patches that came out."""
    from scipy.stats import binomtest

    out = []
    for subject in range(train.subjects):
        all_of = int((train.subject == subject).sum())
        came_out = len({f["training_patch"] for f in flags if f["subject"] == subject})
        interval = binomtest(came_out, all_of).proportion_ci(0.95)
        out.append(
            {
                "subject": subject,
                "value": came_out / all_of,
                "ci95": [float(interval.low), float(interval.high)],
            }
        )
    return out
