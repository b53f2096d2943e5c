"""How often each axis of a patch can be halved: the skeleton of every built-in network."""

from __future__ import annotations

Strides = tuple[tuple[int, ...], ...]

#: A generator unfolds its latent vector to at most this many voxels per axis.
LARGEST_START = 6


def halvings(size: tuple[int, ...], levels: int) -> tuple[tuple[int, ...], Strides]:
    """Halve every axis ``levels`` times.

    Returns:
        The coarsest size, and the strides of each level from fine to coarse.

    Raises:
        ValueError: When an axis cannot be halved so often.
    """
    factor = 2**levels
    if any(n % factor for n in size):
        raise ValueError(
            f"patch size {list(size)} cannot be halved {levels} times; "
            f"every extent must be a multiple of {factor}"
        )
    return tuple(n // factor for n in size), (tuple(2 for _ in size),) * levels


def halvings_to_start(size: tuple[int, ...]) -> tuple[tuple[int, ...], Strides]:
    """Halve each axis until it has at most 4 voxels; a shorter axis is left as it is.

    Returns:
        The coarsest size, and the strides of each level from fine to coarse.

    Raises:
        ValueError: When an axis is odd above :data:`LARGEST_START`.
    """
    start, levels = size, []
    while any(n > 4 and n % 2 == 0 for n in start):
        stride = tuple(2 if n > 4 and n % 2 == 0 else 1 for n in start)
        levels.append(stride)
        start = tuple(n // s for n, s in zip(start, stride, strict=True))
    if max(start) > LARGEST_START or min(size) < 2:
        raise ValueError(
            f"patch size {list(size)} cannot be divided: halving ends at {list(start)}; every "
            f"extent must be 2 to {LARGEST_START} times a power of two, such as 16, 24, 32, 96"
        )
    return start, tuple(levels)


def halvings_where_even(size: tuple[int, ...], levels: int) -> Strides:
    """Halve, at each level, the axes that are even and stay at 2 or more; fine to coarse.

    Levels at which no axis can be halved are left out.
    """
    strides = []
    for _ in range(levels):
        stride = tuple(2 if n % 2 == 0 and n >= 4 else 1 for n in size)
        if set(stride) == {1}:
            break
        strides.append(stride)
        size = tuple(n // s for n, s in zip(size, stride, strict=True))
    return tuple(strides)
