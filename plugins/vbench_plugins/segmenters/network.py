"""The U-net, from MONAI's convolution blocks, in 2D and 3D."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from monai.networks.blocks.convolutions import Convolution
from torch import Tensor, nn

from vbench_plugins.nn.levels import halvings_where_even

_TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_NORM = {"batch": "BATCH", "instance": "INSTANCE", "group": ("GROUP", {"num_groups": 4})}


class Unet(nn.Module):
    """Images ``(n, 1, *size)`` to logits of the same shape.

    Each level: two 3-wide convolutions, each with normalisation and ReLU, dropout between them.
    Down by max-pooling of the axes that can be halved; up by a transposed convolution that halves
    the channels, or by nearest neighbour; joined by concatenation; a 1-wide convolution at the
    end. With width 32, depth 5, nearest neighbour and no normalisation in 2D it is the "half
    U-net" of Livne et al. 2019 (doi 10.3389/fnins.2019.00097).
    """

    def __init__(self, size: tuple[int, ...], p: Any) -> None:
        super().__init__()
        ndim = len(size)
        strides = halvings_where_even(size, p.depth - 1)
        widths = [p.width * 2**level for level in range(len(strides) + 1)]
        self.down = nn.ModuleList(
            _level(ndim, before, after, p)
            for before, after in zip([1, *widths], widths, strict=False)
        )
        self.pools = nn.ModuleList(_POOL[ndim](stride) for stride in strides)
        reduce = p.upsampling == "transposed"
        self.ups = nn.ModuleList(
            _TRANSPOSED[ndim](coarse, fine, stride, stride)
            if reduce
            else nn.Upsample(scale_factor=tuple(float(s) for s in stride))
            for stride, (fine, coarse) in zip(strides, pairwise(widths), strict=True)
        )
        self.up = nn.ModuleList(
            _level(ndim, fine + (fine if reduce else coarse), fine, p)
            for fine, coarse in pairwise(widths)
        )
        self.last = Convolution(ndim, widths[0], 1, kernel_size=1, conv_only=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map images to logits."""
        kept = []
        for level, pool in zip(self.down, self.pools, strict=False):
            kept.append(level(x))
            x = pool(kept[-1])
        x = self.down[-1](x)
        for level, grow, skip in zip(
            reversed(self.up), reversed(self.ups), reversed(kept), strict=True
        ):
            x = level(torch.cat([grow(x), skip], dim=1))
        return self.last(x)


def _level(ndim: int, before: int, after: int, p: Any) -> nn.Sequential:
    norm = _NORM.get(p.norm)
    # A bias before a normalisation would be subtracted again.
    shared = {"act": "RELU", "norm": norm, "adn_ordering": "NAD", "bias": norm is None}
    return nn.Sequential(
        Convolution(ndim, before, after, dropout=p.dropout or None, **shared),
        Convolution(ndim, after, after, **shared),
    )
