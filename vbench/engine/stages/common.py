"""What stages share: opening patches, settling a trial's parameters, the plugins' contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from pydantic import JsonValue

from vbench.data.header import VOXEL
from vbench.data.predict import check_array
from vbench.engine.context import Context
from vbench.engine.store import Store
from vbench.engine.tuning import Trial, ask, best
from vbench.engine.weights import load_weights
from vbench.errors import ContractError, DivergedError
from vbench.files import as_json, read_npy
from vbench.interfaces import Fitted, Generator, Metric, Params, Plugin, Segmenter
from vbench.layout import image_of, label_of, patches_shape
from vbench.records.parts import Key, PatchSpec, PluginIdentity, PluginSetting, TrialSpec
from vbench.records.training import (
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    PrepareInputs,
    PrepareResult,
    SynthesiseInputs,
)
from vbench.types import Array, Cutting, Patches, Setup, Volume, Weights

F = TypeVar("F", bound=Fitted)
#: The inputs of a job that trains a method.
Training = FitGeneratorInputs | FitSegmenterInputs


def open_volumes(store: Store, keys: Sequence[str]) -> list[Volume]:
    """Open prepared volumes by their keys."""
    from vbench.data.prepare import open_volume

    return [open_volume(store.artifacts(key)) for key in keys]


def real_patches(
    store: Store,
    keys: Sequence[str],
    spec: PatchSpec,
    groups: Sequence[str] | None = None,
) -> Patches:
    """Return the real patches of prepared volumes: the same pool for every arm.

    Args:
        store: Where the volumes are.
        keys: Theirs.
        spec: How patches are drawn.
        groups: The person of each volume; None where each is of a different one.

    Raises:
        DataError: When they do not fit: the plan refuses what it knows the shape of.
    """
    from vbench.data.patches import VolumePatches, check_fit

    volumes = open_volumes(store, keys)
    check_fit({volume.id: volume.shape for volume in volumes}, spec.size)
    return VolumePatches(
        volumes,
        size=spec.size,
        per_subject=spec.per_subject,
        vessel_centred=spec.vessel_centred,
        seed=spec.seed,
        groups=groups,
    )


def samples_of(store: Store, key: str, like: Patches | Setup | None = None) -> Patches:
    """Open the patches that a ``synthesise`` job wrote into the store.

    Args:
        store: The store.
        key: The job.
        like: What has the same classes and channels; None: one of each.
    """
    return stored_patches(store.artifacts(key, "images.npy", "labels.npy"), like)


def stored_patches(folder: Path, like: Patches | Setup | None = None) -> Patches:
    """Open the patches of a folder, as a ``synthesise`` job writes them.

    Args:
        folder: The folder.
        like: What has the same classes and channels; None: one of each.
    """
    from vbench.data.patches import ArrayPatches

    images, labels = (read_npy(folder / f"{name}.npy") for name in ("images", "labels"))
    return ArrayPatches(images, labels, like=like)


def training_setup(context: Context, size: tuple[int, ...], inputs: Training) -> Setup:
    """Return what a method is built for.

    Args:
        context: The job.
        size: Patch size in voxels.
        inputs: Of the job that trains, or trained, the method.
    """
    setup = setup_of(context.store, inputs, size, context.device)
    return replace(setup, cutting=_cutting(context.store, inputs))


def setup_of(store: Store, inputs: Training, size: tuple[int, ...], device: str = "cpu") -> Setup:
    """Return what a method is built for, to train or to use it.

    Args:
        store: Where the volumes are.
        inputs: Of the job that trains, or trained, the method.
        size: Patch size in voxels.
        device: Where to compute.
    """
    setup = Setup(size, device=device, spacing=spacing_of(store, inputs))
    for key in _volumes(store, inputs)[:1]:
        labels, channels = contents(store, key)
        return replace(setup, labels=labels, channels=channels)
    return setup


def contents(store: Store, key: Key) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the classes and of the channels of a prepared volume."""
    return store.record(key).inputs_as(PrepareInputs).contents


