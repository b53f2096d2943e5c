"""Tells copies from chance: training patients compete with held-out ones for every patch.

Every synthetic patch has a nearest patient among all real ones, trained on or held out. Where
nothing was copied, either kind is as likely to win. A copy stands out twice: its patient wins, and
by far. So the wins of held-out patients are decoys: they show how many wins of training patients by
such a margin are chance (target-decoy competition: Elias & Gygi 2007, Nature Methods 4:207; as
knockoffs in Barber & Candès 2015, arXiv:1404.5609).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from vbench_plugins.metrics.nearest import Matches

Floats = npt.NDArray[Any]
Rival: TypeAlias = Literal["middle", "second"]

#: Margins below this percentile of unseen patients' are not looked at.
_USUAL = 99
#: Flagged patches that are listed; all are counted.
LISTED = 10_000


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


def margins(
    near: Matches,
    far: Matches,
    own: npt.NDArray[np.int64] | None = None,
    rival: Rival = "middle",
) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return how far the nearest subject is ahead of its rival, and which it is.

    Args:
        near: To training subjects, which come first.
        far: To held-out subjects.
        own: The held-out subject of each patch, which does not take part.
        rival: The middle one of all subjects, or the second.
    """
    correlation = np.concatenate([near.similarity, far.similarity], axis=1).astype(np.float64)
    if own is not None:
        correlation[np.arange(len(own)), near.similarity.shape[1] + own] = np.nan
    # Fisher's z: what remains to be explained counts, so 0.99 is far ahead of 0.9.
    z = np.arctanh(np.clip(correlation, -1 + 1e-6, 1 - 1e-6))
    winner = np.nanargmax(z, axis=1)
    best = np.nanmax(z, axis=1)
    if rival == "middle":
        return best - np.nanmedian(z, axis=1), winner
    second = np.partition(np.where(np.isnan(z), -np.inf, z), -2, axis=1)[:, -2]
    return best - np.where(np.isinf(second), best, second), winner


def find_outliers(
    near: Matches,
    far: Matches,
    usual: Floats,
    kind: str,
    false_share: float,
    rival: Rival = "middle",
) -> Found:
    """Return the patches whose nearest subject is a training subject by an unusual margin."""
    targets, decoys = near.similarity.shape[1], far.similarity.shape[1]
    margin, winner = margins(near, far, rival=rival)
    order = np.argsort(-margin, kind="stable")
    order = order[margin[order] > np.percentile(usual, _USUAL)]
    target = winner[order] < targets
    wins = np.cumsum(target)
    expected = (1 + np.cumsum(~target)) * targets / decoys
    fine = np.flatnonzero(expected <= false_share * wins)
    patch = order[: fine[-1] + 1][target[: fine[-1] + 1]] if len(fine) else order[:0]
    place = near.place[patch, winner[patch]]
    return Found(patch, place, near.similarity[patch, winner[patch]], kind)


def flag(found: list[Found], subject: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
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


def risks(flags: list[dict[str, Any]], subject_of: npt.NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the share of each patient's training patches that came out."""
    from scipy.stats import binomtest

    out = []
    for subject in range(int(subject_of.max()) + 1):
        all_of = int((subject_of == subject).sum())
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
