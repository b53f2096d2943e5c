"""Stage ``fit-generator``: learn labelled patches, and keep the states to choose from."""

from __future__ import annotations

import shutil
from typing import Any, cast

import numpy as np

from vbench.engine.budget import used_up
from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint, budget, drive
from vbench.engine.stages.common import (
    check_labelled_patches,
    real_patches,
    resolve_params,
    training_setup,
)
from vbench.engine.weights import save_weights
from vbench.files import write_npy
from vbench.interfaces import Generator
from vbench.layout import image_of, label_of
from vbench.types import Array

#: Patches sampled at each look, for people to see.
SHOWN = 16
#: Fractions of the training at which samples are looked at, beside where candidates are kept.
LOOKS = (0.25, 0.5, 0.75, 1.0)


def candidate_marks(count: int) -> list[float]:
    """Return where candidates are kept: evenly over the second half, and at the end."""
    return [1.0] if count == 1 else [float(f) for f in np.linspace(0.5, 1.0, count)]


def run(context: Context) -> dict[str, Any]:
    """Fit the generator and look at its samples on the way.

    Artifacts: ``candidate-<i>.safetensors`` and ``samples-<i>.npy`` of each candidate,
    ``look-<step>.npy`` of samples in between.
    """
    inputs = context.inputs
    if used_up(context.store, inputs["asking"]):
        empty: dict[str, Any] = {"params": {}, "tuned": {}}
        return {"skipped": True, **empty, "curve": [], "candidates": [], "looks": []}
    entry = context.plugin("generator")
    cls = cast(type[Generator], entry.cls)
    patches = real_patches(context, "train")
    params, tuned = resolve_params(context, cls, "generator")
    generator = cls(params, training_setup(context, patches.size))
    checkpoint = Checkpoint(context.store.checkpoint(context.job.key))
    if not checkpoint.restore(generator):
        checkpoint.clear()
        checkpoint.notes |= {"candidates": [], "looks": []}
    candidates = candidate_marks(inputs["checkpoints"])
    marks = sorted({*candidates, *LOOKS})
    notes, folder = checkpoint.notes, checkpoint.folder

    def look(mark: int, step: int) -> bool:
        samples = generator.sample(SHOWN, seed=inputs["seed"])
        check_labelled_patches(samples, SHOWN, patches.size, cls.name)
        seen = {"step": step, **_look(samples)}
        name = f"look-{step}.npy"
        if marks[mark] in candidates:
            index = len(notes["candidates"])
            path = folder / f"candidate-{index}.safetensors"
            save_weights(path, generator.weights(), f"{cls.name}.weights()")
            notes["candidates"].append({"index": index, **seen})
            (folder / name).unlink(missing_ok=True)
            name = f"samples-{index}.npy"
        write_npy(folder / name, samples.astype(np.float16))
        # A short training has several marks at one step.
        notes["looks"] = [other for other in notes["looks"] if other["step"] != step]
        notes["looks"].append({"file": name, **seen})
        return True

    drive(
        generator,
        patches,
        seed=inputs["seed"],
        context=context,
        checkpoint=checkpoint,
        marks=marks,
        on_mark=look,
    )
    for pattern in ("candidate-*.safetensors", "samples-*.npy", "look-*.npy"):
        for path in folder.glob(pattern):
            shutil.copyfile(path, context.folder / path.name)
    return {
        "params": {**params.model_dump(mode="json"), **generator.resolved()},
        "tuned": tuned,
        "curve": notes["curve"],
        "candidates": notes["candidates"],
        "looks": notes["looks"],
        "budget": budget(checkpoint),
    }


def _look(samples: Array) -> dict[str, Any]:
    """Say what a glance at the samples tells: how much vessel, how much variety, what is wrong."""
    images, labels = image_of(samples), label_of(samples)
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
