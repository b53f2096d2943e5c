"""Parameters of the three GANs and their presets: the authors' code, as it should be, and 3D.

``authors`` is the public code of Kossen et al. 2021 (doi 10.1016/j.compbiomed.2021.104254) to the
letter, ``subramaniam2022`` that of its 3D follow-up. Each fault of the original is a separate
parameter, so a spec can switch on any one of them.

``corrected`` is more than ``authors`` without the faults: it averages weights (``ema``), lets the
rates fall (``decay``), takes the penalty on 8 of 32 samples, has two critic steps, other rates and
DCGAN targets, shows the critic the product of image and label, and is smaller. What it changes is
listed in full in ``docs/explanation/paper.md``, and a test holds the list to the presets.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from vbench.interfaces import param
from vbench_plugins.nn.presets import PresetParams
from vbench_plugins.nn.settings import MemoryFormat, Precision, Threads

Preset = Literal["corrected", "authors", "subramaniam2022"]

#: What the authors' three GANs share; epochs are given in generator steps of 41,000 patches.
_AUTHORS: dict[str, Any] = {
    "levels": 5,
    "width": 96,
    "critic_width": 96,
    "kernel": 5,
    "upsampling": "transposed",
    "unfold": "transposed",
    "output": "transposed",
    "critic_head": "conv",
    "bias": False,
    "weight_sd": 0.05,
    "zero_mean_gains": True,
    "refine": 0,
    "batch_stddev": False,
    "product": False,
    "turn": False,
    "decay": 0.0,
    "reuse_batch": True,
    "sampling_mode": "train",
    "label_range": "0..1",
    "label_threshold": 0.8,
    "patch_minmax": True,
    "augment": False,
    "ema": 0.0,
    "precision": "float32",
    "memory_format": "contiguous",
}

#: The follow-up keeps the label threshold and the rescaling; its draws are fresh.
_SUBRAMANIAM: dict[str, Any] = {
    **_AUTHORS,
    "steps": 58_800,
    "batch_size": 4,
    "lr_generator": 2e-4,
    "lr_critic": 4e-4,
    "beta1": 0.0,
    "beta2": 0.9,
    "critic_steps": 1,
    "levels": 3,
    "width": 64,
    "critic_levels": 4,
    "critic_width": 64,
    "kernel": 3,
    "upsampling": "nearest",
    "unfold": "linear",
    "output": "conv",
    "critic_head": "linear",
    "bias": True,
    "reuse_batch": False,
    "label_threshold": 0.4,
    "precision": "bfloat16",
}

_BATCH_PENALTY: dict[str, Any] = {"penalty": "batch", "penalty_samples": 0}


class GanParams(PresetParams):
    """What the three GANs share. Defaults are those of ``corrected``."""

    objective: ClassVar[Literal["wasserstein", "relativistic", "cross-entropy"]]

    preset: Preset = param("corrected", "Whose architecture and training the defaults are")

    # Length and optimiser
    steps: int = param(900, "Generator steps", unit="steps", length=True, ge=1)
    batch_size: int = param(32, "Patches per batch", ge=2)
    lr_generator: float = param(5e-4, "Generator learning rate", tune=(1e-4, 1e-3), log=True, gt=0)
    lr_critic: float = param(5e-4, "Critic learning rate", tune=(1e-4, 1e-3), log=True, gt=0)
    beta1: float = param(0.0, "Adam, first moment", ge=0, lt=1)
    beta2: float = param(0.9, "Adam, second moment", gt=0, lt=1)
    critic_steps: int = param(2, "Critic steps per generator step", tune=[1, 2, 5], ge=1)
    decay: float = param(
        0.3, "Last share of the steps, in which both learning rates fall to 0", ge=0, le=1
    )
    ema: float = param(0.995, "Decay of the average of generator weights; 0: none", ge=0, lt=1)

    # Architecture
    latent: int = param(128, "Length of the latent vector", ge=1)
    levels: int = param(0, "Halvings of the patch; 0: until 2 to 6 voxels per axis are left", ge=0)
    critic_levels: int = param(0, "Halvings in the critic; 0: as in the generator", ge=0)
    width: int = param(16, "Generator channels at the finest level", tune=[16, 24], ge=1)
    critic_width: int = param(32, "Critic channels at the finest level", ge=1)
    kernel: int = param(4, "Kernel of layers that halve or double", ge=3, le=7)
    upsampling: Literal["transposed", "nearest"] = param(
        "transposed", "Transposed convolution, or nearest neighbour and a convolution"
    )
    unfold: Literal["linear", "transposed"] = param(
        "linear", "How the latent vector becomes the coarsest level"
    )
    output: Literal["conv", "transposed"] = param(
        "conv", "Last layer: a convolution at full resolution, or the last doubling itself"
    )
    critic_head: Literal["linear", "conv", "pool", "minibatch"] = param(
        "linear",
        "The critic's last layer; pool: the same weights everywhere; minibatch: with minibatch "
        "discrimination",
    )
    norm_generator: Literal["batch", "none"] = param("batch", "Generator normalisation")
    refine: int = param(0, "Further 3-wide convolutions at each level but the finest", ge=0)
    product: bool = param(True, "Show the critic the product of image and label too")
    turn: bool = param(False, "Mirror and rotate what the critic sees, real and generated alike")
    batch_stddev: bool = param(False, "Show the critic how much the samples of a batch differ")
    bias: bool = param(True, "Biases in convolutions")
    weight_sd: float = param(0.02, "Spread of initial weights; 0: torch's own", ge=0)

    # Agreement of label and image
    agreement: float = param(
        0.0,
        "Weight of a pull of generated labels, by the layers that give the label, towards what an "
        "auxiliary segmenter of the same real patches says of the generated images; 0: none",
        ge=0,
    )
    label_by: Literal["generator", "segmenter"] = param(
        "generator",
        "What gives generated images their labels: the generator, or a small segmenter that it "
        "takes in, which learns from the same real patches beside the GAN",
    )
    label_layers: int = param(
        0,
        "Convolutions of the label alone, which see features and image; 0: the last layer gives "
        "image and label at once",
        ge=0,
    )
    label_width: int = param(8, "Channels of these convolutions", ge=1)
    class_end: Literal["softmax", "nested"] = param(
        "softmax",
        "How labels of several classes end: in a softmax over background and classes, or in a tanh "
        "that says vessel or not and a softmax in it over the classes; the generator's own labels "
        "only",
    )
    critic_labels: Literal["soft", "hard"] = param(
        "soft",
        "How the critic sees generated labels: as they are, or cut at label_threshold, so that "
        "soft edges do not give them away (the gradient passes straight through)",
    )

    # Data
    augment: bool = param(False, "Flip and rotate real patches by right angles")

    # The faults of the original code (see `_AUTHORS`), each a switch
    reuse_batch: bool = param(
        False, "Fault 2: one real batch for all critic steps, last fakes for the generator"
    )
    zero_mean_gains: bool = param(False, "Fault 3: batch-norm gains start around 0 instead of 1")
    sampling_mode: Literal["eval", "train"] = param(
        "eval", "Fault 4 (train): batch statistics while sampling"
    )
    label_range: Literal["-1..1", "0..1"] = param(
        "-1..1", "Fault 5 (0..1): labels against the range of tanh"
    )
    label_threshold: float = param(
        0.0, "Above it, in the units of label_range, a voxel is vessel", gt=-1, lt=1
    )
    patch_minmax: bool = param(False, "Fault 6: each patch stretched to [-1, 1], in and out")

    # Computing
    precision: Precision = "float32"
    memory_format: MemoryFormat = "channels_last"
    threads: Threads = 0
    compile: bool = param(
        False,
        "torch.compile the generator, for long fits on CUDA; critics are not compiled, since "
        "gradient penalties differentiate twice",
    )


class DcganParams(GanParams):
    """Parameters of :class:`~vbench_plugins.generators.gan.Dcgan`."""

    objective = "cross-entropy"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "authors": {
            **_AUTHORS,
            "steps": 22_960,
            "batch_size": 250,
            "lr_generator": 3e-4,
            "lr_critic": 3e-4,
            "latent": 100,
            "critic_head": "minibatch",
            "target_real": (0.7, 1.2),
            "target_fake": (0.0, 0.3),
            "generator_loss": "paired-features",
        },
        "subramaniam2022": _SUBRAMANIAM,
    }

    beta1: float = param(0.5, "Adam, first moment", ge=0, lt=1)
    beta2: float = param(0.999, "Adam, second moment", gt=0, lt=1)
    critic_steps: int = param(1, "Critic steps per generator step", ge=1)
    norm_critic: Literal["batch", "instance", "spectral", "none"] = param(
        "batch", "Critic normalisation"
    )
    target_real: tuple[float, float] = param(
        (0.9, 0.9), "Fault 7 (0.7, 1.2): targets of real patches are drawn from this range"
    )
    target_fake: tuple[float, float] = param(
        (0.0, 0.0), "Fault 7 (0, 0.3): targets of generated patches are drawn from this range"
    )
    generator_loss: Literal["adversarial", "adversarial+means", "paired-features"] = param(
        "adversarial",
        "Non-saturating; with matched feature means; fault 7: unpaired features, one by one",
    )


class WganGpParams(GanParams):
    """Parameters of :class:`~vbench_plugins.generators.gan.WganGp`."""

    objective = "wasserstein"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "authors": {
            **_AUTHORS,
            **_BATCH_PENALTY,
            "steps": 24_660,
            "batch_size": 300,
            "lr_generator": 1e-4,
            "lr_critic": 1e-4,
            "critic_steps": 5,
        },
        "subramaniam2022": {**_SUBRAMANIAM, **_BATCH_PENALTY},
    }

    lr_generator: float = param(1e-3, "Generator learning rate", tune=(2e-4, 2e-3), log=True, gt=0)
    lr_critic: float = param(1e-3, "Critic learning rate", tune=(2e-4, 2e-3), log=True, gt=0)
    critic_head: Literal["linear", "conv", "pool"] = param(
        "linear", "The critic's last layer; pool: the same weights everywhere"
    )
    norm_critic: Literal["instance", "spectral", "none"] = param("instance", "Critic normalisation")
    penalty: Literal["sample", "batch"] = param(
        "sample",
        "Fault 1 (batch, with penalty_samples = 0): one gradient norm, one mixing weight for all",
    )
    penalty_weight: float = param(10.0, "Weight of the gradient penalty", tune=[5.0, 10.0], ge=0)
    penalty_samples: int = param(
        8, "Samples of a batch that the penalty is computed on; 0: all", ge=0
    )


class WganGpSnParams(WganGpParams):
    """Parameters of :class:`~vbench_plugins.generators.gan.WganGpSn`."""

    norm_critic: Literal["instance", "spectral", "none"] = param("spectral", "Critic normalisation")


class R3GanParams(GanParams):
    """Parameters of :class:`~vbench_plugins.generators.gan.R3Gan`."""

    objective = "relativistic"

    preset: Literal["corrected"] = param("corrected", "The only one: it has no authors' code here")
    lr_generator: float = param(1e-3, "Generator learning rate", tune=(2e-4, 2e-3), log=True, gt=0)
    lr_critic: float = param(1e-3, "Critic learning rate", tune=(2e-4, 2e-3), log=True, gt=0)
    critic_steps: int = param(1, "Critic steps per generator step", tune=[1, 2], ge=1)
    weight_sd: float = param(0.0, "Spread of initial weights; 0: torch's own", ge=0)
    norm_generator: Literal["batch", "none"] = param("none", "Generator normalisation")
    norm_critic: Literal["instance", "spectral", "none"] = param("none", "Critic normalisation")
    critic_head: Literal["linear", "conv", "pool"] = param(
        "linear", "The critic's last layer; pool: the same weights everywhere"
    )
    penalty_weight: float = param(
        1.0, "Weight of both penalties, gamma in the paper", tune=(0.05, 10.0), log=True, ge=0
    )
    penalty_samples: int = param(
        0, "Samples of a batch that the penalties are computed on; 0: all", ge=0
    )
