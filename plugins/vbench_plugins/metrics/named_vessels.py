"""Scores of label maps with named vessels: side roads that are found, neighbours that cannot be.

They need all classes of a subject at once. What TopCoW and TopBrain average over the classes of a
subject, such as Dice and the error of the number of components, are the scores of one class each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from vbench import LabelMapMetric, MapPair, Score
from vbench.interfaces import Params, param
from vbench_plugins.metrics.overlap import FOUND, jaccard

Outcome: TypeAlias = Literal["TP", "TN", "FP", "FN"]
#: What side roads are called: those of TopCoW (communicating arteries, third A2), and those that
#: TopBrain adds (third A3, cerebellar, choroidal, ophthalmic, middle meningeal; basal veins).
SIDE_ROADS = r"([RL]-)?(Pcom|SCA|AICA|PICA|AChA|OA|MMA|BVR)|Acom|3rd-A[23]|ICVs"
_SOURCE = "Yang 2023, arXiv:2312.17670; TopBrain 2025, topbrain2025.grand-challenge.org"


class SideRoadParams(Params):
    """Parameters of :class:`SideRoads`."""

    classes: tuple[str, ...] = param(
        (), "classes that are side roads; none: those that TopCoW and TopBrain call so, or all "
        "classes where there are none of these names",
    )  # fmt: skip
    iou: float = param(FOUND, "overlap from which a vessel is found", gt=0, le=1)


class SideRoads(LabelMapMetric):
    """F1 of finding a subject's side roads, 2·TP / (2·TP + FP + FN), in [0, 1]; higher is better.

    A vessel is found (TP) when prediction and reference share a quarter of their union, IoU ≥ 0.25;
    it is missed (FN) when the reference has it and it is not found, and made up (FP) when only the
    prediction has it. Side roads are TopCoW's communicating arteries and third A2, and what
    TopBrain adds to them; all classes where none is called so. Both maps are empty of them: 1, not
    defined.

    The challenges count each class over all subjects first, and average over classes then:
    :func:`average_f1`.
    """

    name = "side-road-f1"
    paper = _SOURCE
    Params = SideRoadParams

    def score_map(self, maps: MapPair) -> Score:
        """Score one subject."""
        found = list(self.outcomes(maps).values())
        hits, misses = found.count("TP"), found.count("FP") + found.count("FN")
        if not hits + misses:
            return Score(1.0, defined=False)
        return Score(2 * hits / (2 * hits + misses))

    def outcomes(self, maps: MapPair) -> dict[str, Outcome]:
        """Return what became of each side road, by its name."""
        wanted = self.params.classes or [n for n in maps.labels if re.fullmatch(SIDE_ROADS, n)]
        found: dict[str, Outcome] = {}
        for index, name in enumerate(maps.labels, start=1):
            if not wanted or name in wanted:
                found[name] = self._outcome(maps, index)
        return found

    def _outcome(self, maps: MapPair, index: int) -> Outcome:
        predicted, true = (index in present for present in maps.present)
        if not true:
            return "FP" if predicted else "TN"
        return "TP" if jaccard(maps.of(index)) >= self.params.iou else "FN"


def average_f1(subjects: Iterable[Mapping[str, Outcome]]) -> dict[str, float]:
    """Return the F1 of each class over subjects, and under ``mean`` their mean, as TopCoW ranks by.

    A class that no subject has and no prediction shows counts 0, as there.

    Args:
        subjects: Of each, what became of its side roads (:meth:`SideRoads.outcomes`).
    """
    counts: dict[str, dict[str, int]] = {}
    for outcomes in subjects:
        for name, outcome in outcomes.items():
            of_class = counts.setdefault(name, dict.fromkeys(("TP", "TN", "FP", "FN"), 0))
            of_class[outcome] += 1
    found: dict[str, float] = {}
    for name, of_class in counts.items():
        hits, misses = of_class["TP"], of_class["FP"] + of_class["FN"]
        found[name] = 2 * hits / (2 * hits + misses) if hits + misses else 0.0
    mean = sum(found.values()) / len(found) if found else 0.0
    return {**found, "mean": mean}


class NeighbourParams(Params):
    """Parameters of :class:`InvalidNeighbours`."""

    valid: tuple[tuple[str, str], ...] = param(
        (), "pairs of classes that may touch; none: those that touch in the subject's reference"
    )


class InvalidNeighbours(LabelMapMetric):
    """Mean number of classes that a predicted class touches wrongly; a count, lower is better.

    Classes touch when voxels of them share a corner. The mean is over the classes that the
    prediction has; an empty one has none: 0. Those that touch in the subject's reference may touch.
    TopBrain has a list for all subjects instead: the parameter ``valid``.
    """

    name = "invalid-neighbours"
    higher_is_better = False
    paper = "TopBrain 2025, topbrain2025.grand-challenge.org"
    Params = NeighbourParams

    def score_map(self, maps: MapPair) -> Score:
        """Score one subject."""
        predicted, true = maps.touching
        known = {name: index for index, name in enumerate(maps.labels, start=1)}
        named = [tuple(sorted(known[n] for n in pair if n in known)) for pair in self.params.valid]
        invalid = predicted - (set(named) if self.params.valid else true)
        # Each pair counts for both of its classes.
        present: Sequence[int] = maps.present[0]
        return Score(2 * len(invalid) / len(present) if present else 0.0)
