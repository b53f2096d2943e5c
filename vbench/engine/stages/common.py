"""What stages share: opening patches, settling a trial's parameters, the plugins' contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import numpy as np

from vbench.data.predict import check_array
from vbench.engine.context import Context
from vbench.engine.store import Store
from vbench.engine.tuning import Trial, ask, best
from vbench.engine.weights import load_weights
from vbench.errors import ContractError, DivergedError
from vbench.interfaces import Fitted, Params, Plugin, Segmenter
from vbench.layout import image_of, label_of, patches_shape
from vbench.types import Array, Patches, Setup

F = TypeVar("F", bound=Fitted)


def real_patches(context: Context, name: str) -> Patches:
    """Return the real patches of the volumes listed under ``name``: the same pool for every arm.

    Raises:
        DataError: When they do not fit: the plan refuses what it knows the shape of.
    """
    from vbench.data.patches import VolumePatches, check_fit

    spec = context.inputs["patches"]
    volumes = context.volumes(name)
    check_fit({volume.id: volume.image.shape for volume in volumes}, spec["size"])
    return VolumePatches(
        volumes,
        size=tuple(spec["size"]),
        per_subject=spec["per_subject"],
        vessel_centred=spec["vessel_centred"],
        seed=spec["seed"],
        groups=context.inputs.get("groups", {}).get(name),
    )


def training_setup(context: Context, size: tuple[int, ...]) -> Setup:
    """Return what a method is built for."""
    spacing = context.inputs.get("spacing")
    return Setup(size=size, device=context.device, spacing=tuple(spacing) if spacing else None)


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


def fitted_segmenter(
    context: Context, trial: Trial, plugin: Mapping[str, Any], size: Sequence[int]
) -> Segmenter:
    """Return the segmenter that a trial fitted.

    Args:
        context: The job.
        trial: The trial.
        plugin: The planned segmenter's identity.
        size: Its patch size.
    """
    cls = cast(type[Segmenter], context.plugin("segmenter", plugin).cls)
    params = params_of(cls, context.store.result(trial.key)["params"])
    segmenter = cls(params, training_setup(context, tuple(size)))
    segmenter.load_weights(load_weights(context.store.folder(trial.key) / "weights.safetensors"))
    return segmenter


def resolve_params(context: Context, cls: type[F], prefix: str) -> tuple[Params, dict[str, Any]]:
    """Settle the parameters of a job that may belong to a trial.

    Args:
        context: The job; ``inputs["params"]`` are fixed, ``inputs["asking"]`` describes the trial.
        cls: The plugin.
        prefix: ``"generator"`` or ``"segmenter"``: which axes are this plugin's.

    Returns:
        The parameters, and the trial's value on every axis.
    """
    asking = context.inputs.get("asking")
    tuned: dict[str, Any] = {}
    if asking:
        tuned = ask(
            asking["space"],
            asking["defaults"],
            asking["trial"],
            trials(context.store, asking["previous"]),
            sampler=asking["sampler"],
            seed=asking["seed"],
            higher_is_better=asking["higher_is_better"],
        )
    own = {
        axis.removeprefix(f"{prefix}."): value
        for axis, value in tuned.items()
        if axis.startswith(f"{prefix}.") and axis != "generator.checkpoint"
    }
    return params_of(cls, {**context.inputs["params"], **own}), tuned


def check_labelled_patches(patches: Any, n: int, size: tuple[int, ...], owner: str) -> None:
    """Hold sampled patches to the contract.

    Raises:
        ContractError: When shape, type, range or labels are not as agreed.
        DivergedError: When a value is not finite.
    """
    check_array(patches, patches_shape(n, size), f"{owner}.sample")
    images, labels = image_of(patches), label_of(patches)
    if float(np.abs(images).max(initial=0.0)) > 1 + 1e-4:
        raise ContractError(
            f"{owner}.sample: images reach from {images.min():.3g} to {images.max():.3g}; "
            "expected [-1, 1]"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ContractError(f"{owner}.sample: labels have values other than 0 and 1")


__all__: list[str] = [
    "Array",
    "check_labelled_patches",
    "chosen",
    "fitted_segmenter",
    "params_of",
    "real_patches",
    "resolve_params",
    "training_setup",
    "trials",
]
