"""Parameters of training a network on patches and predicting by windows, whatever the network."""

from __future__ import annotations

from typing import Literal

from vbench.interfaces import Params, param
from vbench_plugins.nn.settings import MemoryFormat, Precision, Threads


class TrainingParams(Params):
    """Parameters of :class:`~vbench_plugins.segmenters.patchwise.PatchSegmenter`."""

    # Length and optimiser
    steps: int = param(300, "Training steps", unit="steps", length=True, ge=1)
    epochs: float = param(
        0.0, "Passes over the patches that it is given, in place of steps; 0: steps", ge=0
    )
    batch_size: int = param(16, "Patches per batch", ge=1)
    lr: float = param(4e-3, "Learning rate (Adam)", tune=(1e-3, 1e-2), log=True, gt=0)
    schedule: Literal["cosine", "constant"] = param(
        "cosine", "Learning rate: a short rise, then a cosine to 0; or constant"
    )
    ema: float = param(0.98, "Decay of the average of weights; 0: none", ge=0, lt=1)
    loss: Literal["dice", "dice+ce", "cldice"] = param(
        "dice+ce", "Soft Dice over the batch, with cross-entropy, or with soft clDice"
    )

    # Augmentation
    flips: Literal["all", "vertical", "none"] = param(
        "all", "Mirror images and right-angle rotations; flips of the second axis; or none"
    )
    rotation: float = param(
        0.0, "Rotation within the first two axes, up to", unit="degrees", ge=0, le=180
    )
    shear: float = param(0.0, "Shear within the first two axes, up to", unit="degrees", ge=0, lt=90)
    label_interpolation: Literal["nearest", "linear"] = param(
        "nearest", "Of labels when patches are warped; linear makes them fractional (fault 8)"
    )
    intensity: float = param(
        0.05, "Strength of random contrast, brightness and noise", tune=[0.0, 0.05, 0.1], ge=0, le=1
    )

    # Input and prediction
    standardise: bool = param(
        False, "Subtract the mean and divide by the spread of the training patches"
    )
    overlap: float = param(0.5, "Of neighbouring prediction windows", ge=0, lt=1)
    blending: Literal["gaussian", "constant"] = param(
        "gaussian", "Weights of overlapping windows: less at their borders, or all alike"
    )

    # Computing
    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels_last"
    threads: Threads = 0
    compile: bool = param(False, "torch.compile the network: worth it for long fits on CUDA")
    cuda_graphs: bool = param(
        False,
        "Replay the compiled network's training steps as CUDA graphs, since patches have one size; "
        "only with compile, on CUDA",
    )
