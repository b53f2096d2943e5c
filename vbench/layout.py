"""How a labelled patch is laid out in an array: the one place that knows which channel is which.

Labelled patches are float32 ``(n, channels, *size)``: first the image, in [-1, 1], one channel for
each contrast; last the label, the index of each voxel's class: 0 is background, 1 the first class.
With one contrast and one class that is two channels, and a label of 0 and 1. Code that needs one
of the two takes it from here and counts no channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

#: Channels of an image with one contrast, of a label, and of a labelled patch of the two.
IMAGE_CHANNELS, LABEL_CHANNELS = 1, 1
CHANNELS = IMAGE_CHANNELS + LABEL_CHANNELS


class _Indexed(Protocol):
    """A numpy array or a torch tensor."""

    @property
    def shape(self) -> Any: ...

    def __getitem__(self, index: Any, /) -> Any: ...


A = TypeVar("A", bound=_Indexed)


def image_of(patches: A) -> A:
    """Return the images of labelled patches, a view ``(n, *size)``.

    With several contrasts it is ``(n, contrasts, *size)``.
    """
    found: A = patches[:, 0] if patches.shape[1] == CHANNELS else patches[:, :-LABEL_CHANNELS]
    return found


def label_of(patches: A) -> A:
    """Return the labels of labelled patches, a view ``(n, *size)``: the index of the class."""
    found: A = patches[:, -LABEL_CHANNELS]
    return found


def image_channels(patches: A) -> A:
    """Return the images as a network takes them, a view ``(n, contrasts, *size)``."""
    found: A = patches[:, :-LABEL_CHANNELS]
    return found


def label_channels(patches: A) -> A:
    """Return the labels with an axis for channels, a view ``(n, LABEL_CHANNELS, *size)``.

    A network of several classes takes them as :func:`one_hot` makes them.
    """
    found: A = patches[:, -LABEL_CHANNELS:]
    return found


def one_hot(labels: A, classes: int, *, background: bool = False) -> A:
    """Return labels as one channel for each class, 0 and 1.

    Args:
        labels: The index of the class, ``(n, *size)``; numpy or torch.
        classes: How many there are, without the background.
        background: Whether a channel of the background comes first.

    Returns:
        Of the type of ``labels``, ``(n, classes, *size)``, or one channel more.
    """
    wanted: Any = range(0 if background else 1, classes + 1)
    given: Any = labels
    if isinstance(given, np.ndarray):
        stacked: Any = np.stack([given == index for index in wanted], axis=1)
        found: A = stacked.astype(given.dtype)
        return found
    import torch

    made: Any = torch.stack([given == index for index in wanted], dim=1).to(given.dtype)
    found = made
    return found


def patches_shape(n: int, size: Sequence[int], contrasts: int = IMAGE_CHANNELS) -> tuple[int, ...]:
    """Return the shape of ``n`` labelled patches, ``(n, channels, *size)``."""
    return (n, contrasts + LABEL_CHANNELS, *size)


def empty_patches(
    n: int, size: Sequence[int], contrasts: int = IMAGE_CHANNELS
) -> npt.NDArray[np.float32]:
    """Return a new array for ``n`` labelled patches, to be filled."""
    return np.empty(patches_shape(n, size, contrasts), np.float32)


def images_shape(n: int, size: Sequence[int], contrasts: int = IMAGE_CHANNELS) -> tuple[int, ...]:
    """Return the shape of what :func:`image_of` returns of ``n`` patches."""
    return (n, *size) if contrasts == IMAGE_CHANNELS else (n, contrasts, *size)


def contrasts_of(images: npt.ArrayLike, labels: npt.ArrayLike) -> int:
    """Return how many contrasts images have: those of :func:`image_of` beside their labels.

    Raises:
        ValueError: When the shapes do not fit.
    """
    image, label = np.shape(images), np.shape(labels)
    if image == label:
        return IMAGE_CHANNELS
    several = len(image) == len(label) + 1 and image[1] > IMAGE_CHANNELS
    if not several or (image[0], *image[2:]) != label:
        raise ValueError(f"images are {image} and labels {label}; expected one shape")
    return int(image[1])


def join_patches(images: npt.ArrayLike, labels: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Join images and labels, each ``(n, *size)`` of any type, to labelled patches.

    Images of several contrasts are ``(n, contrasts, *size)``.

    Returns:
        A new array, float32 ``(n, channels, *size)``.

    Raises:
        ValueError: When the shapes differ.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    patches = empty_patches(len(labels), labels.shape[1:], contrasts_of(images, labels))
    image_of(patches)[...] = images
    label_of(patches)[...] = labels
    return patches
