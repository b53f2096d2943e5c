"""The U-net, in 2D and 3D."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn

from vbench_plugins.nn.levels import halvings_where_even

_CONV: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, Any] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_BATCH: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_INSTANCE: dict[int, Any] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


class Convolution(nn.Sequential):
    """A 3-wide convolution that keeps the extent, then normalisation, ReLU and dropout.

    Layer by layer and name by name MONAI's block of this name, so either takes the other's weights.
    It stands here because importing that one imports all of MONAI, and with it every library that
    MONAI finds installed: more processor time than the rest of a worker's start.
    """

    conv: Any
    adn: Any

    def __init__(self, ndim: int, before: int, after: int, norm: str, dropout: float = 0.0) -> None:
        super().__init__()
        # A bias before a normalisation would be subtracted again.
        self.add_module("conv", _CONV[ndim](before, after, 3, padding=1, bias=norm == "none"))
        then = nn.Sequential()
        if norm != "none":
            then.add_module("N", _norm(norm, ndim, after))
        then.add_module("A", nn.ReLU())
        if dropout:
            then.add_module("D", nn.Dropout(dropout))
        self.add_module("adn", then)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, before, *size)`` to ``(n, after, *size)``.

        Outside training a batch normalisation is a fixed scale and shift of each channel: the
        convolution's weights take them in, which saves a pass over its output.
        """
        norm = self.adn[0]
        if norm.training or type(norm) not in _BATCH.values():
            return cast(Tensor, self.adn(self.conv(x)))
        weight, bias = _with_norm(self.conv, norm)
        return cast(Tensor, self.adn[1:](self.conv._conv_forward(x, weight, bias)))


class Unet(nn.Module):
    """Images ``(n, inputs, *size)`` to logits ``(n, outputs, *size)``.

    Each level: two 3-wide convolutions, each with normalisation and ReLU, dropout between them.
    Down by max-pooling of the axes that can be halved; up by a transposed convolution that halves
    the channels, or by nearest neighbour; joined by concatenation; a 1-wide convolution at the
    end. With width 32, depth 5, nearest neighbour and no normalisation in 2D it is the "half
    U-net" of Livne et al. 2019 (doi 10.3389/fnins.2019.00097).
    """

    def __init__(self, size: tuple[int, ...], p: Any, inputs: int = 1, outputs: int = 1) -> None:
        super().__init__()
        ndim = len(size)
        strides = halvings_where_even(size, p.depth - 1)
        widths = [p.width * 2**level for level in range(len(strides) + 1)]
        self.down = nn.ModuleList(
            _level(ndim, before, after, p)
            for before, after in zip([inputs, *widths], widths, strict=False)
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
        self.last = nn.Sequential()
        self.last.add_module("conv", _CONV[ndim](widths[0], outputs, 1))

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
    return nn.Sequential(
        Convolution(ndim, before, after, p.norm, p.dropout),
        Convolution(ndim, after, after, p.norm),
    )


def _with_norm(conv: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Return weights and bias of a convolution that does what both do."""
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    weight = conv.weight * scale.view(-1, *[1] * (conv.weight.ndim - 1))
    return weight, norm.bias - norm.running_mean * scale


def _norm(name: str, ndim: int, channels: int) -> nn.Module:
    if name == "group":
        return nn.GroupNorm(4, channels)
    layer: nn.Module = {"batch": _BATCH, "instance": _INSTANCE}[name][ndim](channels)
    return layer