def _cutting(store: Store, inputs: Training) -> Cutting:
    """Return how a job's real patches are cut."""
    keys = inputs.val if isinstance(inputs, FitSegmenterInputs) else inputs.train
    how = {store.record(key).inputs_as(PrepareInputs).normalise for key in keys[:1]}
    patches = inputs.patches
    cutting = Cutting(patches.per_subject, patches.vessel_centred, patches.seed)
    return replace(cutting, normalise=how.pop()) if how else cutting


def spacing_of(store: Store, inputs: Training) -> tuple[float, ...] | None:
    """Return the voxel edge lengths of the training volumes: their median, mm per axis.

    Synthetic patches have those of the volumes that their generator learnt from. None where a job
    names no volume, or some whose voxels have no known size.
    """
    found = [store.result(key, PrepareResult) for key in _volumes(store, inputs)]
    if any(volume.unit == VOXEL for volume in found):
        return None
    spacings = (volume.spacing for volume in found)
    return tuple(median(axis) for axis in zip(*spacings, strict=True)) or None


def _volumes(store: Store, inputs: Training) -> tuple[Key, ...]:
    """Return the volumes that a job learns from, directly or by a generator's samples."""
    keys = inputs.train
    if isinstance(inputs, FitSegmenterInputs) and not keys and inputs.synthetic:
        samples = store.record(inputs.synthetic[0]).inputs_as(SynthesiseInputs)
        keys = store.record(samples.generator).inputs_as(FitGeneratorInputs).train
    if isinstance(inputs, FitSegmenterInputs) and not keys:
        keys = inputs.val  # weights that were made elsewhere, and are not trained
    return keys


def params_of(cls: type[Plugin], values: Mapping[str, Any]) -> Params:
    """Build a plugin's parameters from recorded values."""
    return cls.Params.model_validate(dict(values))


def trials(store: Store, keys: Sequence[str]) -> list[Trial]:
    """Read the trials of these jobs."""
    return [Trial.from_record(store.record(key)) for key in keys]


def chosen(store: Store, keys: Sequence[str], higher_is_better: bool) -> Trial:
    """Return the trial that an arm selects, by its validation score.

    Raises:
        DivergedError: When none ended with a score.
    """
    trial = best(trials(store, keys), higher_is_better)
    if trial is None:
        raise DivergedError(f"none of {len(keys)} trials ended with a validation score")
    return trial


class ChosenSamples(NamedTuple):
    """The synthetic patches that an arm selected.

    Attributes:
        trial: The selected trial.
        candidate: Which candidate of its generator made the patches that it learnt from.
        key: Of the ``synthesise`` job that sampled them.
    """

    trial: Trial
    candidate: int
    key: Key


def chosen_samples(store: Store, keys: Sequence[str], higher_is_better: bool) -> ChosenSamples:
    """Return the synthetic patches that an arm selects with its trial.

    Raises:
        DivergedError: When no trial ended with a score.
    """
    trial = chosen(store, keys, higher_is_better)
    record = store.record(trial.key)
    candidate = cast(int, record.result_as(FitSegmenterResult).checkpoint)
    samples = record.inputs_as(FitSegmenterInputs).synthetic
    return ChosenSamples(trial, candidate, samples[candidate])


def weights_of(store: Store, key: str, name: str) -> Weights:
    """Read weights that a job wrote into a file of this name."""
    return load_weights(store.artifacts(key, name) / name)


def fitted_segmenter(
    store: Store, trial: Key, cls: type[Segmenter], size: tuple[int, ...], device: str = "cpu"
) -> Segmenter:
    """Return the segmenter that a trial fitted.

    Args:
        store: Where its weights are.
        trial: Its key.
        cls: The segmenter.
        size: Its patch size.
        device: Where to compute.
    """
    record = store.record(trial)
    params = params_of(cls, record.result_as(FitSegmenterResult).params)
    inputs = record.inputs_as(FitSegmenterInputs)
    segmenter = cls(params, setup_of(store, inputs, size, device))
    segmenter.load_weights(weights_of(store, trial, "weights.safetensors"))
    return segmenter


