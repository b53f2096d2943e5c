"""A trained segmenter as a MONAI bundle: configs, weights and the few scripts that they need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vbench.engine.weights import save_weights
from vbench.files import atomic_write, write_json
from vbench.types import CHANNELS, Portable

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
CONFIG, METADATA = Path("configs/inference.json"), Path("configs/metadata.json")
WEIGHTS = Path("models/model.safetensors")
#: Modules whose text goes into a bundle's ``scripts``, flat; they import each other only.
_SCRIPTS = (
    "vbench.trained.scripts.transforms",
    "vbench.trained.scripts.inference",
    "vbench.data.foreground",
    "vbench.data.normalise",
    "vbench.errors",
)
_IMPORT = re.compile(r"^from (vbench(?:\.\w+)*)\.(\w+) import", re.MULTILINE)
#: What a bundle runs with, beside MONAI, torch and numpy.
PACKAGES = ("fire", "nibabel", "safetensors", "scipy", "scikit-image")
#: Voxels of the windows that are predicted together.
_BATCH_VOXELS = 2**17


def inference(
    portable: Portable,
    size: Sequence[int],
    threshold: float | None,
    normalise: str,
    values: Sequence[int] = (1,),
    channels: int = 1,
) -> dict[str, Any]:
    """Return the config that predicts the NIfTI files of a folder.

    Args:
        portable: The network.
        size: Patch size in voxels, 2 or 3 entries: of the windows.
        threshold: Probability from which on a voxel is vessel; None: of several classes the most
            probable is taken.
        normalise: How intensities were normalised.
        values: What is written for each class.
        channels: Of an image.
    """
    # With one class and one channel a config is as it was before there were several.
    decided: dict[str, Any] = (
        {"_target_": "AsDiscreted", "keys": "pred", "threshold": "@threshold"}
        if threshold is not None
        else {"_target_": "Lambdad", "keys": "pred", "func": "@decision"}
    )
    decision = (
        {"threshold": threshold}
        if threshold is not None
        else {"decision": {"_target_": "scripts.inference.Values", "values": list(values)}}
    )
    counted = {"channels": channels} if channels > 1 else {}
    written = np.min_scalar_type(max(values)).name if threshold is None else "uint8"
    scaled = normalise == "patch-minmax"
    keys = ["image", "mask"]
    voxels = 1
    for extent in size:
        voxels *= extent
    windows = {
        "roi_size": list(size),
        "sw_batch_size": max(1, _BATCH_VOXELS // voxels),
        # Windows that are scaled one by one overlap by half, whatever the network's own do.
        "overlap": 0.5 if scaled else portable.overlap,
        "mode": "gaussian" if scaled else portable.blending,
        "padding_mode": "constant",
        "cval": -1.0,
    }
    inferer = (
        {"_target_": "monai.inferers.SlidingWindowInferer", **windows}
        if len(size) == 3
        else {"_target_": "monai.inferers.SliceInferer", "spatial_dim": 2, **windows}
    )
    return {
        "imports": [],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/images'",
        "mask_dir": None,
        "output_dir": "$@bundle_root + '/masks'",
        **decision,
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        **portable.network,
        "network": {
            "_target_": "scripts.inference.VesselProbability",
            "network": "@network_def",
            "mean": portable.mean,
            "sd": portable.sd,
            "scale_windows": scaled,
        },
        "model": {
            "_target_": "scripts.inference.with_weights",
            "model": "@network",
            "weights": f"$@bundle_root + '/{WEIGHTS.as_posix()}'",
            "device": "@device",
        },
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "LoadImaged",
                    "keys": keys,
                    "ensure_channel_first": True,
                    "allow_missing_keys": True,
                },
                {
                    "_target_": "Orientationd",
                    "keys": keys,
                    "axcodes": "RAS",
                    "labels": None,
                    "allow_missing_keys": True,
                },
                {"_target_": "scripts.transforms.Prepared", "method": normalise},
            ],
        },
        "dataset": {
            "_target_": "Dataset",
            "data": {
                "_target_": "scripts.inference.scans",
                "images": "@dataset_dir",
                "masks": "@mask_dir",
                **counted,
            },
            "transform": "@preprocessing",
        },
        "inferer": inferer,
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {
                    "_target_": "Invertd",
                    "keys": "pred",
                    "transform": "@preprocessing",
                    "orig_keys": "image",
                    "nearest_interp": False,
                    "to_tensor": True,
                },
                decided,
                {
                    "_target_": "SaveImaged",
                    "keys": "pred",
                    "output_dir": "@output_dir",
                    "output_postfix": "",
                    "output_ext": ".nii.gz",
                    "output_dtype": f"$np.{written}",
                    "separate_folder": False,
                    "resample": False,
                },
            ],
        },
        "run": [
            {
                "_target_": "scripts.inference.run",
                "items": "@dataset",
                "model": "@model",
                "inferer": "@inferer",
                "postprocessing": "@postprocessing",
                "device": "@device",
            }
        ],
    }


def metadata(
    name: str,
    size: Sequence[int],
    description: str,
    metrics: Mapping[str, float],
    *,
    authors: str,
    rights: str,
    references: Sequence[str],
    classes: Mapping[str, int] | None = None,
    channels: Sequence[str] = CHANNELS,
) -> dict[str, Any]:
    """Return ``metadata.json``, as MONAI's schema has it.

    Args:
        name: Of the bundle.
        size: Patch size in voxels.
        description: What it is, in a sentence or two.
        metrics: Mean scores on test subjects.
        authors: Who made it.
        rights: Copyright and licence.
        references: Papers.
        classes: The value of each class; None: vessel or not.
        channels: Names of the channels of an image.
    """
    several = len(channels) > 1
    named = list(channels) if several else ["image"]
    outputs = ["logit of vessel"]
    if classes is not None:
        outputs = [f"logit of {name}" for name in ("background", *classes)]
    window = {
        "type": "image",
        "spatial_shape": list(size),
        "dtype": "float32",
        "is_patch_data": True,
    }
    return {
        "schema": SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": "exported by vbench"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {package: _version(package) for package in PACKAGES},
        "name": name,
        "task": "Vessel segmentation",
        "description": description,
        "authors": authors,
        "copyright": rights,
        "data_type": "nibabel",
        "image_classes": (f"the channels {', '.join(named)}" if several else "one channel")
        + ", intensities mapped to [-1, 1]",
        "pred_classes": (
            "0: no vessel, 1: vessel"
            if classes is None
            else ", ".join(
                f"{value}: {name}" for name, value in {"background": 0, **classes}.items()
            )
        ),
        "eval_metrics": dict(metrics),
        "intended_use": "Research; not a medical device.",
        "references": list(references),
        "network_data_format": {
            "inputs": {
                "image": {
                    **window,
                    "num_channels": len(named),
                    "format": "magnitude",
                    "value_range": [-1, 1],
                    "channel_def": _numbered(named),
                }
            },
            "outputs": {
                "pred": {
                    **window,
                    "num_channels": len(outputs),
                    "format": "segmentation",
                    "value_range": [],
                    "channel_def": _numbered(outputs),
                }
            },
        },
    }


def write_bundle(
    folder: Path, portable: Portable, config: Mapping[str, Any], about: Mapping[str, Any]
) -> None:
    """Write configs, weights and scripts."""
    write_json(folder / CONFIG, config)
    write_json(folder / METADATA, about)
    save_weights(folder / WEIGHTS, portable.weights, "portable")
    # safetensors makes files that only their owner reads, and these are to be shared.
    (folder / WEIGHTS).chmod((folder / CONFIG).stat().st_mode)
    write_scripts(folder / "scripts")


def write_scripts(folder: Path) -> None:
    """Copy the modules that a bundle needs, so that they import each other and not vbench."""
    texts = {"__init__": resources.files("vbench.trained.scripts").joinpath("__init__.py")}
    for module in _SCRIPTS:
        package, _, name = module.rpartition(".")
        texts[name] = resources.files(package).joinpath(f"{name}.py")
    for name, source in texts.items():
        text = _IMPORT.sub(r"from scripts.\2 import", source.read_text("utf-8"))
        with atomic_write(folder / f"{name}.py") as temporary:
            temporary.write_text(text, encoding="utf-8")


def _numbered(names: Sequence[str]) -> dict[str, str]:
    return {str(number): name for number, name in enumerate(names)}


def _version(package: str) -> str:
    """Return the version that is installed here; what MONAI asks for where it is not."""
    from importlib.metadata import PackageNotFoundError

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
