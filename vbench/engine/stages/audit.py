"""Stage ``audit``: how real a generator's patches look, and what they give away.

Held-out patches come from the test subjects alone: the validation subjects chose the checkpoint.
Nothing is selected by these scores.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.stages.common import chosen, fitted_segmenter, real_patches
from vbench.errors import DivergedError
from vbench.features import Features, extractor
from vbench.interfaces import Metric


def run(context: Context) -> dict[str, Any]:
    """Score the candidate that the generator's synthetic arm selected."""
    from vbench.audit import audit_patches
    from vbench.data.patches import ArrayPatches

    inputs = context.inputs
    trial = chosen(context.store, inputs["trials"], inputs["higher_is_better"])
    record = context.store.record(trial.key)
    index = record["result"]["checkpoint"]
    folder = context.store.folder(record["inputs"]["synthetic"][index])
    synthetic = ArrayPatches(
        np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "labels.npy", mmap_mode="r")
    )
    families = {
        family: [_metric(context, listed) for listed in inputs["metrics"][family]]
        for family in ("fidelity", "privacy")
    }
    scores = audit_patches(
        synthetic,
        real_patches(context, "train"),
        real_patches(context, "heldout"),
        fidelity=families["fidelity"],
        privacy=families["privacy"],
        seed=inputs["seed"],
        features=_features(context),
    )
    return {"checkpoint": index, **scores}


def _features(context: Context) -> Features:
    """Return what the segmenter of the real arm has learnt; the default where there is none."""
    inputs = context.inputs
    lent = inputs["features"]
    if lent is None:
        return extractor()
    try:
        trial = chosen(context.store, lent["trials"], inputs["higher_is_better"])
    except DivergedError:  # the real arm says so; the generator's audit need not fail with it
        return extractor()
    segmenter = fitted_segmenter(context, trial, lent["plugin"], inputs["patches"]["size"])
    return extractor(segmenter, context.store.result(trial.key)["threshold"])


def _metric(context: Context, listed: dict[str, Any]) -> Any:
    cls = cast(type[Metric], context.plugin("metric", listed["plugin"]).cls)
    return cls(cls.Params.model_validate(listed["params"]))
