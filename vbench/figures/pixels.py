"""Turns arrays into PNG: patches, overlays, projections with errors in colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.colours import class_colour
from vbench.layout import image_channels, label_of
from vbench.picture import Bytes, lettered, upright
from vbench.scoring.overlay import errors

#: About how wide a sheet of pictures is, in pixels.
SHEET = 560
#: Longest edge of a projection in the report, in pixels.
LONGEST = 200


def png(image: Bytes) -> bytes:
    """Return ``(H, W)`` or ``(H, W, 3)`` as a PNG file, by palette where that is smaller."""
    from PIL import Image

    picture = Image.fromarray(image)
    encoded = [_encode(picture)]
    if image.ndim == 3:
        encoded.append(_encode(picture.quantize(128, dither=Image.Dither.NONE)))
    return min(encoded, key=len)


def smaller(file: bytes) -> bytes:
    """Return a PNG file written again, as small as :func:`png` makes it."""
    from PIL import Image

    return png(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")))


def _encode(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def grey(image: npt.NDArray[Any]) -> Bytes:
    """Map [-1, 1] to RGB greys."""
    values = np.clip((np.asarray(image, float) + 1) * 127.5, 0, 255).astype(np.uint8)
    return np.repeat(values[..., None], 3, axis=-1)


def overlay(grey_image: Bytes, label: npt.NDArray[Any]) -> Bytes:
    """Paint a label over a picture, half transparent: each class, by its index, in its colour."""
    out = grey_image.astype(float)
    index = np.asarray(label).astype(np.intp)
    on = index > 0
    out[on] = 0.45 * out[on] + 0.55 * _class_colours(int(index.max(initial=0)))[index[on]]
    return out.astype(np.uint8)


def painted(label: npt.NDArray[Any]) -> Bytes:
    """Show a label map on black: each class, by its index, in its colour."""
    index = np.asarray(label).astype(np.intp)
    return _class_colours(int(index.max(initial=0)))[index]


def _class_colours(classes: int) -> Bytes:
    """Return the colour of each index up to ``classes``, black for the background."""
    return np.array([(0, 0, 0), *(class_colour(i + 1) for i in range(classes))], np.uint8)


def tile(pictures: Sequence[Sequence[Bytes]], gap: int = 1, shade: int = 128) -> Bytes:
    """Lay rows of equal pictures out on a ground, ``gap`` pixels apart."""
    height, width = pictures[0][0].shape[:2]
    rows, columns = len(pictures), max(len(row) for row in pictures)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    out = np.full(shape, shade, np.uint8)
    for r, row in enumerate(pictures):
        for c, picture in enumerate(row):
            y, x = r * (height + gap), c * (width + gap)
            out[y : y + height, x : x + width] = picture
    return out


def patch_sheet(patches: npt.NDArray[Any]) -> Bytes:
    """Show labelled patches ``(n, channels, *size)``: a column each; image, label, overlay below.

    A 3D patch is shown by its slice with the most vessel, an image by its first channel. Labels of
    several classes are in their colours.
    """
    columns = []
    several = bool((label_of(patches) > 1).any())
    for image, label in zip(image_channels(patches)[:, 0], label_of(patches), strict=True):
        if image.ndim == 3:
            at = int(np.argmax((label > 0).sum(axis=(0, 1))))
            image, label = image[..., at], label[..., at]
        picture = grey(upright(image))
        mask = upright(label)
        shown = painted(mask) if several else grey(np.where(mask > 0, 1, -1))
        columns.append([picture, shown, overlay(picture, mask if several else mask > 0)])
    return tile([[column[i] for column in columns] for i in range(3)])


def projection_sheet(
    projections: npt.NDArray[np.uint8],
    letters: Sequence[str] = ("", ""),
    *,
    several: bool = False,
) -> Bytes:
    """Show projections ``(3, X, Y)`` side by side: image, reference, prediction, errors in colour.

    Args:
        projections: As stage ``evaluate`` writes them.
        letters: What lies left and right (:func:`~vbench.picture.sides`); empty when unknown.
        several: Whether labels have several classes: they are in their colours, and what is found
            as another class is missed.
    """
    image, truth, found = (shrink(upright(plane)) for plane in projections)
    if several:
        planes = [grey(image / 127.5 - 1), painted(truth), painted(found)]
        same = (truth == found) & (truth > 0)
        planes.append(errors(same, (truth > 0) & ~same, (found > 0) & ~same))
    else:
        yes, there = truth > 127, found > 127
        planes = [np.repeat(plane[..., None], 3, axis=-1).astype(np.uint8)
                  for plane in (image, yes * 235, there * 235)]  # fmt: skip
        planes.append(errors(yes & there, yes & ~there, ~yes & there))
    width = SHEET // len(planes)
    return tile([[lettered(enlarge(plane, width), letters) for plane in planes]], gap=2)


def enlarge(image: Bytes, width: int = SHEET) -> Bytes:
    """Show each pixel as a square, so that the picture is about ``width`` pixels wide."""
    times = max(1, round(width / image.shape[1]))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def shrink(plane: npt.NDArray[Any], longest: int = LONGEST) -> npt.NDArray[Any]:
    """Reduce a plane to at most ``longest`` pixels an edge, each block by its maximum."""
    factor = -(-max(plane.shape) // longest)
    if factor == 1:
        return plane
    height, width = (-(-edge // factor) * factor for edge in plane.shape)
    padded = np.zeros((height, width), plane.dtype)
    padded[: plane.shape[0], : plane.shape[1]] = plane
    blocks = padded.reshape(height // factor, factor, width // factor, factor)
    return np.asarray(blocks.max(axis=(1, 3)))
