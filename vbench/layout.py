"""How a labelled patch is laid out in an array: the one place that knows which channel is which.

Labelled patches are float32 ``(n, channels, *size)``: first the image, in [-1, 1], then the label,
0 or 1. Code that needs one of the two takes it from here and counts no channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

#: Channels of an image, of a label, and of a labelled patch.
IMAGE_CHANNELS, LABEL_CHANNELS = 1, 1
CHANNELS = IMAGE_CHANNELS + LABEL_CHANNELS


class _Indexed(Protocol):
    """A numpy array or a torch tensor."""

    def __getitem__(self, index: Any, /) -> Any: ...


A = TypeVar("A", bound=_Indexed)


def image_of(patches: A) -> A:
    """Return the images of labelled patches, a view ``(n, *size)``."""
    found: A = patches[:, 0]
    return found


def label_of(patches: A) -> A:
    """Return the labels of labelled patches, a view ``(n, *size)``."""
    found: A = patches[:, IMAGE_CHANNELS]
    return found


def image_channels(patches: A) -> A:
    """Return the images as a network takes them, a view ``(n, IMAGE_CHANNELS, *size)``."""
    found: A = patches[:, :IMAGE_CHANNELS]
    return found


def label_channels(patches: A) -> A:
    """Return the labels as a network takes them, a view ``(n, LABEL_CHANNELS, *size)``."""
    found: A = patches[:, IMAGE_CHANNELS:]
    return found


def patches_shape(n: int, size: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of ``n`` labelled patches, ``(n, channels, *size)``."""
    return (n, CHANNELS, *size)


def empty_patches(n: int, size: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return a new array for ``n`` labelled patches, to be filled."""
    return np.empty(patches_shape(n, size), np.float32)


def join_patches(images: npt.ArrayLike, labels: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Join images and labels, each ``(n, *size)`` of any type, to labelled patches.

    Returns:
        A new array, float32 ``(n, channels, *size)``.

    Raises:
        ValueError: When the shapes differ.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.shape != labels.shape:
        raise ValueError(f"images are {images.shape} and labels {labels.shape}; expected one shape")
    patches = empty_patches(len(images), images.shape[1:])
    image_of(patches)[...] = images
    label_of(patches)[...] = labels
    return patches
