"""Flow matching (arXiv 2210.02747): a network that turns noise into data, step by step.

Along the straight path ``x = t · data + (1 - t) · noise`` the network sees ``x`` and ``t`` and says
what the data is. Labels, one channel of -1 and 1 for each class, are predicted as log-odds against
the background and learnt with cross-entropy; images are predicted as the velocity of the path and
learnt with its squared error. Of an image the network sees unit variance at every time, and adds to
what the best linear estimate of it would be (Karras et al. 2022, arXiv 2206.00364).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vbench_plugins.generators.networks import CONV, TRANSPOSED, scaling
from vbench_plugins.nn.levels import halvings_where_even

Kind = Literal["label", "image"]

_KERNEL, _GROUPS, _FREQUENCIES, _EMBEDDING = 4, 4, 16, 64
#: Times stay below this, where the noise is as good as gone.
_LATEST = 0.999
#: Noise that is left when the last step of sampling begins.
_END = 0.08


class FlowNet(nn.Module):
    """Noisy patches ``(n, channels, *size)`` and times ``(n,)`` to an estimate of the clean ones.

    A small U-net that begins below full resolution, where convolutions are cheap; only its last
    two layers work on all voxels, beside the input itself. The time has a say there too: how much
    of a voxel's own value is noise depends on it.

    Attributes:
        late: Squared error of images near the path's end, summed over voxels, and their number;
            both followed while training. What the last step of sampling cannot know it draws.
    """

    late: Tensor

    def __init__(
        self,
        size: tuple[int, ...],
        kind: Kind,
        *,
        width: int,
        levels: int,
        fine: int,
        seen: int,
        channels: int = 1,
    ) -> None:
        """Build the network.

        Args:
            size: Patch size, 2 or 3 entries, at least one of them even.
            kind: What is generated.
            width: Channels at the finest of the halved levels.
            levels: Halvings.
            fine: Channels at full resolution.
            seen: Channels that are given beside the noisy patch: 0, or those of a label.
            channels: What is generated: the contrasts of an image, the classes of a label.
        """
        super().__init__()
        self.kind, ndim = kind, len(size)
        strides = halvings_where_even(size, levels)
        widths = [width * 2**level for level in range(len(strides))]
        conv, grow = CONV[ndim], TRANSPOSED[ndim]
        shapes = [scaling(_KERNEL, stride) for stride in strides]
        self.embed = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, _EMBEDDING), nn.SiLU(), nn.Linear(_EMBEDDING, _EMBEDDING)
        )
        self.coarser = nn.ModuleList(
            conv(before, after, **shape)
            for before, after, shape in zip(
                [channels + seen, *widths], widths, shapes, strict=False
            )
        )
        self.down = nn.ModuleList(Block(ndim, w) for w in widths)
        self.up = nn.ModuleList(Block(ndim, w) for w in widths)
        self.finer = nn.ModuleList(
            grow(coarse, after, **shape)
            for (after, coarse), shape in zip(pairwise([fine, *widths]), shapes, strict=True)
        )
        self.wide = conv(fine + channels + seen, fine, 3, padding=1)
        self.time = nn.Linear(_EMBEDDING, 2 * fine)
        self.last = conv(fine, channels, 3, padding=1)
        for silent in (self.time, self.last):
            nn.init.zeros_(silent.weight)
            nn.init.zeros_(silent.bias)
        self.register_buffer("late", torch.zeros(2))

    def forward(self, x: Tensor, t: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return log-odds (label), or the velocity (image), in float32."""
        time, t = self.embed(_waves(t)), _wide(t, x)
        spread = (t.square() + (1 - t).square()).sqrt() if self.kind == "image" else 1.0
        x = x / spread
        shown = x if seen is None else torch.cat([x, seen], dim=1)
        kept = [shown]
        for coarser, block in zip(self.coarser, self.down, strict=True):
            kept.append(block(coarser(kept[-1]), time))
        h = torch.zeros_like(kept[-1])
        for finer, block in zip(reversed(self.finer), reversed(self.up), strict=True):
            h = finer(block(h + kept.pop(), time))
        h = self.wide(torch.cat([h, shown.to(h.dtype)], dim=1))
        out = self.last(F.silu(_modulated(h, self.time(time)))).float()
        # What the voxel's own value says; the network adds what its surroundings say.
        if self.kind == "image":
            return (out + (2 * t - 1) * x) / spread
        return out + 2 * t * x / (1 - t) ** 2

    def clean(self, x: Tensor, t: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return the expected clean patch: labels in (-1, 1), images in their own unit."""
        found = self(x, t, seen)
        if self.kind == "image":
            return x + (1 - _wide(t, x)) * found
        if found.shape[1] == 1:
            return torch.tanh(found / 2)
        return 2 * torch.softmax(_with_background(found), dim=1)[:, 1:] - 1

    def loss(self, data: Tensor, noise: Tensor, t: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return the training loss of clean patches, noise of their shape, and times ``(n,)``."""
        at = _wide(t, data)
        found = self(at * data + (1 - at) * noise, t, seen)
        if self.kind == "label":
            return _entropy(found, data).mean()
        error = (found - (data - noise)).square()
        self._follow(error.detach(), at)
        return error.mean()

    def errors(self, data: Tensor, noise: Tensor, time: float, seen: Tensor | None) -> Tensor:
        """Return the loss of each clean patch at one time, ``(n,)``; follows nothing."""
        found = self(time * data + (1 - time) * noise, data.new_full((len(data),), time), seen)
        label = self.kind == "label"
        each = _entropy(found, data) if label else (found - (data - noise)).square()
        return each.flatten(1).mean(1)

    def _follow(self, error: Tensor, at: Tensor) -> None:
        """Follow the error of the clean estimate where ``t`` is near 1."""
        near = (at > 1 - 2 * _END).expand_as(error)
        found = torch.stack([(error * near).sum() * _END**2, near.sum()])
        self.late.lerp_(found.to(self.late.dtype), 0.02)

    def unknown(self) -> Tensor:
        """Return the spread of what the last step of sampling cannot know of an image."""
        return (self.late[0] / self.late[1].clamp_min(1)).sqrt()


def _with_background(odds: Tensor) -> Tensor:
    """Put the background, whose log-odds are 0, before the classes."""
    return torch.cat([torch.zeros_like(odds[:, :1]), odds], dim=1)


def _entropy(odds: Tensor, data: Tensor) -> Tensor:
    """Return the cross-entropy of labels, -1 or 1 for each class, at each voxel."""
    if data.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(odds, (data + 1) / 2, reduction="none")
    index = torch.where(data.amax(dim=1) > 0, data.argmax(dim=1) + 1, 0)
    return F.cross_entropy(_with_background(odds), index, reduction="none")


class Block(nn.Module):
    """A residual block whose features the time scales and shifts."""

    def __init__(self, ndim: int, width: int) -> None:
        super().__init__()
        groups = math.gcd(_GROUPS, width)
        self.before, self.after = nn.GroupNorm(groups, width), nn.GroupNorm(groups, width)
        self.first = CONV[ndim](width, width, 3, padding=1)
        self.second = CONV[ndim](width, width, 3, padding=1)
        self.time = nn.Linear(_EMBEDDING, 2 * width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        """Map features ``(n, width, *size)`` to such."""
        h = self.first(F.silu(self.before(x)))
        h = F.silu(_modulated(self.after(h), self.time(time)))
        return x + self.second(h)


def _modulated(h: Tensor, by: Tensor) -> Tensor:
    """Scale and shift features ``(n, width, *size)`` by ``(n, 2 * width)``."""
    scale, shift = (_wide(part, h) for part in by.chunk(2, dim=1))
    return h * (1 + scale) + shift


def _wide(values: Tensor, like: Tensor) -> Tensor:
    """Add axes behind, until values broadcast against ``like``."""
    return values.reshape(*values.shape, *[1] * (like.ndim - values.ndim))


def _waves(t: Tensor) -> Tensor:
    rates = torch.exp(torch.linspace(0, math.log(100.0), _FREQUENCIES, device=t.device))
    angles = t[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def shifted(u: Tensor, shift: float) -> Tensor:
    """Move times of [0, 1] towards the noisy end (arXiv 2403.03206); below 1 always."""
    return (u / (u + shift * (1 - u))).clamp_max(_LATEST)


def sampling_times(steps: int, voxels: int) -> list[float]:
    """Return the times at which a path is sampled, from 0 to where a trace of noise is left.

    After the first, steps are equal in log-odds of the time. What a whole patch shares, such as
    its brightness, is decided as soon as it exceeds the mean of the noise, about
    ``1 / sqrt(voxels)``: a first step that ends later makes patches too alike.

    Args:
        steps: How many, 1 or more.
        voxels: Of a patch.
    """
    first, last = 0.5 / math.sqrt(voxels), 1 - _END
    low, high = (math.log(time / (1 - time)) for time in (first, last))
    later = torch.linspace(high, low, steps - 1, dtype=torch.float64).sigmoid().flip(0)
    return [0.0, *later.tolist()]


@torch.inference_mode()
def sample(
    network: FlowNet, noise: Callable[[], Tensor], steps: int, seen: Tensor | None = None
) -> Tensor:
    """Follow the path from noise to data.

    Each step goes towards the clean patch that the last two evaluations let expect half-way:
    DPM-Solver++(2M) (Lu et al. 2022, arXiv 2211.01095), for steps that are equal in log-odds.

    Args:
        network: The network.
        noise: Draws standard normal noise ``(n, channels, *size)``.
        steps: Evaluations of the network.
        seen: What the network is shown beside it.

    Returns:
        ``(n, channels, *size)``: the label in (-1, 1), or the image in its own unit.
    """
    x = noise()
    times = sampling_times(steps, math.prod(x.shape[2:]))
    clean = before = torch.zeros_like(x)
    for index, (now, then) in enumerate(pairwise(times)):
        before, clean = clean, network.clean(x, x.new_full((len(x),), now), seen)
        # The step from 0 is endless in log-odds: the one after it cannot look back on it.
        ahead = 1.5 * clean - 0.5 * before if index > 1 else clean
        x = then * ahead + (1 - then) * (x - now * ahead) / (1 - now)
    clean = network.clean(x, x.new_full((len(x),), times[-1]), seen)
    return clean + network.unknown() * noise() if network.kind == "image" else clean
