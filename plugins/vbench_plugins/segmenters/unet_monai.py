"""The U-net in terms of MONAI's and torch's classes, so that it runs where vbench is not.

Each level is a sequence: two convolutions, a skip connection around the coarser level, two
convolutions. MONAI's skip connection joins what it skips before what it computed, the U-net after
it: the first convolution after each has its input channels in the other order.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from vbench_plugins.nn.levels import halvings_where_even

_NORMS: dict[str, Any] = {
    "batch": "BATCH",
    "instance": "INSTANCE",
    "group": ["GROUP", {"num_groups": 4}],
    "none": None,
}
#: Where, in a level's sequence, the skip connection is, and the convolutions after it.
_SKIP, _AFTER = 2, 3


def description(size: tuple[int, ...], p: Any, inputs: int = 1, outputs: int = 1) -> dict[str, Any]:
    """Return entries of a MONAI config, of which ``network_def`` is the network.

    Args:
        size: Patch size in voxels.
        p: The U-net's parameters.
        inputs: Channels of an image.
        outputs: Logits of a voxel.
    """
    ndim = len(size)
    strides = halvings_where_even(size, p.depth - 1)
    widths = _widths(size, p)
    bottom = len(strides)
    reduce = p.upsampling == "transposed"
    entries: dict[str, Any] = {}
    for level, (before, after) in enumerate(pairwise([inputs, *widths])):
        entries[f"down_{level}"] = _convolutions(ndim, before, after, p)
    for level, (stride, (fine, coarse)) in enumerate(zip(strides, pairwise(widths), strict=True)):
        entries[f"pool_{level}"] = {
            "_target_": f"torch.nn.MaxPool{ndim}d",
            "kernel_size": list(stride),
        }
        entries[f"grow_{level}"] = (
            {
                "_target_": f"torch.nn.ConvTranspose{ndim}d",
                "in_channels": coarse,
                "out_channels": fine,
                "kernel_size": list(stride),
                "stride": list(stride),
            }
            if reduce
            else f"$torch.nn.Upsample(scale_factor={tuple(float(s) for s in stride)})"
        )
        entries[f"up_{level}"] = _convolutions(ndim, fine + (fine if reduce else coarse), fine, p)
    entries[f"level_{bottom}"] = f"$torch.nn.Sequential(*@down_{bottom})"
    for level in reversed(range(bottom)):
        inner = f"torch.nn.Sequential(@pool_{level}, @level_{level + 1}, @grow_{level})"
        skip = f"monai.networks.layers.SkipConnection({inner}, mode='cat')"
        entries[f"level_{level}"] = f"$torch.nn.Sequential(*@down_{level}, {skip}, *@up_{level})"
    entries["last"] = {
        "_target_": f"torch.nn.Conv{ndim}d",
        "in_channels": widths[0],
        "out_channels": outputs,
        "kernel_size": 1,
    }
    entries["network_def"] = "$torch.nn.Sequential(@level_0, @last)"
    return entries


def translated(weights: Mapping[str, Tensor], size: tuple[int, ...], p: Any) -> dict[str, Tensor]:
    """Return a U-net's state dict under the names of :func:`description`.

    Args:
        weights: State dict of :class:`~vbench_plugins.segmenters.network.Unet`.
        size: Patch size in voxels.
        p: The U-net's parameters.
    """
    widths = _widths(size, p)
    found = {}
    for name, value in weights.items():
        part, *path = name.split(".")
        if part == "last":
            found[f"1.{'.'.join(path[1:])}"] = value
            continue
        level, rest = int(path[0]), path[1:]
        prefix = "0." + f"{_SKIP}.submodule.1." * level
        if part == "down":
            found[prefix + ".".join(rest)] = value
        elif part == "ups":
            found[f"{prefix}{_SKIP}.submodule.2.{'.'.join(rest)}"] = value
        else:
            if rest == ["0", "conv", "weight"]:
                grown = value.shape[1] - widths[level]
                value = torch.cat([value[:, grown:], value[:, :grown]], dim=1)
            found[f"{prefix}{_AFTER + int(rest[0])}.{'.'.join(rest[1:])}"] = value
    return found


def _widths(size: tuple[int, ...], p: Any) -> list[int]:
    levels = len(halvings_where_even(size, p.depth - 1)) + 1
    return [p.width * 2**level for level in range(levels)]


def _convolutions(ndim: int, before: int, after: int, p: Any) -> list[dict[str, Any]]:
    return [
        {
            "_target_": "monai.networks.blocks.Convolution",
            "spatial_dims": ndim,
            "in_channels": channels,
            "out_channels": after,
            "kernel_size": 3,
            "adn_ordering": "NAD",
            "act": "RELU",
            "norm": _NORMS[p.norm],
            "dropout": dropout or None,
            "bias": p.norm == "none",
        }
        for channels, dropout in ((before, p.dropout), (after, 0.0))
    ]
