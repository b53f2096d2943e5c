"""Any network of MONAI as a segmenter: ``monai:SegResNet``, with its own arguments.

Training, augmentation and prediction are those of the built-in U-net, so that arms differ in the
network only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, create_model

from vbench.files import as_json
from vbench.interfaces import Count, Params
from vbench.types import Array, Setup, Weights
from vbench_plugins.nn.seeding import INIT, torch_seed
from vbench_plugins.nn.settings import TINY
from vbench_plugins.segmenters.monai_signatures import Signature, signature
from vbench_plugins.segmenters.patchwise import PatchSegmenter
from vbench_plugins.segmenters.training_params import TrainingParams

if TYPE_CHECKING:
    from vbench_plugins.nn.trainer import Trainer

#: Arguments for which MONAI has no default, and smaller ones than MONAI's where patches are small.
_SMALL: dict[str, dict[str, Any]] = {
    "AttentionUnet": {"channels": [16, 32, 64], "strides": [2, 2]},
    "BasicUNet": {"features": [16, 16, 32, 64, 128, 16]},
    "DynUNet": {
        "kernel_size": [3, 3, 3],
        "strides": [1, 2, 2],
        "upsample_kernel_size": [2, 2],
        "filters": [16, 32, 64],
    },
    "SegResNet": {"blocks_down": [1, 2, 2], "blocks_up": [1, 1], "init_filters": 16},
    "SwinUNETR": {"feature_size": 12},
    "UNet": {"channels": [16, 32, 64], "strides": [2, 2], "num_res_units": 2},
}
#: What every extent of a patch must be a multiple of, where the arguments say it.
_MULTIPLE: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "AttentionUnet": lambda given: prod(given["strides"]),
    "BasicUNet": lambda given: 16,
    "DynUNet": lambda given: prod(given["strides"]),
    "SegResNet": lambda given: 2 ** (len(given["blocks_down"]) - 1),
    "SwinUNETR": lambda given: given["patch_size"] ** 5,
    "UNet": lambda given: prod(given["strides"]),
}
_TINY: dict[str, dict[str, Any]] = {
    "AttentionUnet": {"channels": [4, 8], "strides": [2]},
    "BasicUNet": {"features": [4, 4, 4, 4, 4, 4]},
    "DynUNet": {**_SMALL["DynUNet"], "filters": [4, 4, 4]},
    "SegResNet": {**_SMALL["SegResNet"], "init_filters": 8},
    "SwinUNETR": {"feature_size": 12, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1]},
    "UNet": {"channels": [4, 8], "strides": [2]},
}


class MonaiNetwork(PatchSegmenter):
    """A network of MONAI, trained and applied as the built-in U-net is.

    ``params.network`` holds the arguments of the network's class; spatial dimensions, channels
    and image size follow from the patches. Networks that are not listed work by name, too, if
    they map an image to logits of its size; their own faults then show when they are trained.
    """

    name = "monai:*"
    paper = "Cardoso et al. 2022, arXiv:2211.02701"
    Params = TrainingParams
    members = tuple(_SMALL)
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    network: ClassVar[Signature]

    @classmethod
    def member(cls, name: str) -> type[MonaiNetwork]:
        """Return the segmenter of a network of ``monai.networks.nets``."""
        return _member(cls, name)

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Refuse arguments that are missing, and sizes that the network cannot halve."""
        super().check(params, setup)
        given = params.network.model_dump()
        missing = [a.name for a in cls.network.arguments if not a.text and given[a.name] is None]
        if missing:
            raise ValueError(f"params.network lacks {', '.join(missing)}, which MONAI asks for")
        rule = _MULTIPLE.get(cls.network.name)
        multiple = rule(given) if rule else 1
        rests = [extent // multiple for extent in setup.size]
        # Instance normalisation cannot train on a single voxel.
        if any(extent % multiple for extent in setup.size) or prod(rests) < 2:
            raise ValueError(
                f"patch size {list(setup.size)}: every extent must be a multiple of {multiple}, "
                f"and one of them {2 * multiple} or more"
            )

    def build(self, seed: int) -> Any:
        """Return the network with seeded weights."""
        from monai.networks import nets
        from torch import nn

        class Network(nn.Module):
            """Takes the first output of networks that give several."""

            def __init__(self, inner: nn.Module) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, images: Any) -> Any:
                found = self.inner(images)
                return found[0] if isinstance(found, list | tuple) else found

        arguments = self.arguments()
        with torch_seed(seed, INIT):
            return Network(getattr(nets, self.network.name)(**arguments))

    def arguments(self) -> dict[str, Any]:
        """Return what the network's class is built with: what patches say, and the parameters."""
        known = {
            "spatial_dims": self.setup.ndim,
            "in_channels": self.setup.contrasts,
            "out_channels": 1 if self.setup.classes == 1 else self.setup.classes + 1,
            "img_size": self.setup.size,
            "input_image_size": self.setup.size,
        }
        given = self.params.network.model_dump().items()
        return {
            **{name: known[name] for name in self.network.given},
            **{name: value for name, value in given if value is not None},
        }

    def elsewhere(self) -> tuple[Mapping[str, Any], Weights]:
        """Return the network by its name in MONAI."""
        target = {"_target_": f"monai.networks.nets.{self.network.name}"}
        inner: Weights = self.model().inner.state_dict()
        return {"network_def": target | as_json(self.arguments())}, inner

    def step(self, trainer: Trainer, batch: Array) -> Any:
        """Do one step with deterministic algorithms only.

        The gradient of indexing, as of SwinUNETR's position bias, is summed in any order else.
        """
        import torch

        before = (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        )
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            return super().step(trainer, batch)
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])


@cache
def _member(base: type[MonaiNetwork], name: str) -> type[MonaiNetwork]:
    network = signature(name)
    small = _SMALL.get(name, {})
    fields: dict[str, Any] = {}
    for argument in network.arguments:
        if argument.name in small:
            default, said = small[argument.name], "smaller than MONAI's" if argument.text else ""
        else:
            default, said = argument.default, f"MONAI's default: {argument.text}"
        about = f"Argument of {name}. {said}".strip() if said else f"Argument of {name}"
        optional = argument.type | None if argument.type is not Any else Any
        fields[argument.name] = (optional, Field(default, description=about))
    arguments: Any = create_model(f"{name}Arguments", __base__=Params, **fields)
    params = create_model(
        f"{name}Params",
        __base__=TrainingParams,
        network=(
            arguments,
            Field(arguments(), description=f"Arguments of monai.networks.nets.{name}"),
        ),
    )
    tiny = {
        "steps": 3,
        "batch_size": 2,
        "overlap": 0.0,
        **TINY,
        **({"network": _TINY[name]} if name in _TINY else {}),
    }
    return type(
        name,
        (base,),
        {
            "__doc__": f"{name} of MONAI, trained and applied as the built-in U-net is.",
            "paper": network.paper or base.paper,
            "__module__": __name__,
            "name": f"monai:{name}",
            "Params": params,
            "tiny": tiny,
            "network": network,
            "ndims": (2, 3) if "spatial_dims" in network.given else (3,),
        },
    )
