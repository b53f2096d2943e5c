"""Weights made without vbench: a U-net of MONAI, trained on the set of ``tubes.py`` in a minute.

``python benchmarks/tubes_net.py tubes net.safetensors``
"""

import sys
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from safetensors.torch import save_file

STEPS, BATCH = 300, 16


def main(folder: Path, file: Path) -> None:
    """Train on images in [0, 1], and save the state dict."""
    images = np.load(folder / "images.npy")
    low, high = np.percentile(images, (0.5, 99.9))
    x = torch.from_numpy(np.clip((images - low) / (high - low), 0, 1)).float()[:, None]
    y = torch.from_numpy(np.load(folder / "labels.npy").astype(np.float32))[:, None]
    torch.manual_seed(0)
    network = UNet(3, 1, 1, channels=(8, 16, 32), strides=(2, 2), num_res_units=1, norm="batch")
    loss, optimiser = DiceCELoss(sigmoid=True), torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(STEPS):
        index = torch.randint(len(x), (BATCH,))
        value = loss(network(x[index]), y[index])
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        if step % 50 == 49:
            print(f"step {step + 1}: loss {value.item():.3f}")
    save_file(network.state_dict(), file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
