"""How the network is applied: windows to probabilities, and one scan after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

#: nnU-Net's image channel in a file's name.
_CHANNEL = re.compile(r"_000\d(?=\.nii)")


class VesselProbability(nn.Module):
    """A network with what belongs to it: windows ``(n, channels, *size)`` to probabilities.

    Windows are in [-1, 1]; with ``scale_windows`` each channel of a window is first scaled to its
    own minimum and maximum.
    """

    def __init__(
        self, network: nn.Module, mean: float = 0.0, sd: float = 1.0, scale_windows: bool = False
    ) -> None:
        """Keep the network, and what its images are standardised with."""
        super().__init__()
        self.network = network
        self.mean, self.sd, self.scale_windows = mean, sd, scale_windows

    def forward(self, windows: Tensor) -> Tensor:
        """Return probabilities ``(n, 1, *size)``: of vessel.

        Of several classes ``(n, classes + 1, *size)``, the background first: they add up to 1.
        """
        if self.scale_windows:
            axes = tuple(range(2, windows.ndim))
            low = windows.amin(axes, keepdim=True)
            extent = windows.amax(axes, keepdim=True) - low
            windows = (windows - low) * (2.0 / torch.where(extent > 0, extent, 1.0)) - 1.0
        found = self.network((windows - self.mean) / self.sd)
        logits = found[0] if isinstance(found, list | tuple) else found
        return torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, 1)


class Values:
    """Turns probabilities ``(classes + 1, …)`` into the value of the most probable class."""

    def __init__(self, values: Sequence[int]) -> None:
        """Keep the value of each class; the background is 0."""
        self.values = torch.tensor([0, *values])

    def __call__(self, found: Tensor) -> Tensor:
        """Return the values ``(1, …)``, with the history of what is given."""
        index = torch.as_tensor(found).argmax(0, keepdim=True)
        made = found[:1].clone()
        made[...] = self.values[index]
        return made


def with_weights(model: VesselProbability, weights: str, device: Any = "cpu") -> VesselProbability:
    """Load a network's weights, a safetensors file, and make it ready to predict."""
    model.network.load_state_dict(load_file(weights))
    return model.to(device).eval()


def scans(images: str, masks: str | None = None, channels: int = 1) -> list[dict[str, Any]]:
    """List the NIfTI files of a folder, each with its mask: of the same name, or without ``_0000``.

    Of several channels the first is ``_0000``, and the others lie beside it.

    Raises:
        FileNotFoundError: When a folder, a mask or a channel is not there.
    """
    if channels > 1:
        return _several(images, masks, channels)
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


def _several(images: str, masks: str | None, channels: int) -> list[dict[str, Any]]:
    """List scans by the files of their channels."""
    items: list[dict[str, Any]] = []
    for file in sorted(Path(images).glob("*_0000.nii*")):
        files = [
            file.with_name(file.name.replace("_0000.nii", f"_{n:04d}.nii")) for n in range(channels)
        ]
        for other in files:
            if not other.is_file():
                raise FileNotFoundError(f"{other}: not there, beside {file.name}")
        item: dict[str, Any] = {"image": [str(each) for each in files]}
        if masks:
            mask = Path(masks) / _CHANNEL.sub("", file.name)
            if not mask.is_file():
                raise FileNotFoundError(f"{file}: no mask {mask.name} in {masks}")
            item["mask"] = str(mask)
        items.append(item)
    if not items:
        raise FileNotFoundError(f"{images}: no scan; the channels of one are NAME_0000.nii.gz, …")
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
