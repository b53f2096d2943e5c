"""Finds the most similar patch of each subject, under all symmetries, exactly.

All pairs are compared in blocks that stay in the processor's cache. A patch and its point
reflection cost one comparison: what is even in them adds up alike, what is odd with its sign
turned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

#: Patches that are compared together.
_ROWS, _COLUMNS = 128, 512


@dataclass(frozen=True)
class Matches:
    """The most similar patch of each subject of another set, for each patch.

    Attributes:
        similarity: ``(n, subjects)``, in [-1, 1].
        place: The index of that patch in the other set, ``(n, subjects)``.
        back: The similarity of each of the others to the most similar of all patches, ``(m,)``.
    """

    similarity: Floats
    place: Indices
    back: Floats


def halves(vectors: Floats, signed: bool) -> Floats:
    """Return vectors by what their reversal leaves as it is, then by what it turns the sign of.

    The reversed vector of a grid is that of its point reflection. Products of two vectors stay as
    they are.

    Args:
        vectors: ``(…, d)``.
        signed: Whether the ``d // 2`` values that turn their sign are returned, too, at the end;
            they are 0 where a vector is its own reversal.
    """
    half = vectors.shape[-1] // 2
    first, last = vectors[..., :half], vectors[..., ::-1][..., :half]
    root = np.float32(np.sqrt(0.5))
    parts = [(first + last) * root, vectors[..., half : vectors.shape[-1] - half]]
    return np.concatenate([*parts, (first - last) * root] if signed else parts, axis=-1)


def nearest(
    views: Callable[[slice], Floats],
    n: int,
    points: Floats,
    subject: npt.NDArray[np.int64],
    odd: int = 0,
) -> Matches:
    """Find the most similar of the points of each subject.

    Args:
        views: Returns some of the queries in all their views, ``(rows, views, d)``.
        n: Number of queries.
        points: The others, ``(m, d)``.
        subject: Of each of the others, numbered from 0, ``(m,)``.
        odd: So many values at the end of all vectors turn their sign in a view's point reflection,
            which counts as a view, too.
    """
    subjects, order = int(subject.max()) + 1, np.argsort(subject, kind="stable")
    best = np.empty((n, subjects), np.float32)
    place = np.empty((n, subjects), np.intp)
    back = np.full(len(points), -1, np.float32)
    starts = np.searchsorted(subject[order], np.arange(subjects + 1))
    members = [order[starts[who] : starts[who + 1]] for who in range(subjects)]
    columns = [np.ascontiguousarray(points[own].T) for own in members]
    for first in range(0, n, _ROWS):
        rows = slice(first, min(first + _ROWS, n))
        turned = np.moveaxis(views(rows), 1, 0)
        for who, own in enumerate(members):
            found = similarities(turned, columns[who], odd)
            closest = found.argmax(axis=1)
            best[rows, who] = np.take_along_axis(found, closest[:, None], 1)[:, 0]
            place[rows, who] = own[closest]
            back[own] = np.maximum(back[own], found.max(axis=0))
    return Matches(best, place, back)


def similarities(turned: Floats, columns: Floats, odd: int = 0) -> Floats:
    """Return the largest correlation over symmetries, ``(n, m)``.

    Args:
        turned: Descriptors under all symmetries, ``(symmetries, n, d)``.
        columns: The others, ``(d, m)``.
        odd: As in :func:`nearest`.
    """
    (_, n, d), m = turned.shape, columns.shape[1]
    even = [np.ascontiguousarray(view) for view in turned[..., : d - odd]]
    signed = [np.ascontiguousarray(view) for view in turned[..., d - odd :]]
    out = np.full((n, m), -1, np.float32)
    for first in range(0, m, _COLUMNS):
        part = columns[:, first : first + _COLUMNS]
        best = out[:, first : first + _COLUMNS]
        for left, right in zip(even, signed, strict=True):
            product = left @ part[: d - odd]
            if odd:
                turning = right @ part[d - odd :]
                product += np.abs(turning, out=turning)
            np.maximum(best, product, out=best)
    return np.minimum(out, 1, out=out)
