"""Stage ``fit-generator``: learn labelled patches, and keep the states to choose from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, cast

import numpy as np

from vbench.engine.budget import used_up
from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint, budget, drive
from vbench.engine.given import given_file
from vbench.engine.stages.base import Lengths, Stage, own_params, training_amount
from vbench.engine.stages.common import (
    check_labelled_patches,
    real_patches,
    resolve_params,
    settled,
    training_setup,
)
from vbench.engine.states import States
from vbench.engine.weights import load_weights, save_weights
from vbench.errors import DataError
from vbench.files import as_json, write_npy
from vbench.interfaces import Generator, Params
from vbench.layout import image_of, label_of
from vbench.records.training import Candidate, FitGeneratorInputs, FitGeneratorResult, Preview
from vbench.types import Array

#: Patches of a preview, for people to see.
SHOWN = 16
#: Fractions of the training at which a preview is made, beside where candidates are kept.
PREVIEWS = (0.25, 0.5, 0.75, 1.0)


class FitGenerator(Stage[FitGeneratorInputs, FitGeneratorResult]):
    """Fits a generator, with previews of its samples along the way.

    Artifacts: ``candidate-<i>.safetensors`` and ``samples-<i>.npy`` of each candidate,
    ``look-<step>.npy`` of samples in between.
    """

    name = "fit-generator"
    version = 2
    gpu = True
    seconds = 60.0

    def run(self, context: Context, inputs: FitGeneratorInputs) -> FitGeneratorResult:
        """Fit the generator."""
        if used_up(context.store, inputs.trial_spec):
            return FitGeneratorResult(skipped=True)
        cls = cast(type[Generator], context.plugin("generator", inputs.plugin).cls)
        patches = real_patches(context.store, inputs.train, inputs.patches, inputs.groups)
        spec = inputs.trial_spec
        params, tuned = resolve_params(context, cls, "generator", inputs.params, spec)
        generator = cls(params, training_setup(context, patches.size, inputs))
        if inputs.taken is not None:
            file = given_file(context, inputs.taken)
            return _taken(context, inputs, generator, params, file)
        checkpoint = Checkpoint(context.store.checkpoint(context.job.key))
        candidates = candidate_marks(inputs.checkpoints)
        states = States(context, inputs, params)
        restored = checkpoint.restore(generator)
        if not restored:
            checkpoint.clear()
            checkpoint.notes |= {"candidates": [], "looks": []}
            restored = states.restore(generator, checkpoint, before=candidates[0])
        left = [states.mark] if context.keep_states and states.mark else []
        marks = sorted({*candidates, *PREVIEWS, *left})
        notes, folder = checkpoint.notes, checkpoint.folder
        if restored and states.mark:
            notes["marks"] = states.passed(marks, notes["step"])

        def preview(mark: int, step: int) -> bool:
            if marks[mark] in left:
                states.keep(generator, checkpoint)
                return True
            samples = generator.sample(SHOWN, seed=inputs.seed)
            check_labelled_patches(samples, SHOWN, generator.setup, cls.name)
            seen = {"step": step, **_preview(samples)}
            name = f"look-{step}.npy"
            if marks[mark] in candidates:
                index = len(notes["candidates"])
                path = folder / f"candidate-{index}.safetensors"
                save_weights(path, generator.weights(), f"{cls.name}.weights()")
                checkpoint.keep(path.name)
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
            seed=inputs.seed,
            context=context,
            checkpoint=checkpoint,
            marks=marks,
            on_mark=preview,
        )
        for pattern in ("candidate-*.safetensors", "samples-*.npy", "look-*.npy"):
            for path in folder.glob(pattern):
                shutil.copyfile(path, context.folder / path.name)
        return FitGeneratorResult(
            params=settled(params, generator),
            tuned=tuned,
            curve=tuple(notes["curve"]),
            candidates=tuple(Candidate.model_validate(value) for value in notes["candidates"]),
            previews=tuple(Preview.model_validate(value) for value in notes["looks"]),
            budget=budget(checkpoint),
            guarantee=as_json(generator.guarantee()),
            remarks=tuple(str(line) for line in generator.remarks()) or None,
            went_on_from=notes.get("went_on_from"),
        )

    def amount(
        self,
        inputs: FitGeneratorInputs,
        lengths: Lengths,
        result: FitGeneratorResult | None = None,
    ) -> float:
        """Return steps × batch × voxels."""
        found = result.params if result else {}
        params = own_params("generator", inputs.trial_spec, inputs.params, found)
        return training_amount(lengths.get(inputs.plugin.name), params, inputs.patches, 1.0)

    def complete(self, result: FitGeneratorResult) -> bool:
        """Whether it was trained."""
        return not result.skipped


STAGE = FitGenerator()


def _taken(
    context: Context, inputs: FitGeneratorInputs, generator: Generator, params: Params, file: Path
) -> FitGeneratorResult:
    """Keep what another benchmark fitted, the weights in ``file``, as the only candidate.

    Raises:
        DataError: When they do not fit.
    """
    try:
        generator.load_weights(load_weights(file))
    except (KeyError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise DataError(f"{file}: does not fit generator '{generator.name}' ({why})") from error
    samples = generator.sample(SHOWN, seed=inputs.seed)
    check_labelled_patches(samples, SHOWN, generator.setup, generator.name)
    shutil.copyfile(file, context.folder / "candidate-0.safetensors")
    write_npy(context.folder / "samples-0.npy", samples.astype(np.float16))
    seen = {"step": 0, **_preview(samples)}
    return FitGeneratorResult(
        params=settled(params, generator),
        candidates=(Candidate.model_validate({"index": 0, **seen}),),
        previews=(Preview.model_validate({"file": "samples-0.npy", **seen}),),
        guarantee=as_json(generator.guarantee()),
        remarks=tuple(context.job.extra.get("remarks", ())) or None,
    )


def candidate_marks(count: int) -> list[float]:
    """Return where candidates are kept: evenly over the second half, and at the end."""
    return [1.0] if count == 1 else [float(f) for f in np.linspace(0.5, 1.0, count)]


def _preview(samples: Array) -> dict[str, Any]:
    """Describe a few samples: how much vessel, how much variety, what is wrong."""
    images, labels = image_of(samples), label_of(samples)
    fraction = float((labels > 0).astype(labels.dtype).mean())
    variety = float(images.std(axis=0).mean())
    faults = []
    if fraction == 0:
        faults.append("all labels are empty")
    if fraction == 1:
        faults.append("all labels are full")
    if variety < 1e-3:
        faults.append("all samples are the same")
    return {"vessel_fraction": fraction, "variety": variety, "collapsed": "; ".join(faults) or None}
