"""Stage ``evaluate``: scores the selected trial of an arm on the test subjects, once."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from vbench.engine.context import Context
from vbench.engine.stages.base import Lengths, Stage
from vbench.engine.stages.common import (
    chosen,
    fitted_segmenter,
    metric_of,
    open_volumes,
    segmenter_of,
)
from vbench.files import write_npy
from vbench.interfaces import SegmentationMetric
from vbench.labels import written
from vbench.masks.slices import ray
from vbench.perclass import scores_by_class
from vbench.records.judging import Case, EvaluateInputs, EvaluateResult
from vbench.records.training import FitSegmenterResult
from vbench.types import Array, Score, Volume


class Evaluate(Stage[EvaluateInputs, EvaluateResult]):
    """Predicts and scores.

    Artifacts ``predictions/<subject>.nii.gz`` and ``mip/<subject>.npy``.
    """

    name = "evaluate"
    version = 3
    gpu = True
    seconds = 5.0

    def run(self, context: Context, inputs: EvaluateInputs) -> EvaluateResult:
        """Predict and score each test subject."""
        from vbench.data.nifti import write_like_native
        from vbench.data.predict import decided, predict_volume

        trial = chosen(context.store, inputs.trials, inputs.higher_is_better)
        fitted = context.store.result(trial.key, FitSegmenterResult)
        threshold = fitted.threshold
        cls = segmenter_of(context, inputs.plugin)
        segmenter = fitted_segmenter(context.store, trial.key, cls, inputs.size, context.device)
        metrics = [cast(SegmentationMetric, metric_of(context, m)) for m in inputs.metrics]
        cases: list[Case] = []
        faults: dict[str, str] = {}
        volumes = open_volumes(context.store, inputs.test)
        labels = segmenter.setup.labels
        for number, volume in enumerate(volumes):
            context.report(number, len(volumes), {})
            prediction = decided(predict_volume(segmenter, volume), threshold)
            write_like_native(
                context.folder / "predictions" / f"{volume.id}.nii.gz",
                written(prediction, volume.values),
                volume,
            )
            labelled = volume.labelled
            scored = prediction if labelled is None else prediction * labelled
            write_npy(context.folder / "mip" / f"{volume.id}.npy", projections(volume, scored))
            cases += _cases(metrics, volume, scored, inputs.seed, faults)
            context.report(number + 1, len(volumes), {})
        return EvaluateResult(
            trial=trial.number,
            params=fitted.params,
            tuned=fitted.tuned,
            checkpoint=fitted.checkpoint,
            threshold=threshold,
            validation_score=cast(float, fitted.score),
            cases=tuple(cases),
            metric_faults=faults,
            labels=labels if len(labels) > 1 else None,
        )

    def amount(
        self, inputs: EvaluateInputs, lengths: Lengths, result: EvaluateResult | None = None
    ) -> float:
        """Return the number of test subjects."""
        return float(len(inputs.test))


STAGE = Evaluate()


def _cases(
    metrics: Sequence[SegmentationMetric],
    volume: Volume,
    found: Array,
    seed: int,
    faults: dict[str, str],
) -> list[Case]:
    """Score one subject; a metric that breaks costs its value only, never the arm's others."""
    from vbench.masks.maps import MapPair
    from vbench.masks.pair import MaskPair

    def broken(metric: SegmentationMetric, error: Exception) -> None:
        told = "".join(traceback.format_exception(error))
        faults.setdefault(metric.name, f"{type(error).__name__}: {error}\n{told}")

    def case(metric: SegmentationMetric, score: Score | None, label: str | None = None) -> Case:
        status = "failed" if score is None else "ok" if score.defined else "undefined"
        value = None if score is None else score.value
        return Case(subject=volume.id, metric=metric.name, value=value, status=status, label=label)

    labelled = volume.labelled
    if len(volume.labels) > 1:
        maps = MapPair(found, volume.label, volume.spacing, volume.labels, labelled, seed)
        scored = scores_by_class(metrics, maps, broken)
        return [case(each.metric, each.score, each.label) for each in scored]
    truth = np.asarray(volume.label) > 0
    pair = MaskPair(found > 0, truth, volume.spacing, mask=labelled, seed=seed)
    cases = []
    for metric in metrics:
        try:
            score: Score | None = Score.of(metric.score(pair)).finite()
        except Exception as error:
            broken(metric, error)
            score = None
        cases.append(case(metric, score))
    return cases


def projections(volume: Volume, prediction: Array) -> npt.NDArray[np.uint8]:
    """Return maximum-intensity projections along the last axis, uint8 ``(3, X, Y)``.

    Image (of the first channel, scaled to 0…255), reference and prediction (0 or 255; of several
    classes the index of the nearest one that the ray meets). One slice is shown in its plane.
    """
    axis = ray(volume.shape)
    image = np.asarray(volume.image if len(volume.channels) == 1 else volume.image[0])
    image = image.max(axis=axis).astype(np.float32)
    classes = len(volume.labels)
    flat = [_seen(np.asarray(each), axis, classes) for each in (volume.label, prediction)]
    return np.stack([np.clip((image + 1) * 127.5, 0, 255).astype(np.uint8), *flat])


def _seen(label: Array, axis: int, classes: int) -> npt.NDArray[np.uint8]:
    """Return a label along a ray: 0 or 255, or with several classes the first that is met."""
    if classes == 1:
        found: npt.NDArray[np.uint8] = (label.max(axis=axis) > 0).astype(np.uint8) * 255
        return found
    first = np.expand_dims((label > 0).argmax(axis=axis), axis)
    return np.take_along_axis(label, first, axis).squeeze(axis).astype(np.uint8)
