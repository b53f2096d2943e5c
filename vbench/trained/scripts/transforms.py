"""How scans are prepared for the network: a transform of MONAI around vbench's own functions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import MapTransform

from vbench.data.foreground import foreground_mask
from vbench.data.normalise import normalise


class Prepared(MapTransform):
    """Masks an image and maps its intensities to [-1, 1], as in training; -1 outside of the mask.

    Images are ``(channels, X, Y, Z)``, masks ``(1, X, Y, Z)``. Where an item has no mask, one is
    derived from the first channel, as vbench does for data without masks.
    """

    def __init__(
        self, keys: str = "image", mask_key: str = "mask", method: str = "percentile"
    ) -> None:
        """Choose the method of normalisation."""
        super().__init__(keys)
        self.mask_key = mask_key
        self.method = method

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return the item with its image prepared, and its mask."""
        found = dict(data)
        for key in self.keys:
            image = found[key]
            raw = _array(image)
            given = found.get(self.mask_key)
            if given is None:
                mask = foreground_mask(raw[0])[0]
            else:
                mask = np.nan_to_num(_array(given)[0]) != 0
            found[key] = _like(image, [normalise(each, mask, self.method)[0] for each in raw])
            found[self.mask_key] = _like(image[:1], [mask])
        return found


def _array(image: Any) -> Any:
    return np.asarray(torch.as_tensor(image).cpu(), dtype=np.float32)


def _like(image: Any, channels: Sequence[Any]) -> Any:
    """Return channels as an image that lies as another does, with its history."""
    made = torch.as_tensor(image).clone()
    for number, channel in enumerate(channels):
        made[number] = torch.from_numpy(np.ascontiguousarray(channel, dtype=np.float32))
    return made
