"""How scans are prepared for the network: a transform of MONAI around vbench's own functions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.transforms import MapTransform

from vbench.data.foreground import foreground_mask
from vbench.data.normalise import normalise


class Prepared(MapTransform):
    """Masks an image and maps its intensities to [-1, 1], as in training; -1 outside of the mask.

    Images and masks are ``(1, X, Y, Z)``. Where an item has no mask, one is derived from the image,
    as vbench does for data without masks.
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
            mask = foreground_mask(raw)[0] if given is None else np.nan_to_num(_array(given)) != 0
            scaled, _ = normalise(raw, mask, self.method)
            found[key] = _like(image, scaled)
            found[self.mask_key] = _like(image, mask)
        return found


def _array(image: Any) -> Any:
    return np.asarray(torch.as_tensor(image)[0].cpu(), dtype=np.float32)


def _like(image: Any, array: Any) -> Any:
    """Return an array as an image that lies as another does, with its history."""
    made = torch.as_tensor(image).clone()
    made[0] = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    return made
