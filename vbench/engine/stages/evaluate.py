"""Stage ``evaluate``: the selected trial of an arm meets the test subjects, once."""

from __future__ import annotations

import traceback
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from vbench.engine.context import Context
from vbench.engine.stages.common import chosen, fitted_segmenter
from vbench.files import write_npy
from vbench.interfaces import SegmentationMetric
from vbench.masks.slices import ray
from vbench.types import Array, Score, Volume


def run(context: Context) -> dict[str, Any]:
    """Predict and score; artifacts ``predictions/<subject>.nii.gz`` and ``mip/<subject>.npy``."""
    from vbench.data.nifti import write_like_native
    from vbench.data.predict import predict_volume
    from vbench.masks.pair import MaskPair

    inputs = context.inputs
    trial = chosen(context.store, inputs["trials"], inputs["higher_is_better"])
    fitted = context.store.result(trial.key)
    segmenter = fitted_segmenter(context, trial, inputs["plugin"], inputs["size"])
    metrics = [_metric(context, listed) for listed in inputs["metrics"]]
    cases: list[dict[str, Any]] = []
    faults: dict[str, str] = {}
    volumes = context.volumes("test")
    for number, volume in enumerate(volumes):
        context.report(number, len(volumes), {})
        probabilities = predict_volume(segmenter, volume)
        prediction = probabilities >= fitted["threshold"]
        write_like_native(
            context.folder / "predictions" / f"{volume.id}.nii.gz",
            prediction.astype(np.uint8),
            volume,
        )
        labelled = volume.labelled
        scored = prediction if labelled is None else prediction & labelled
        write_npy(context.folder / "mip" / f"{volume.id}.npy", projections(volume, scored))
        truth = np.asarray(volume.label) > 0
        pair = MaskPair(scored, truth, volume.spacing, mask=labelled, seed=inputs["seed"])
        for metric in metrics:
            value, status = _score(metric, pair, faults)
            cases.append(
                {"subject": volume.id, "metric": metric.name, "value": value, "status": status}
            )
        context.report(number + 1, len(volumes), {})
    return {
        "trial": trial.number,
        "params": fitted["params"],
        "tuned": fitted["tuned"],
        "checkpoint": fitted["checkpoint"],
        "threshold": fitted["threshold"],
        "validation_score": fitted["score"],
        "cases": cases,
        "metric_faults": faults,
    }


def _metric(context: Context, listed: dict[str, Any]) -> SegmentationMetric:
    cls = cast(type[SegmentationMetric], context.plugin("metric", listed["plugin"]).cls)
    return cls(cls.Params.model_validate(listed["params"]))


def _score(
    metric: SegmentationMetric, pair: Any, faults: dict[str, str]
) -> tuple[float | None, str]:
    """Score one case; a metric that breaks costs its own value, never the arm's others."""
    try:
        score = Score.of(metric.score(pair)).finite()
        return score.value, "ok" if score.defined else "undefined"
    except Exception as error:
        faults.setdefault(metric.name, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
        return None, "failed"


def projections(volume: Volume, prediction: Array) -> npt.NDArray[np.uint8]:
    """Return maximum-intensity projections along the last axis, uint8 ``(3, X, Y)``.

    Image (scaled to 0…255), truth and prediction (0 or 255). One slice is shown in its plane.
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
