"""Scores of label maps: of each class, and the mean over the classes of a subject.

A class that neither map has is not counted. One that only one map has is scored as a mask against
an empty one: the worst value, by each score's own rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from vbench.interfaces import LabelMapMetric, SegmentationMetric
from vbench.masks.maps import MapPair
from vbench.masks.pair import MaskPair
from vbench.types import Score

#: Is told which score broke, and how.
Broken = Callable[[SegmentationMetric, Exception], None]


class ClassScore(NamedTuple):
    """A score of one subject.

    Attributes:
        metric: The metric.
        label: The class; None: over all classes.
        score: None where it broke.
    """

    metric: SegmentationMetric
    label: str | None
    score: Score | None


def scores_by_class(
    metrics: Sequence[SegmentationMetric], maps: MapPair, broken: Broken
) -> Iterator[ClassScore]:
    """Score one subject: by metric, first over all classes, then each class that is there.

    Args:
        metrics: What to score by. A :class:`~vbench.interfaces.LabelMapMetric` scores all classes
            at once, and none alone.
        maps: Prediction and reference.
        broken: Is told of a metric that raises; its other scores go on.
    """

    def tried(metric: SegmentationMetric, score: Callable[[], Score | float]) -> Score | None:
        try:
            return Score.of(score()).finite()
        except Exception as error:
            broken(metric, error)
            return None

    found: dict[int, list[ClassScore]] = {number: [] for number in range(len(metrics))}
    # One class after the other, so that what is computed of one is not kept for all.
    for index in maps.either:
        pair = _masks(maps, index)
        for number, metric in enumerate(metrics):
            if not isinstance(metric, LabelMapMetric):
                score = tried(metric, partial(metric.score, pair))
                found[number].append(ClassScore(metric, maps.labels[index - 1], score))
    for number, metric in enumerate(metrics):
        if isinstance(metric, LabelMapMetric):
            whole = tried(metric, partial(metric.score_map, maps))
        elif not found[number]:  # nothing is there, and nothing was found
            whole = tried(metric, partial(metric.score, maps.merged))
        else:
            whole = mean_of([each.score for each in found[number]])
        yield ClassScore(metric, None, whole)
        yield from found[number]


def overall(metric: SegmentationMetric, maps: MapPair) -> float:
    """Return one metric over all classes of a subject.

    Raises:
        Exception: What the metric raised.
    """
    errors: list[Exception] = []
    scored = scores_by_class([metric], maps, lambda _, error: errors.append(error))
    whole = next(iter(scored)).score
    if whole is None:
        raise errors[0]
    return whole.value


def mean_of(scores: Sequence[Score | None]) -> Score | None:
    """Return the mean over classes; None when one broke."""
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return None
    value = sum(score.value for score in known) / len(known)
    return Score(value, all(score.defined for score in known))


def _masks(maps: MapPair, index: int) -> MaskPair:
    predicted, true = maps.prediction == index, maps.truth == index
    return MaskPair(predicted, true, maps.spacing, maps.mask, maps.seed)
