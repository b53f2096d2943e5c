"""Stage ``fit-segmenter``: one trial of an arm, validated on the way, its best state kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from vbench.engine import study
from vbench.engine.budget import used_up
from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint, budget, drive
from vbench.engine.stages.common import (
    chosen,
    real_patches,
    resolve_params,
    training_setup,
    trials,
)
from vbench.engine.tuning import Pruner
from vbench.engine.validation import Verdict, validate
from vbench.engine.weights import load_weights, save_weights
from vbench.errors import ContractError, DivergedError
from vbench.interfaces import SegmentationMetric, Segmenter
from vbench.types import Patches


def run(context: Context) -> dict[str, Any]:
    """Fit the segmenter; artifact ``weights.safetensors``, of the best validated state.

    A trial that diverges is a result (no score) rather than a failure: its arm has others.
    """
    inputs = context.inputs
    asking = inputs["asking"]
    if used_up(context.store, asking):
        return skipped(asking["trial"])
    earlier = trials(context.store, asking["previous"])
    cls = cast(type[Segmenter], context.plugin("segmenter").cls)
    params, tuned = resolve_params(context, cls, "segmenter")
    training = training_patches(context, tuned)
    segmenter = cls(params, training_setup(context, training.patches.size))
    start = None
    if inputs["initial"]:
        start = chosen(context.store, inputs["initial"], asking["higher_is_better"]).key
    volumes = context.volumes("val")
    judge = cast(type[SegmentationMetric], context.plugin("metric", inputs["metric"]).cls)()
    sign = 1.0 if asking["higher_is_better"] else -1.0
    pruner = Pruner(
        inputs["pruner"],
        earlier,
        steps=inputs["validations"],
        higher_is_better=asking["higher_is_better"],
    )
    checkpoint = Checkpoint(context.store.checkpoint(context.job.key))
    if not checkpoint.restore(segmenter):
        checkpoint.clear()
        checkpoint.notes |= {"validation": [], "best": None, "pruned": False}
        if start is not None:
            folder = context.store.folder(start)
            segmenter.load_weights(load_weights(folder / "weights.safetensors"))
    notes = checkpoint.notes
    view = study.open_trial(context.job, tuned, context.store.root)
    for index, seen in enumerate(notes["validation"]):  # before it was interrupted
        view.report(index, seen["score"])
        pruner.report(index, seen["score"])

    def judge_state(index: int, step: int) -> bool:
        verdict = seen_at(notes["validation"], step) or validate(segmenter, volumes, judge)
        notes["validation"].append(
            {"step": step, "score": verdict.score, "threshold": verdict.threshold}
        )
        if not np.isfinite(verdict.score):
            raise DivergedError(f"validation {judge.name} is {verdict.score} at step {step}")
        best = notes["best"]
        if best is None or sign * verdict.score > sign * best["score"]:
            notes["best"] = {"score": verdict.score, "threshold": verdict.threshold, "step": step}
            # The notes name the file by its step: one of a later attempt cannot take its place.
            weights = segmenter.weights()
            save_weights(checkpoint.folder / best_file(step), weights, f"{cls.name}.weights()")
        view.report(index, verdict.score)
        if index + 1 < inputs["validations"] and pruner.report(index, verdict.score):
            notes["pruned"] = True
            return False
        return True

    diverged = None
    try:
        drive(
            segmenter,
            training.patches,
            seed=asking["seed"],
            context=context,
            checkpoint=checkpoint,
            marks=[(i + 1) / inputs["validations"] for i in range(inputs["validations"])],
            on_mark=judge_state,
            real=context.job.extra.get("role", "source"),
        )
        shutil.copyfile(
            checkpoint.folder / best_file(notes["best"]["step"]),
            context.folder / "weights.safetensors",
        )
    except DivergedError as error:
        diverged = str(error)
    except BaseException:
        view.close(None, pruned=False)
        raise
    best = None if diverged else notes["best"]
    view.close(best["score"] if best else None, notes["pruned"])
    return {
        "trial": asking["trial"],
        "params": {**params.model_dump(mode="json"), **segmenter.resolved()},
        "tuned": tuned,
        "checkpoint": training.checkpoint,
        "samples": training.samples,
        "start": start,
        "budget": budget(checkpoint),
        "curve": notes["curve"],
        "validation": notes["validation"],
        "score": best["score"] if best else None,
        "threshold": best["threshold"] if best else None,
        "best_step": best["step"] if best else None,
        "pruned": notes["pruned"],
        "diverged": diverged,
    }


def skipped(trial: int) -> dict[str, Any]:
    """Return the result of a trial that did not start, for its arm's time was used up."""
    nothing = ("checkpoint", "score", "threshold", "best_step", "diverged")
    return {
        "trial": trial,
        "skipped": True,
        "params": {},
        "tuned": {},
        "curve": [],
        "validation": [],
        "pruned": False,
        **dict.fromkeys(nothing),
    }


def seen_at(validation: list[dict[str, Any]], step: int) -> Verdict | None:
    """Return the verdict on this step; None when it is a new one.

    A method with fewer steps than validations, such as a rule, reaches several at once.
    """
    if not validation or validation[-1]["step"] != step:
        return None
    return Verdict(validation[-1]["score"], validation[-1]["threshold"])


def best_file(step: int) -> str:
    """Name the file of the best validated state while the trial runs."""
    return f"best-{step}.safetensors"


@dataclass(frozen=True)
class Training:
    """What a trial trains on.

    Attributes:
        patches: The patches.
        checkpoint: Which candidate of the generator made the synthetic ones; None without any.
        samples: Key of the ``synthesise`` job that they come from.
    """

    patches: Patches
    checkpoint: int | None = None
    samples: str | None = None


def training_patches(context: Context, tuned: dict[str, Any]) -> Training:
    """Open what the arm's regime trains on.

    Raises:
        ContractError: When the job names neither real nor synthetic patches.
    """
    from vbench.data.patches import ArrayPatches, MixedPatches

    inputs = context.inputs
    real = real_patches(context, "train") if inputs["train"] else None
    candidates = inputs["synthetic"]
    if inputs["synthetic_of"]:
        # Another arm tuned this generator: take the candidate that it selected.
        higher = inputs["asking"]["higher_is_better"]
        trial = chosen(context.store, inputs["synthetic_of"], higher)
        record = context.store.record(trial.key)
        candidates, index = record["inputs"]["synthetic"], record["result"]["checkpoint"]
    elif candidates:
        index = tuned.get("generator.checkpoint", len(candidates) - 1)
    else:
        index = None
    if index is None:
        if real is None:
            raise ContractError("the job names neither real nor synthetic patches")
        return Training(real)
    folder = context.store.folder(candidates[index])
    synthetic = ArrayPatches(
        np.load(folder / "images.npy", mmap_mode="r"), np.load(folder / "labels.npy", mmap_mode="r")
    )
    patches = synthetic if real is None else MixedPatches([real, synthetic])
    return Training(patches, index, candidates[index])
