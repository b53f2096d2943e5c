"""How volumes are shown: the way a radiologist sees them, with letters for the sides.

Arrays are in RAS+ orientation. In pictures the patient's right is on the left, the front and the
top of the head are up, and letters on top say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.colours import RGB
from vbench.types import Array

Bytes = npt.NDArray[np.uint8]

#: Height in pixels of the band above a picture that holds the letters, and of a line of a legend.
BAND = 12
#: Width in pixels that a letter takes, with a gap.
LETTER = 8
#: Grey of letters and words.
INK = (200, 200, 200)
_WORLD = (("L", "R"), ("P", "A"), ("I", "S"))


def upright(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn a plane of two RAS+ axes as it is read: right (or front) left, front (or top) up."""
    return plane[::-1, ::-1].T


def seen(sides: Sequence[Any], axis: int) -> list[Any]:
    """Return the values of the two axes that are seen along an axis, the one across first."""
    return [side for i, side in enumerate(sides) if i != axis]


def sides(affine: Array, axis: int) -> tuple[str, str]:
    """Name what lies left and right in a volume that is seen along an axis, once it is upright.

    Args:
        affine: Voxel to world of the volume, ``(4, 4)``.
        axis: Along which it is seen.

    Returns:
        ``("R", "L")`` from above and from the front, ``("A", "P")`` from the side; of an oblique
        volume the nearest ones.
    """
    from nibabel.orientations import io_orientation

    # Each axis of the volume is named after another one of the world, however oblique it lies.
    world, direction = io_orientation(np.asarray(affine))[1 if axis == 0 else 0]
    low, high = _WORLD[int(world)]
    return (high, low) if direction > 0 else (low, high)


def resized(picture: Bytes, edges: Sequence[float], unit: float | None = None) -> Bytes:
    """Give a picture square pixels; they show voxels and invent none between them.

    Args:
        picture: ``(H, W)`` or ``(H, W, 3)``.
        edges: Edge lengths of a voxel across and up.
        unit: That of a pixel; the smaller one of a voxel when None.
    """
    from PIL import Image

    width, height = (
        max(1, round(n * edge / (unit or min(edges))))
        for n, edge in zip(picture.shape[1::-1], edges, strict=True)
    )
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST))


def lettered(picture: Bytes, letters: Sequence[str]) -> Bytes:
    """Return a picture ``(H, W, 3)`` with a band above it that says which side is which."""
    height, width = picture.shape[:2]
    wide = max(width, 2 * LETTER)
    out = np.zeros((height + BAND, wide, 3), np.uint8)
    out[BAND:, (wide - width) // 2 :][:, :width] = picture
    for letter, place in zip(letters, (1, wide - LETTER + 1), strict=True):
        _write(out[:BAND], (place, 0), letter)
    return out


def explained(picture: Bytes, legend: Mapping[str, RGB]) -> Bytes:
    """Return a picture ``(H, W, 3)`` with the meaning of its colours below, a line each."""
    height, width = picture.shape[:2]
    out = np.zeros((height + BAND * len(legend) + 2, max(width, 60), 3), np.uint8)
    out[:height, :width] = picture
    for line, (word, colour) in enumerate(legend.items()):
        band = out[height + 2 + BAND * line : height + 2 + BAND * (line + 1)]
        band[3:10, 2:9] = colour
        _write(band, (13, 0), word)
    return out


def _write(place: Bytes, at: tuple[int, int], words: str) -> None:
    """Write words into a part of a picture."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(place)
    ImageDraw.Draw(image).text(at, words, fill=INK, font=ImageFont.load_default())
    place[:] = np.asarray(image)
