"""The network, and one step of its training: all that needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import vbench
from vbench.layout import CHANNELS
from vbench_example_generator.sizes import HALVINGS

_CONV = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
#: Steps between two checks of the vessel share of samples, and the samples that each check draws.
_LOOK_EVERY, _LOOK_AT = 20, 64


class Autoencoder(nn.Module):
    """Patches to the mean and log-variance of their latent vector, and latent vectors to patches.

    The decoder gives the image in [-1, 1] and the logit of the label.
    """

    def __init__(self, size: tuple[int, ...], width: int, latent: int) -> None:
        super().__init__()
        conv, grow = _CONV[len(size)], _TRANSPOSED[len(size)]
        widths = [width * 2**level for level in range(HALVINGS)]
        self.coarse = (widths[-1], *(extent // 2**HALVINGS for extent in size))
        flat = int(np.prod(self.coarse))
        # Layers that halve or double are cheap; at full resolution there is none beside them.
        down: list[nn.Module] = []
        for thin, wide in pairwise([CHANNELS, *widths]):
            down += [conv(thin, wide, 4, stride=2, padding=1), nn.GroupNorm(1, wide), nn.SiLU()]
        up: list[nn.Module] = []
        for wide, thin in pairwise([*reversed(widths), CHANNELS]):
            up += [nn.GroupNorm(1, wide), nn.SiLU(), grow(wide, thin, 4, stride=2, padding=1)]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, 2 * latent))
        self.unfold = nn.Linear(latent, flat)
        self.decoder = nn.Sequential(*up)

    def encode(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Map patches ``(n, channels, *size)`` to mean and log-variance, each ``(n, latent)``."""
        mean, log_variance = self.encoder(patches).chunk(2, dim=1)
        return mean, log_variance.clamp(-10, 10)

    def decode(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Map latent vectors to images in [-1, 1] and label logits, each ``(n, *size)``."""
        image, label = self.decoder(self.unfold(latents).view(-1, *self.coarse)).unbind(1)
        return torch.tanh(image), label


class Training:
    """The network, its optimiser, and where the label is cut.

    Attributes:
        steps: Steps done.
    """

    def __init__(self, p: Any, size: tuple[int, ...], device: str, seed: int) -> None:
        """Build it with weights that depend on the seed only.

        Args:
            p: The plugin's parameters.
            size: Patch size.
            device: Where to compute.
            seed: Of the initial weights.
        """
        self.p, self.device, self.steps = p, device, 0
        # torch draws initial weights from its global generator: give the caller's back after.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Autoencoder(size, p.width, p.latent)
        self.network.to(device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), p.lr)
        self.cut = 0.0

    def step(self, batch: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
        """Do one step on labelled patches and return the parts of the loss."""
        patches = torch.from_numpy(batch).to(self.device)
        mean, log_variance = self.network.encode(patches)
        noise = torch.from_numpy(rng.normal(size=mean.shape).astype(np.float32)).to(self.device)
        image, label = self.network.decode(mean + noise * torch.exp(log_variance / 2))
        voxels = vbench.image_of(batch)[0].size
        # Sums over a patch's voxels, in units that do not grow with the patch.
        parts = {
            "image": F.mse_loss(image, vbench.image_of(patches)),
            "label": F.binary_cross_entropy_with_logits(label, vbench.label_of(patches)),
            "prior": 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean() / voxels,
        }
        weights = {"image": 1.0, "label": self.p.label_weight, "prior": self.p.beta}
        loss = sum(weights[name] * value for name, value in parts.items())
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.steps += 1
        if self.steps % _LOOK_EVERY == 0 or self.steps == self.p.steps:
            self._cut_labels(float(vbench.label_of(batch).mean()))
        return {name: float(value.detach()) for name, value in parts.items()}

    def _cut_labels(self, share: float) -> None:
        """Move the cut so that samples get the vessel share of the training patches."""
        latents = np.random.default_rng(self.steps).normal(size=(_LOOK_AT, self.p.latent))
        with torch.no_grad():
            _, label = self.network.decode(
                torch.from_numpy(latents.astype(np.float32)).to(self.device)
            )
        now = float(np.quantile(label.cpu().numpy(), 1 - share))
        first = self.steps <= _LOOK_EVERY
        self.cut = now if first else 0.8 * self.cut + 0.2 * now

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Map latent vectors to labelled patches."""
        with torch.no_grad():
            image, label = self.network.decode(torch.from_numpy(latents).to(self.device))
        return vbench.join_patches(image.cpu().numpy(), (label > self.cut).cpu().numpy())

    def weights(self) -> dict[str, np.ndarray]:
        """Copy the network and the cut."""
        table = {f"network.{k}": _copy(v) for k, v in self.network.state_dict().items()}
        return {**table, "cut": np.array(self.cut)}

    def load_weights(self, table: Mapping[str, Any]) -> None:
        """Take over what :meth:`weights` returned."""
        self.network.load_state_dict(
            {
                name.removeprefix("network."): torch.as_tensor(np.array(value))
                for name, value in table.items()
                if name.startswith("network.")
            }
        )
        self.cut = float(table["cut"])

    def state(self) -> dict[str, np.ndarray]:
        """Copy all that the next step depends on."""
        table = {**self.weights(), "steps": np.array(self.steps)}
        for index, moments in self.optimiser.state_dict()["state"].items():
            table |= {f"adam.{index}.{name}": _copy(value) for name, value in moments.items()}
        return table

    def load_state(self, table: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        self.load_weights(table)
        self.steps = int(table["steps"])
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in table.items():
            if name.startswith("adam."):
                _, index, moment = name.split(".")
                moments.setdefault(int(index), {})[moment] = torch.as_tensor(np.array(value))
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})


def _copy(value: Tensor) -> np.ndarray:
    return np.array(value.detach().cpu().numpy())
