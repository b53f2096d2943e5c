"""Stage ``fit-segmenter``: one trial of an arm, validated along the way, its best state kept."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from pydantic import JsonValue

from vbench.engine import study
from vbench.engine.budget import used_up
from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint, budget, drive
from vbench.engine.given import adopt, given_file
from vbench.engine.given import read as read_given
from vbench.engine.stages.base import Lengths, Stage, own_params, training_amount
from vbench.engine.stages.common import (
    chosen,
    chosen_samples,
    metric_of,
    open_volumes,
    real_patches,
    resolve_params,
    samples_of,
    segmenter_of,
    settled,
    setup_of,
    training_setup,
    trials,
    weights_of,
)
from vbench.engine.tuning import Pruner
from vbench.engine.validation import Verdict, validate
from vbench.engine.weights import save_weights
from vbench.errors import ContractError, DivergedError
from vbench.interfaces import SegmentationMetric
from vbench.records.parts import Key, PluginSetting
from vbench.records.training import FitSegmenterInputs, FitSegmenterResult, Validation
from vbench.types import Patches


class FitSegmenter(Stage[FitSegmenterInputs, FitSegmenterResult]):
    """Fits a segmenter; artifact ``weights.safetensors``, of the best validated state.

    Given weights without patches are not trained: validation chooses their threshold.

    A trial that diverges is a result (no score) rather than a failure: its arm has others.
    """

    name = "fit-segmenter"
    version = 3
    gpu = True
    seconds = 20.0

    def run(self, context: Context, inputs: FitSegmenterInputs) -> FitSegmenterResult:
        """Fit the segmenter."""
        spec = inputs.trial_spec
        if used_up(context.store, spec):
            return FitSegmenterResult(trial=spec.trial, skipped=True)
        earlier = trials(context.store, spec.previous)
        cls = segmenter_of(context, inputs.plugin)
        params, tuned = resolve_params(context, cls, "segmenter", inputs.params, spec)
        trains = bool(inputs.train or inputs.synthetic or inputs.synthetic_of)
        training = training_patches(context, inputs, tuned) if trains else None
        segmenter = cls(params, training_setup(context, inputs.patches.size, inputs))
        start = None
        if inputs.initial:
            start = chosen(context.store, inputs.initial, spec.higher_is_better).key
        volumes = open_volumes(context.store, inputs.val)
        setting = PluginSetting(plugin=inputs.metric, params=inputs.metric_params or {})
        metric = cast(SegmentationMetric, metric_of(context, setting))
        sign = 1.0 if spec.higher_is_better else -1.0
        pruner = Pruner(
            inputs.pruner,
            earlier,
            steps=inputs.validations,
            higher_is_better=spec.higher_is_better,
        )
        checkpoint = Checkpoint(context.store.checkpoint(context.job.key))
        if not checkpoint.restore(segmenter):
            checkpoint.clear()
            checkpoint.notes |= {"validation": [], "best": None, "pruned": False}
            if start is not None:
                segmenter.load_weights(weights_of(context.store, start, "weights.safetensors"))
            elif inputs.given is not None:
                file = given_file(context, inputs.given.digest)
                adopt(segmenter, read_given(file), inputs.given, file)
        notes = checkpoint.notes
        view = study.open_trial(context.job, tuned, context.store.root)
        for index, seen in enumerate(inputs.at_marks(notes["validation"])):  # before it stopped
            view.report(index, seen["score"])
            pruner.report(index, seen["score"])

        def judge(step: int) -> float:
            verdict = seen_at(notes["validation"], step) or validate(segmenter, volumes, metric)
            if not np.isfinite(verdict.score):
                raise DivergedError(f"validation {metric.name} is {verdict.score} at step {step}")
            notes["validation"].append(
                {"step": step, "score": verdict.score, "threshold": verdict.threshold}
            )
            best = notes["best"]
            if best is None or sign * verdict.score > sign * best["score"]:
                notes["best"] = {**notes["validation"][-1]}
                # The notes name the file by its step: one of a later attempt cannot take its place.
                weights = segmenter.weights()
                save_weights(checkpoint.folder / best_file(step), weights, f"{cls.name}.weights()")
                checkpoint.keep(best_file(step))
            return verdict.score

        def validated(index: int, step: int) -> bool:
            score = judge(step)
            view.report(index, score)
            if index + 1 < inputs.validations and pruner.report(index, score):
                notes["pruned"] = True
                return False
            return True

        diverged = None
        try:
            if training is None:
                validated(0, 0)
            else:
                begun = time.perf_counter()
                if inputs.start_counts and not notes["validation"]:
                    judge(0)
                spent = time.perf_counter() - begun
                drive(
                    segmenter,
                    training.patches,
                    seed=spec.seed,
                    context=context,
                    checkpoint=checkpoint,
                    marks=[(i + 1) / inputs.validations for i in range(inputs.validations)],
                    on_mark=validated,
                    real=context.job.extra.get("role", "source"),
                )
                cost = context.cost
                cost.validation_seconds = round((cost.validation_seconds or 0.0) + spent, 3)
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
        return FitSegmenterResult(
            trial=spec.trial,
            params=settled(params, segmenter),
            tuned=tuned,
            checkpoint=training.checkpoint if training else None,
            samples=training.samples if training else None,
            start=start,
            budget=budget(checkpoint),
            curve=tuple(notes["curve"]),
            validation=tuple(Validation.model_validate(value) for value in notes["validation"]),
            score=best["score"] if best else None,
            threshold=best["threshold"] if best else None,
            best_step=best["step"] if best else None,
            pruned=notes["pruned"],
            diverged=diverged,
        )

    def amount(
        self,
        inputs: FitSegmenterInputs,
        lengths: Lengths,
        result: FitSegmenterResult | None = None,
    ) -> float:
        """Return steps × batch × voxels; of a rule the subjects that it is validated on."""
        found = result.params if result else {}
        params = own_params("segmenter", inputs.trial_spec, inputs.params, found)
        length = lengths.get(inputs.plugin.name)
        return training_amount(length, params, inputs.patches, float(len(inputs.val) or 1))

    def complete(self, result: FitSegmenterResult) -> bool:
        """Whether it was trained to its end."""
        return not (result.skipped or result.pruned or result.diverged)


STAGE = FitSegmenter()


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
    samples: Key | None = None


def training_patches(
    context: Context, inputs: FitSegmenterInputs, tuned: Mapping[str, JsonValue]
) -> Training:
    """Open what the arm's regime trains on.

    Raises:
        ContractError: When the job names neither real nor synthetic patches.
    """
    from vbench.data.patches import MixedPatches

    store = context.store
    real = real_patches(store, inputs.train, inputs.patches) if inputs.train else None
    if inputs.synthetic_of:
        # Another arm tuned this generator: take the candidate that it selected.
        higher = inputs.trial_spec.higher_is_better
        _, index, samples = chosen_samples(store, inputs.synthetic_of, higher)
    elif inputs.synthetic:
        index = cast(int, tuned.get("generator.checkpoint", len(inputs.synthetic) - 1))
        samples = inputs.synthetic[index]
    elif real is None:
        raise ContractError("the job names neither real nor synthetic patches")
    else:
        return Training(real)
    synthetic = samples_of(store, samples, setup_of(store, inputs, inputs.patches.size))
    patches = synthetic if real is None else MixedPatches([real, synthetic])
    return Training(patches, index, samples)
