"""Generator and critic of the GANs, for 2D and 3D patches, from the parameters' description."""

from __future__ import annotations

import math
from itertools import pairwise
from math import prod
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from vbench_plugins.nn.form import ONE, Form
from vbench_plugins.nn.levels import Strides, halvings, halvings_to_start
from vbench_plugins.segmenters.network import Unet

CONV: dict[int, Any] = {2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, Any] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORM: dict[int, Any] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORM: dict[int, Any] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}

#: Of the authors' minibatch discrimination (Salimans et al. 2016, arXiv 1606.03498).
_MINIBATCH_CHANNELS, _MINIBATCH_KERNELS, _MINIBATCH_DEPTH = 50, 100, 16


#: The segmenter that learns from real patches beside a GAN: the built-in U-net, a size smaller.
_SEGMENTER = SimpleNamespace(width=8, depth=2, upsampling="transposed", norm="batch", dropout=0.0)


def segmenter_network(size: tuple[int, ...], form: Form) -> Unet:
    """Build what maps images ``(n, contrasts, *size)`` to logits.

    One class has a single logit; several have one each, after the background's.
    """
    return Unet(size, _SEGMENTER, form.contrasts, form.classes + (form.classes > 1))


def levels_of(size: tuple[int, ...], levels: int) -> tuple[tuple[int, ...], Strides]:
    """Return the coarsest size and the strides from fine to coarse.

    Raises:
        ValueError: When the size cannot be divided so.
    """
    return halvings(size, levels) if levels else halvings_to_start(size)


