"""Parameters of the U-net, and the preset of the paper's own (Livne et al. 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from vbench.interfaces import param
from vbench_plugins.nn.presets import PresetParams
from vbench_plugins.segmenters.training_params import TrainingParams


class UnetParams(TrainingParams, PresetParams):
    """Parameters of :class:`~vbench_plugins.segmenters.unet.Unet3d`."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        # 15 epochs, each of twice as many samples as there are patches: 30 passes. "half" is half
        # the channels of the original U-net.
        "livne2019-half": {
            "epochs": 30.0,
            "batch_size": 64,
            "lr": 1e-4,
            "schedule": "constant",
            "ema": 0.0,
            "width": 32,
            "depth": 5,
            "upsampling": "nearest",
            "norm": "none",
            "dropout": 0.1,
            "loss": "dice",
            "flips": "vertical",
            "rotation": 30.0,
            "shear": 20.0,
            "intensity": 0.0,
            "standardise": True,
            "overlap": 0.0,
            "blending": "constant",
            "precision": "float32",
            "memory_format": "contiguous",
        }
    }

    instead: ClassVar[Mapping[str, str]] = {"steps": "epochs"}

    preset: Literal["default", "livne2019-half"] = param(
        "default", "Whose architecture and training the defaults are"
    )

    # Architecture
    width: int = param(12, "Channels at the finest level, doubled at each level below", ge=1)
    depth: int = param(2, "Levels; fewer where the patch cannot be halved so often", ge=1)
    upsampling: Literal["transposed", "nearest"] = param(
        "transposed", "A transposed convolution that halves the channels, or nearest neighbour"
    )
    norm: Literal["batch", "instance", "group", "none"] = param("batch", "Normalisation")
    dropout: float = param(
        0.0, "Dropout between a level's two convolutions", tune=(0.0, 0.2), ge=0, lt=1
    )
