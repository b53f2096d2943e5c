"""How the network is applied: windows to probabilities, and one scan after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

#: nnU-Net's image channel in a file's name.
_CHANNEL = re.compile(r"_000\d(?=\.nii)")


class VesselProbability(nn.Module):
    """A network with what belongs to it: windows ``(n, 1, *size)`` in [-1, 1] to probabilities.

    With ``scale_windows`` each window is first scaled to its own minimum and maximum.
    """

    def __init__(
        self, network: nn.Module, mean: float = 0.0, sd: float = 1.0, scale_windows: bool = False
    ) -> None:
        """Keep the network, and what its images are standardised with."""
        super().__init__()
        self.network = network
        self.mean, self.sd, self.scale_windows = mean, sd, scale_windows

    def forward(self, windows: Tensor) -> Tensor:
        """Return vessel probabilities, of the windows' shape."""
        if self.scale_windows:
            axes = tuple(range(1, windows.ndim))
            low = windows.amin(axes, keepdim=True)
            extent = windows.amax(axes, keepdim=True) - low
            windows = (windows - low) * (2.0 / torch.where(extent > 0, extent, 1.0)) - 1.0
        found = self.network((windows - self.mean) / self.sd)
        return torch.sigmoid(found[0] if isinstance(found, list | tuple) else found)


def with_weights(model: VesselProbability, weights: str, device: Any = "cpu") -> VesselProbability:
    """Load a network's weights, a safetensors file, and make it ready to predict."""
    model.network.load_state_dict(load_file(weights))
    return model.to(device).eval()


def scans(images: str, masks: str | None = None) -> list[dict[str, str]]:
    """List the NIfTI files of a folder, each with its mask: of the same name, or without ``_0000``.

    Raises:
        FileNotFoundError: When a folder or a mask is not there.
    """
    found = [each for each in Path(images).iterdir() if each.name.endswith((".nii", ".nii.gz"))]
    items = []
    for file in sorted(found):
        item = {"image": str(file)}
        if masks:
            names = (file.name, _CHANNEL.sub("", file.name))
            places = [Path(masks) / name for name in names if (Path(masks) / name).is_file()]
            if not places:
                raise FileNotFoundError(f"{file}: no mask {names[-1]} in {masks}")
            item["mask"] = str(places[0])
        items.append(item)
    return items


def run(
    items: Iterable[Mapping[str, Any]],
    model: nn.Module,
    inferer: Callable[..., Tensor],
    postprocessing: Callable[[dict[str, Any]], Any],
    device: Any = "cpu",
) -> None:
    """Predict prepared scans, one after the other, and do with each what comes after."""
    with torch.inference_mode():
        for item in items:
            found = inferer(item["image"][None].to(device), model)[0].cpu()
            postprocessing({**item, "pred": found * (item["mask"] > 0)})