def scaling(kernel: int, stride: tuple[int, ...]) -> dict[str, Any]:
    """Kernel and padding such that an axis is exactly halved (or doubled), or kept."""
    sizes = tuple(kernel if s == 2 else kernel - 1 + kernel % 2 for s in stride)
    return {
        "kernel_size": sizes,
        "stride": stride,
        "padding": tuple((k - 1) // 2 for k in sizes),
    }


def lowest(p: Any) -> float:
    """Return what a label is where there is no vessel, in the range that the networks work in."""
    return -1.0 if p.label_range == "-1..1" else 0.0


class ClassEnd(nn.Module):
    """The end of what gives several classes: images by tanh, labels by softmax.

    The background is one of the classes of the softmax, and has no channel in what comes out. It
    starts as likely as all classes together, as vessel and background do where there is one class.

    Nested, a tanh says whether a voxel is vessel, as where there is one class, and a softmax in it
    of which class.
    """

    def __init__(self, contrasts: int, lowest: float, nested: bool = False) -> None:
        super().__init__()
        self.contrasts, self.lowest, self.nested = contrasts, lowest, nested

    def forward(self, x: Tensor) -> Tensor:
        """Map ``contrasts`` and ``classes + 1`` channels to one channel less."""
        first, classes = x[:, self.contrasts :].split([1, x.shape[1] - self.contrasts - 1], 1)
        if self.nested:
            chance = (1 + torch.tanh(first)) / 2 * torch.softmax(classes, dim=1)
        else:
            even = first + math.log(classes.shape[1])
            chance = torch.softmax(torch.cat([even, classes], dim=1), dim=1)[:, 1:]
        label = chance * (1 - self.lowest) + self.lowest
        return torch.cat([torch.tanh(x[:, : self.contrasts]), label], dim=1)


def class_end(contrasts: int, p: Any) -> ClassEnd:
    """Return the end of what gives several classes, behind so many channels of the image."""
    return ClassEnd(contrasts, lowest(p), nested=p.class_end == "nested")


class SegmenterHead(nn.Module):
    """Generated images ``(n, contrasts, *size)`` to their labels, by a segmenter of real patches.

    The segmenter is trained elsewhere: here it always works as it does when it predicts, and its
    weights get no gradient. The images do: it is how a critic's view of the labels reaches them.
    """

    def __init__(self, size: tuple[int, ...], form: Form, lowest: float) -> None:
        super().__init__()
        self.lowest = lowest
        self.segmenter = segmenter_network(size, form).requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> SegmenterHead:
        """Stay in evaluation mode."""
        return super().train(False)

    def forward(self, image: Tensor) -> Tensor:
        """Map images to ``(n, classes, *size)``, from the lowest value of a label to 1."""
        logits = self.segmenter(image)
        one = logits.shape[1] == 1
        chance = torch.sigmoid(logits) if one else torch.softmax(logits, dim=1)[:, 1:]
        return chance * (1 - self.lowest) + self.lowest


class GeneratorNet(nn.Module):
    """Latent vectors ``(n, latent)`` to patches ``(n, channels, *size)`` in [-1, 1].

    The latent vector is unfolded to the coarsest level; each further level doubles the extent
    and halves the channels.
    """

    def __init__(self, size: tuple[int, ...], p: Any, form: Form = ONE) -> None:
        super().__init__()
        self.form = form
        self.ndim = len(size)
        self.start, strides = levels_of(size, p.levels)
        upwards = strides[::-1]
        doublings = upwards if p.output == "conv" else upwards[:-1]
        channels = [p.width * 2**i for i in range(len(doublings), -1, -1)]
        if p.unfold == "linear":
            voxels = prod(self.start)
            self.unfold: nn.Module = nn.Linear(p.latent, channels[0] * voxels, bias=p.bias)
        else:
            kernel = tuple(n + 2 for n in self.start)
            self.unfold = TRANSPOSED[self.ndim](
                p.latent, channels[0], kernel, stride=1, padding=1, bias=p.bias
            )
        layers: list[nn.Module] = [*self._after(channels[0], p)]
        for stride, (wide, narrow) in zip(doublings, pairwise(channels), strict=True):
            for _ in range(p.refine):
                conv = CONV[self.ndim](wide, wide, 3, padding=1, bias=p.bias)
                layers += [conv, *self._after(wide, p)]
            layers += [*self._doubling(wide, narrow, stride, p), *self._after(narrow, p)]
        # A softmax over several classes has the background as one of them.
        told = form.classes + (form.classes > 1)
        apart = p.label_layers or p.label_by == "segmenter"
        read = form.contrasts + (0 if apart else told)
        if p.output == "conv":
            layers.append(CONV[self.ndim](channels[-1], read, 3, padding=1, bias=p.bias))
        else:
            layers += self._doubling(channels[-1], read, upwards[-1], p)
        several = form.classes > 1 and not apart
        self.layers = nn.Sequential(*layers, class_end(form.contrasts, p) if several else nn.Tanh())
        self.head: nn.Module | None = None
        if p.label_by == "segmenter":
            self.head = SegmenterHead(size, form, lowest(p))
        elif p.label_layers:
            self.head = self._label_head(channels[-1], told, p)

    def _label_head(self, features: int, told: int, p: Any) -> nn.Module:
        """Return what reads the label off the features and the image that they became."""
        layers: list[nn.Module] = []
        channels = features + self.form.contrasts
        for _ in range(p.label_layers):
            conv = CONV[self.ndim](channels, p.label_width, 3, padding=1, bias=p.bias)
            layers += [conv, *self._after(p.label_width, p)]
            channels = p.label_width
        last = CONV[self.ndim](channels, told, 1, bias=p.bias)
        end = class_end(0, p) if self.form.classes > 1 else nn.Tanh()
        return nn.Sequential(*layers, last, end)

    def _after(self, channels: int, p: Any) -> list[nn.Module]:
        norm = [BATCH_NORM[self.ndim](channels)] if p.norm_generator == "batch" else []
        return [*norm, nn.ReLU(inplace=True)]

    def _doubling(self, wide: int, narrow: int, stride: tuple[int, ...], p: Any) -> list[nn.Module]:
        if p.upsampling == "nearest":
            conv = CONV[self.ndim](wide, narrow, 3, padding=1, bias=p.bias)
            return [nn.Upsample(scale_factor=tuple(float(s) for s in stride)), conv]
        shape = scaling(p.kernel, stride)
        # An odd kernel leaves out the last voxel of a doubled axis.
        odd = tuple(
            s - 1 if k % 2 else 0 for s, k in zip(stride, shape["kernel_size"], strict=True)
        )
        return [
            TRANSPOSED[self.ndim](wide, narrow, **shape, output_padding=odd, bias=p.bias),
        ]

    def features(self, z: Tensor) -> Tensor:
        """Map latent vectors to what image and label are read off."""
        if isinstance(self.unfold, nn.Linear):
            x = self.unfold(z).view(len(z), -1, *self.start)
        else:
            x = self.unfold(z.view(len(z), -1, *([1] * self.ndim)))
        return self.layers[:-2](x)

    def read(self, features: Tensor) -> Tensor:
        """Map features to patches."""
        out = self.layers[-2:](features)
        return out if self.head is None else torch.cat([out, self._label(features, out)], dim=1)

    def label(self, features: Tensor, patches: Tensor) -> Tensor:
        """Map features, and the patches that were read off them, to the patches' labels alone."""
        if self.head is None:
            return self.form.label(self.layers[-2:](features))
        return self._label(features, self.form.image(patches))

    def _label(self, features: Tensor, image: Tensor) -> Tensor:
        assert self.head is not None
        if isinstance(self.head, SegmenterHead):
            return self.head(image)
        return self.head(torch.cat([features, image.to(features.dtype)], dim=1))

    def forward(self, z: Tensor, with_features: bool = False) -> Any:
        """Map latent vectors to patches; on request to a pair of these and their features."""
        features = self.features(z)
        patches = self.read(features)
        return (patches, features) if with_features else patches


class MinibatchDiscrimination(nn.Module):
    """Appends to each sample's features how close the rest of its batch is."""

    def __init__(self, features: int, kernels: int, depth: int) -> None:
        super().__init__()
        self.kernels, self.depth = kernels, depth
        self.weight = nn.Parameter(torch.randn(features, kernels * depth))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(n, features)`` to ``(n, features + kernels)``."""
        m = (x @ self.weight).view(len(x), self.kernels, self.depth)
        distance = (m[None] - m[:, None]).abs().sum(-1)
        closeness = torch.exp(-distance).sum(0) - 1  # less the sample itself
        return torch.cat([x, closeness], dim=1)


class Critic(nn.Module):
    """Patches ``(n, channels, *size)`` to one value each: higher is more real.

    ``features`` is the part before the last layers, which feature matching compares.
    """

    def __init__(self, size: tuple[int, ...], p: Any, form: Form = ONE) -> None:
        super().__init__()
        self.form, self.lowest = form, lowest(p)
        self.ndim = len(size)
        self.batch_stddev = p.batch_stddev
        self.product = p.product
        _, strides = levels_of(size, p.critic_levels or p.levels)
        if p.critic_head == "minibatch":
            strides = strides[:-1]  # the convolution before minibatch discrimination halves too
        layers: list[nn.Module] = []
        channels, rest = form.channels + form.contrasts * self.product, size
        for level, stride in enumerate(strides):
            wider = p.critic_width * 2**level
            layers += self._block(channels, wider, stride, p)
            channels, rest = wider, tuple(n // s for n, s in zip(rest, stride, strict=True))
        voxels = prod(rest)
        if p.critic_head == "minibatch":
            # The authors' k5 s2 p1, which leaves 2 voxels of 6.
            last = CONV[self.ndim](channels, _MINIBATCH_CHANNELS, 5, 2, 1, bias=p.bias)
            layers.append(last)
            width = _MINIBATCH_CHANNELS * prod((n - 3) // 2 + 1 for n in rest)
            self.head = nn.Sequential(
                nn.Flatten(),
                nn.Linear(width, width),
                MinibatchDiscrimination(width, _MINIBATCH_KERNELS, _MINIBATCH_DEPTH),
                nn.Linear(width + _MINIBATCH_KERNELS, 1),
            )
        elif p.critic_head == "conv":
            # Kernel 5, stride 2, padding 1 turns the authors' 3 voxels into one value.
            kernel = tuple(n + 2 for n in rest)
            channels += self.batch_stddev
            conv = CONV[self.ndim](channels, 1, kernel, stride=2, padding=1, bias=p.bias)
            self.head = nn.Sequential(conv, nn.Flatten())
        elif p.critic_head == "pool":
            # The same weight everywhere, as in PatchGAN (arXiv 1611.07004).
            channels += self.batch_stddev
            pool = nn.AdaptiveAvgPool2d(1) if self.ndim == 2 else nn.AdaptiveAvgPool3d(1)
            self.head = nn.Sequential(pool, nn.Flatten(), nn.Linear(channels, 1))
        else:
            channels += self.batch_stddev
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels * voxels, 1))
        self.features = nn.Sequential(*layers)

    def _block(self, thin: int, wide: int, stride: tuple[int, ...], p: Any) -> list[nn.Module]:
        conv: nn.Module = CONV[self.ndim](thin, wide, **scaling(p.kernel, stride), bias=p.bias)
        norm: list[nn.Module] = []
        if p.norm_critic == "spectral":
            conv = parametrizations.spectral_norm(conv)
        elif p.norm_critic == "batch":
            norm = [BATCH_NORM[self.ndim](wide)]
        elif p.norm_critic == "instance":
            norm = [INSTANCE_NORM[self.ndim](wide)]
        return [conv, *norm, nn.LeakyReLU(0.2)]

    def score(self, features: Tensor) -> Tensor:
        """Map features to scores ``(n,)``."""
        if self.batch_stddev:
            # Progressive GAN (arXiv 1710.10196): one map of the mean spread over the batch.
            spread = (features.var(0, unbiased=False) + 1e-8).sqrt().mean()
            plane = spread.expand(len(features), 1, *features.shape[2:])
            features = torch.cat([features, plane.to(features.dtype)], dim=1)
        return self.head(features).squeeze(1)

    def forward(self, patches: Tensor) -> Tensor:
        """Map patches to scores ``(n,)``."""
        return self.score(self.see(patches))

    def see(self, patches: Tensor) -> Tensor:
        """Map patches to features."""
        if self.product:
            # Where label and image disagree shows in their product without any learning.
            both = (self.form.image(patches) + 1) * (self._vessel(patches) + 1) / 2 - 1
            patches = torch.cat([patches, both], dim=1)
        return self.features(patches)

    def _vessel(self, patches: Tensor) -> Tensor:
        """Return vessel or not, whatever class: ``(n, 1, *size)``."""
        label = self.form.label(patches)
        if self.form.classes == 1:
            return label
        return (label - self.lowest).sum(dim=1, keepdim=True) + self.lowest


def initialise(module: nn.Module, sd: float, zero_mean_gains: bool) -> None:
    """Draw initial weights as DCGAN does (arXiv 1511.06434), from torch's global generator.

    Args:
        module: Generator or critic.
        sd: Standard deviation of convolution weights; 0 keeps torch's own initialisation.
        zero_mean_gains: Fault 3 of the original: gains of batch norm around 0, not 1.
    """
    if not sd:
        return
    for part in module.modules():
        if isinstance(part, (*CONV.values(), *TRANSPOSED.values())):
            # Under spectral norm the scale is divided out again; the original leaves it alone.
            if not hasattr(part, "parametrizations"):
                nn.init.normal_(part.get_parameter("weight"), 0.0, sd)
        elif isinstance(part, (nn.BatchNorm2d, nn.BatchNorm3d)):
            nn.init.normal_(part.weight, 0.0 if zero_mean_gains else 1.0, sd)
            nn.init.zeros_(part.bias)