def fitted_generator(
    store: Store, cls: type[Generator], key: Key, candidate: int, device: str = "cpu"
) -> Generator:
    """Return a candidate of a generator that a job fitted.

    Args:
        store: Where its weights are.
        cls: The generator.
        key: Of the job.
        candidate: Which of the states that were kept.
        device: Where to compute.
    """
    record = store.record(key)
    inputs = record.inputs_as(FitGeneratorInputs)
    setup = setup_of(store, inputs, inputs.patches.size, device)
    generator = cls(params_of(cls, record.result_as(FitGeneratorResult).params), setup)
    generator.load_weights(weights_of(store, key, f"candidate-{candidate}.safetensors"))
    return generator


def segmenter_of(context: Context, planned: PluginIdentity) -> type[Segmenter]:
    """Return a planned segmenter."""
    return cast(type[Segmenter], context.plugin("segmenter", planned).cls)


def metric_of(context: Context, setting: PluginSetting) -> Metric:
    """Build a planned metric."""
    cls = cast(type[Metric], context.plugin("metric", setting.plugin).cls)
    return cls(params_of(cls, setting.params))


def resolve_params(
    context: Context, cls: type[F], prefix: str, fixed: Mapping[str, Any], spec: TrialSpec | None
) -> tuple[Params, dict[str, JsonValue]]:
    """Settle the parameters of a job that may belong to a trial.

    Args:
        context: The job.
        cls: The plugin.
        prefix: ``"generator"`` or ``"segmenter"``: which axes are this plugin's.
        fixed: Parameters that are not tuned.
        spec: Describes the trial; None: the job belongs to no trial.

    Returns:
        The parameters, and the trial's value on every axis.
    """
    tuned = ask(spec, trials(context.store, spec.previous)) if spec else {}
    own = {
        axis.removeprefix(f"{prefix}."): value
        for axis, value in tuned.items()
        if axis.startswith(f"{prefix}.") and axis != "generator.checkpoint"
    }
    places = context.job.extra.get("params", {})
    return params_of(cls, {**fixed, **places, **own}), tuned


def settled(params: Params, method: Fitted) -> dict[str, JsonValue]:
    """Return a method's parameters as they were in the end, as JSON."""
    return {**params.model_dump(mode="json"), **as_json(method.resolved())}


def sample_patches(
    generator: Generator,
    n: int,
    seed: int,
    images: Array,
    labels: Array,
    report: Callable[[int, int], None],
) -> None:
    """Sample labelled patches into two arrays, some at a time: the one way to sample.

    Args:
        generator: Fitted.
        n: How many.
        seed: For :meth:`Generator.sample_many`.
        images: ``(n, *size)``, float; is filled. Of several channels ``(n, channels, *size)``.
        labels: ``(n, *size)``; is filled with the index of the class.
        report: Is told how many are done, and of how many.

    Raises:
        ContractError: When what the generator returns is not as agreed.
        DivergedError: When a value is not finite.
    """
    done, name = 0, generator.name
    for drawn in generator.sample_many(n, seed=seed):
        count = len(drawn) if isinstance(drawn, np.ndarray) and drawn.ndim else 1
        check_labelled_patches(drawn, min(count, n - done), generator.setup, name)
        images[done : done + count] = image_of(drawn)
        labels[done : done + count] = label_of(drawn)
        done += count
        report(done, n)
    if done != n:
        raise ContractError(f"{name}.sample_many({n}) yielded {done} patches")


def check_labelled_patches(patches: Any, n: int, setup: Setup, owner: str) -> None:
    """Hold sampled patches to the contract.

    Raises:
        ContractError: When shape, type, range or labels are not as agreed.
        DivergedError: When a value is not finite.
    """
    check_array(patches, patches_shape(n, setup.size, setup.contrasts), f"{owner}.sample")
    images, labels = image_of(patches), label_of(patches)
    if float(np.abs(images).max(initial=0.0)) > 1 + 1e-4:
        raise ContractError(
            f"{owner}.sample: images reach from {images.min():.3g} to {images.max():.3g}; "
            "expected [-1, 1]"
        )
    if not np.isin(labels, range(setup.classes + 1)).all():
        known = "0 and 1" if setup.classes == 1 else f"whole numbers from 0 to {setup.classes}"
        raise ContractError(f"{owner}.sample: labels have values other than {known}")
