"""What a segmenter's network has learnt to see, as vectors: patches are compared by these."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def coarsest(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return each channel's mean where a network sees coarsest, and what the network returns.

    The last layer at the coarsest level is found while it runs, so any network has features.

    Args:
        network: Maps images ``(n, 1, *size)`` to logits of the same shape.
        images: ``(n, 1, *size)``.

    Returns:
        ``(n, channels)``, and the logits.
    """
    kept: list[Tensor] = []

    def keep(module: nn.Module, given: Any, found: Any) -> None:
        if isinstance(found, Tensor) and found.ndim == images.ndim and len(found) == len(images):
            voxels = found[0, 0].numel()
            if not kept or voxels <= kept[0][0, 0].numel():
                kept[:] = [found]

    layers = [module for module in network.modules() if not any(module.children())]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        logits = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return kept[0].float().flatten(2).mean(2), logits


def vectors(channels: Tensor, probability: Tensor, label: Tensor) -> Tensor:
    """Return features of labelled patches ``(n, d)``: of the image, the label, and of both.

    Args:
        channels: ``(n, c)``, of :func:`coarsest`.
        probability: ``(n, classes, *size)``, what the network takes for vessel.
        label: The same shape, 0 or 1.
    """
    probability, label = probability.flatten(2), label.flatten(2)
    means = [probability.mean(2), label.mean(2), (probability * label).mean(2)]
    return torch.cat([channels, *means], dim=1)
