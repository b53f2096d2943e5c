"""Stage ``fit-generator``: learn labelled patches, and keep the states to choose from."""

from __future__ import annotations

import shutil
from typing import Any, cast

import numpy as np

from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint, drive
from vbench.engine.stages.common import (
    check_labelled_patches,
    real_patches,
    resolve_params,
    training_setup,
)
from vbench.engine.weights import save_weights
from vbench.files import write_npy
from vbench.interfaces import Generator
from vbench.types import Array

#: Patches sampled at each candidate, for people to look at.
SHOWN = 16


def candidate_marks(count: int) -> list[float]:
    """Return where candidates are kept: evenly over the second half, and at the end."""
    return [1.0] if count == 1 else [float(f) for f in np.linspace(0.5, 1.0, count)]


def run(context: Context) -> dict[str, Any]:
    """Fit the generator; artifacts ``candidate-<i>.safetensors`` and ``samples-<i>.npy``."""
    inputs = context.inputs
    entry = context.plugin("generator")
    cls = cast(type[Generator], entry.cls)
    patches = real_patches(context, "train")
    params, tuned = resolve_params(context, cls, "generator")
    generator = cls(params, training_setup(context, patches.size))
    checkpoint = Checkpoint(context.store.checkpoint(context.job.key))
    if not checkpoint.restore(generator):
        checkpoint.clear()
        checkpoint.notes["candidates"] = []

    def keep(index: int, step: int) -> bool:
        weights = generator.weights()
        save_weights(
            checkpoint.folder / f"candidate-{index}.safetensors", weights, f"{cls.name}.weights()"
        )
        samples = generator.sample(SHOWN, seed=inputs["seed"])
        check_labelled_patches(samples, SHOWN, patches.size, cls.name)
        write_npy(checkpoint.folder / f"samples-{index}.npy", samples.astype(np.float16))
        checkpoint.notes["candidates"].append({"index": index, "step": step, **_look(samples)})
        return True

    drive(
        generator,
        patches,
        seed=inputs["seed"],
        context=context,
        checkpoint=checkpoint,
        marks=candidate_marks(inputs["checkpoints"]),
        on_mark=keep,
    )
    for pattern in ("candidate-*.safetensors", "samples-*.npy"):
        for path in checkpoint.folder.glob(pattern):
            shutil.copyfile(path, context.folder / path.name)
    return {
        "params": {**params.model_dump(mode="json"), **generator.resolved()},
        "tuned": tuned,
        "curve": checkpoint.notes["curve"],
        "candidates": checkpoint.notes["candidates"],
    }


def _look(samples: Array) -> dict[str, Any]:
    """Say what a glance at the samples tells: how much vessel, how much variety, what is wrong."""
    images, labels = samples[:, 0], samples[:, 1]
    fraction = float(labels.mean())
    variety = float(images.std(axis=0).mean())
    faults = []
    if fraction == 0:
        faults.append("all labels are empty")
    if fraction == 1:
        faults.append("all labels are full")
    if variety < 1e-3:
        faults.append("all samples are the same")
    return {"vessel_fraction": fraction, "variety": variety, "collapsed": "; ".join(faults) or None}
