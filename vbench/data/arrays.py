"""Patches that lie in a folder as NumPy arrays: ``images.npy``, ``labels.npy``, whose they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vbench.errors import DataError
from vbench.files import read_npy
from vbench.types import Array
from vbench.usertext import read_text

IMAGES, LABELS = "images.npy", "labels.npy"


@dataclass(frozen=True)
class Stack:
    """The patches of one pair of files.

    Attributes:
        path: The file of the images.
        images: ``(n, *size)`` of any number type, as it lies on disk; no axis of length 1 is left.
            Of several channels ``(n, channels, *size)``.
        labels: As many, or None when there is no file of labels.
        people: Whose each patch is; None when nothing says so.
        channels: Of an image.
    """

    path: Path
    images: Array
    labels: Array | None
    people: tuple[str, ...] | None
    channels: int = 1

    @property
    def size(self) -> tuple[int, ...]:
        """The extent of a patch in voxels."""
        return tuple(self.images.shape[1 if self.channels == 1 else 2 :])


def has_arrays(path: Path) -> bool:
    """Return whether a place holds patches as arrays, from names only."""
    return path.suffix == ".npy" or (path / IMAGES).exists() or any(_by_person(path))


def read_stacks(path: Path, channels: int = 1) -> list[Stack]:
    """Read the arrays of a folder, of its sub-folders (one a patient), or of one file.

    A file ``images.npy`` comes with the ``labels.npy`` beside it, when there is one. Beside them,
    ``subjects.npy`` or ``subjects.csv`` say whose each patch is, a name or number a patch.
    Images of several channels are ``(n, channels, *size)``.

    Raises:
        DataError: When a file is missing or damaged, or they do not fit together.
    """
    if path.is_file():
        return [_stack(path, channels)]
    if (path / IMAGES).exists():
        return [_stack(path / IMAGES, channels)]
    return [_stack(folder / IMAGES, channels, folder.name) for folder in _by_person(path)]


def _by_person(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for folder in sorted(path.iterdir()):
            if not folder.name.startswith(".") and (folder / IMAGES).exists():
                yield folder


def _stack(file: Path, channels: int, person: str | None = None) -> Stack:
    images = _load(file)
    several = channels > 1
    found = _squeezed(images, kept=2 if several else 1)
    if found.ndim - several not in (3, 4) or (several and found.shape[1] != channels):
        axes = f"n, {channels}" if several else "n"
        of = f" of {channels} channels" if several else ""
        raise DataError(
            f"{file}: its shape is {images.shape}; expected patches{of}, ({axes}, X, Y) or "
            f"({axes}, X, Y, Z)"
        )
    labels = None
    beside = file.with_name(LABELS)
    if file.name == IMAGES and beside.exists():
        raw = _load(beside)
        labels = _squeezed(raw)
        if labels.shape != (len(found), *found.shape[1 + several :]):
            raise DataError(
                f"{beside}: its shape is {raw.shape}, that of {file.name} {images.shape}; "
                "give each image its label"
            )
    people = (person,) * len(found) if person is not None else _people(file, len(found))
    return Stack(file, found, labels, people, channels)


def _load(file: Path) -> Array:
    try:
        array = read_npy(file)
    except OSError as error:
        raise DataError(f"{file}: {error.strerror or error}; check the file") from error
    except ValueError as error:
        raise DataError(f"{file}: not a NumPy array of numbers ({error}); save it again") from error
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{file}: holds {array.dtype}; expected one array of numbers, saved by numpy.save"
        )
    if not array.size:
        raise DataError(f"{file}: its shape is {array.shape}, it holds no patch; save it again")
    return array


def _squeezed(array: Array, kept: int = 1) -> Array:
    """Drop axes of length 1, such as a channel or the one slice of a 2D patch, but the first."""
    return array.reshape(array.shape[:kept] + tuple(n for n in array.shape[kept:] if n != 1))


def _people(file: Path, n: int) -> tuple[str, ...] | None:
    """Read whose each patch is, from ``subjects.npy`` or ``subjects.csv``."""
    array, table = file.with_name("subjects.npy"), file.with_name("subjects.csv")
    if array.exists():
        place, names = array, _names(array)
    elif table.exists():
        place, names = table, _column(table)
    else:
        return None
    if len(names) != n:
        raise DataError(f"{place}: {len(names)} subjects for {n} patches; write one a patch")
    if not all(names):
        raise DataError(f"{place}: patch {names.index('')} has no subject; name one for each")
    return tuple(names)


def _names(file: Path) -> list[str]:
    try:
        array = read_npy(file)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file}: not an array of names or numbers ({error}); save it without objects, or "
            "write subjects.csv"
        ) from error
    array = np.atleast_1d(np.asarray(array).squeeze())
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)):
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iuUS":
        raise DataError(f"{file}: {array.shape} of {array.dtype}; expected a name or number each")
    values = np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array
    return [str(value).strip() for value in values.tolist()]


def _column(file: Path) -> list[str]:
    """Return the column ``subject`` of a table, or the lines of a file without a header."""
    try:
        rows = [row for row in csv.reader(io.StringIO(read_text(file))) if any(row)]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read ({error}); save it as 'CSV UTF-8'") from error
    head = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "subject" in head:
        column, rows = head.index("subject"), rows[1:]
    elif len(head) <= 1:
        column = 0
    else:
        raise DataError(f"{file}: no column 'subject' in the first line; name the column")
    return [row[column].strip() if column < len(row) else "" for row in rows]
