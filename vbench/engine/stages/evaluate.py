"""Stage ``evaluate``: scores the selected trial of an arm on the test subjects, once."""

from __future__ import annotations

import traceback
from typing import Any, Literal, cast

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
from vbench.masks.slices import ray
from vbench.records.stages import Case, EvaluateInputs, EvaluateResult, FitSegmenterResult
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
        from vbench.data.predict import predict_volume
        from vbench.masks.pair import MaskPair

        trial = chosen(context.store, inputs.trials, inputs.higher_is_better)
        fitted = context.store.result(trial.key, FitSegmenterResult)
        threshold = cast(float, fitted.threshold)
        cls = segmenter_of(context, inputs.plugin)
        segmenter = fitted_segmenter(context.store, trial.key, cls, inputs.size, context.device)
        metrics = [cast(SegmentationMetric, metric_of(context, m)) for m in inputs.metrics]
        cases: list[Case] = []
        faults: dict[str, str] = {}
        volumes = open_volumes(context.store, inputs.test)
        for number, volume in enumerate(volumes):
            context.report(number, len(volumes), {})
            probabilities = predict_volume(segmenter, volume)
            prediction = probabilities >= threshold
            write_like_native(
                context.folder / "predictions" / f"{volume.id}.nii.gz",
                prediction.astype(np.uint8),
                volume,
            )
            labelled = volume.labelled
            scored = prediction if labelled is None else prediction & labelled
            write_npy(context.folder / "mip" / f"{volume.id}.npy", projections(volume, scored))
            truth = np.asarray(volume.label) > 0
            pair = MaskPair(scored, truth, volume.spacing, mask=labelled, seed=inputs.seed)
            for metric in metrics:
                value, status = _score(metric, pair, faults)
                cases.append(
                    Case(subject=volume.id, metric=metric.name, value=value, status=status)
                )
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
        )

    def amount(
        self, inputs: EvaluateInputs, lengths: Lengths, result: EvaluateResult | None = None
    ) -> float:
        """Return the number of test subjects."""
        return float(len(inputs.test))


STAGE = Evaluate()


def _score(
    metric: SegmentationMetric, pair: Any, faults: dict[str, str]
) -> tuple[float | None, Literal["ok", "undefined", "failed"]]:
    """Score one case; a metric that breaks costs its value only, never the arm's others."""
    try:
        score = Score.of(metric.score(pair)).finite()
        return score.value, "ok" if score.defined else "undefined"
    except Exception as error:
        faults.setdefault(metric.name, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        return None, "failed"


def projections(volume: Volume, prediction: Array) -> npt.NDArray[np.uint8]:
    """Return maximum-intensity projections along the last axis, uint8 ``(3, X, Y)``.

    Image (scaled to 0…255), reference and prediction (0 or 255). One slice is shown in its plane.
    """
    axis = ray(volume.image.shape)
    image = np.asarray(volume.image).max(axis=axis).astype(np.float32)
    truth = np.asarray(volume.label).max(axis=axis) > 0
    return np.stack(
        [
            np.clip((image + 1) * 127.5, 0, 255).astype(np.uint8),
            truth.astype(np.uint8) * 255,
            prediction.max(axis=axis).astype(np.uint8) * 255,
        ]
    )
