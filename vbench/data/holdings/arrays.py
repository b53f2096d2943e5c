"""Folders of arrays: ``images.npy``, and ``labels.npy`` beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.arrays import LABELS, Stack, read_stacks
from vbench.data.holdings.holding import ABOUT, CHUNK, LARGEST, Chunk, Holding, Shape, by
from vbench.errors import DataError
from vbench.files import read_json
from vbench.labels import LabelMap
from vbench.types import CHANNELS, Array, Subject

#: What a folder of ``vbench sample`` says of itself.
SAMPLES = "samples.json"


class Arrays(Holding):
    """Arrays of patches; of volumes where they are large, or other patches are asked for."""

    layout = "arrays"

    def __init__(
        self, path: Path, named: Named | None = None, channels: tuple[str, ...] = CHANNELS
    ) -> None:
        """Open the arrays.

        Args:
            path: Where they are.
            named: The classes; None: vessel or not.
            channels: Names of the channels of an image.

        Raises:
            DataError: When they cannot be read, differ in size, or have others.
        """
        self.path, self.channels = path, channels
        self._stacks = read_stacks(path, len(channels))
        first = self._stacks[0]
        for other in self._stacks:
            if other.size != first.size:
                raise DataError(
                    f"{other.path}: patches of {by(other.size)}, those of {first.path} are "
                    f"{by(first.size)}; put patches of one size in a folder"
                )
        unlabelled = [stack.path for stack in self._stacks if stack.labels is None]
        if 0 < len(unlabelled) < len(self._stacks):
            raise DataError(f"{unlabelled[0]}: no labels.npy beside it, as others have; add it")
        self.labelled = not unlabelled
        self.stacked = math.prod(first.size) <= LARGEST
        said = {name: _about(path / name) for name in (SAMPLES, ABOUT)}
        self._says = says = {**said[SAMPLES], **said[ABOUT]}
        self._about = {name: path / name for name in (ABOUT, SAMPLES) if said[name]}
        self._values = None if named is None else named.given(path, _labels_said(says))
        self._order = _channel_order(path, says, channels)
        if self._values is not None:  # what is read is the index of the class
            names = self._values.names
            self.label_map = LabelMap(names, tuple((i,) for i in range(1, len(names) + 1)))
        people = [stack.people for stack in self._stacks]
        self.names = tuple(dict.fromkeys(name for own in people for name in own or ()))

    def shapes(self) -> list[Shape]:
        """Return the size of its patches."""
        return [self._stacks[0].size]

    def count(self) -> int:
        """Return the number of patches."""
        return sum(len(stack.images) for stack in self._stacks)

    def people(self) -> tuple[str, ...]:
        """Return whose each patch is; empty names where nothing says so."""
        unknown = [stack.people or ("",) * len(stack.images) for stack in self._stacks]
        return tuple(name for own in unknown for name in own)

    def chunks(self) -> Iterator[Chunk]:
        """Yield the patches."""
        for stack in self._stacks:
            inside = stack.path.name if self.path.is_file() else stack.path.relative_to(self.path)
            for first in range(0, len(stack.images), CHUNK):
                rows = range(first, min(first + CHUNK, len(stack.images)))
                part = slice(rows.start, rows.stop)
                with np.errstate(over="ignore"):  # what is too large is infinite, and refused
                    images = np.asarray(stack.images[part], np.float32)
                yield Chunk(
                    images if self._order is None else images[:, self._order],
                    _vessels(stack, part, self._values),
                    stack.people[part] if stack.people else ("",) * len(rows),
                    [f"{inside}[{row}]" for row in rows],
                )

    def files(self) -> dict[str, Path]:
        """Return the arrays, and the files that say how large their voxels are."""
        found = dict(self._about)
        for stack in self._stacks:
            pair = (
                [stack.path] if stack.labels is None else [stack.path, stack.path.with_name(LABELS)]
            )
            for path in pair:
                found[path.name if self.path.is_file() else str(path.relative_to(self.path))] = path
        return found

    def spacings(self) -> list[tuple[float, ...]]:
        """Return what the ``dataset.json`` of an export or ``samples.json`` says."""
        values = self._says.get("spacing") or ()
        sound = [float(v) for v in values if isinstance(v, int | float) and v > 0]
        return [tuple(sound)] if len(sound) == len(values) == 3 else []

    def subjects(self, *, vessel_free: bool = False) -> Iterator[tuple[Subject, str]]:
        """Yield each row as a volume."""
        if not self.labelled:
            raise DataError(
                f"{self.path}: no labels.npy; volumes are cut around their vessels: add it, or "
                "give patches"
            )
        number = 0
        for chunk in self.chunks():
            for image, label, person in zip(
                chunk.images, chunk.labels if chunk.labels is not None else (), chunk.people,
                strict=True,
            ):  # fmt: skip
                flat = label.ndim == 2
                solid = label[..., None] if flat else label
                subject = Subject(
                    id=f"volume-{number}",
                    image=image[..., None] if flat else image,
                    label=solid > 0,
                    spacing=(1.0, 1.0, 1.0),
                    affine=np.eye(4),
                    values=None if self.label_map is None else solid,
                )
                number += 1
                yield subject, person or subject.id


@dataclass(frozen=True)
class Named:
    """The classes that are wanted, and their values where somebody wrote them."""

    classes: tuple[str, ...]
    table: Mapping[str, Any] | None

    def given(self, path: Path, known: LabelMap | None) -> LabelMap:
        """Return the values of a folder, in the order of the classes.

        Raises:
            DataError: When it has others, or nothing names them.
        """
        try:
            found = known if self.table is None else LabelMap.of(self.table)
            if found is None:
                raise ValueError(
                    "nothing there names its classes; write labels = "
                    + "{ "
                    + ", ".join(f"{name} = {i}" for i, name in enumerate(self.classes, start=1))
                    + " }, with its values"
                )
            return found.ordered(self.classes)
        except ValueError as error:
            raise DataError(f"{path}: labels: {error}") from error


def _labels_said(says: Mapping[str, Any]) -> LabelMap | None:
    """Return the classes that an export or samples of vbench name; None when they name none."""
    found = says.get("labels")
    if isinstance(found, list):
        found = {name: index for index, name in enumerate(found, start=1)}
    if not isinstance(found, dict):
        return None
    try:
        return LabelMap.of({name: value for name, value in found.items() if value != 0})
    except ValueError:
        return None


def _channel_order(
    path: Path, says: Mapping[str, Any], channels: Sequence[str]
) -> list[int] | None:
    """Return where the channels are in images, by the names that an export gives them.

    None: in their order.

    Raises:
        DataError: When it names others.
    """
    found = says.get("channel_names") or says.get("channels") or ()
    named = list(found.values() if isinstance(found, dict) else found)
    if len(channels) == 1 or not named:
        return None
    if set(named) != set(channels):
        raise DataError(
            f"{path}: its channels are {', '.join(map(str, named))}, those of data.source "
            f"{', '.join(channels)}; give patches with the same ones"
        )
    return [named.index(name) for name in channels]


def _about(path: Path) -> dict[str, Any]:
    """Return what a file of an export or of samples says; empty without one."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _vessels(stack: Stack, part: slice, labels: LabelMap | None) -> Array | None:
    """Return the vessels of some patches: 0 is none, any whole number above is vessel.

    Where classes are named, the index of each voxel's.

    Raises:
        DataError: When values are no labels.
    """
    if stack.labels is None:
        return None
    values, file = np.asarray(stack.labels[part]), stack.path.with_name(LABELS)
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.abs(values - np.rint(values)) < 1e-3
        if not whole.all():
            raise DataError(
                f"{file}: values such as {values[~whole][0]:g}; "
                "labels are whole numbers: threshold probabilities"
            )
        values = np.rint(values)
    if values.dtype.kind != "b" and values.min(initial=0) < 0:
        raise DataError(
            f"{file}: values such as {values.min():g}; 0 is no vessel, and what is above 0 is"
        )
    if labels is None:
        return np.asarray(values > 0)
    try:
        return labels.index(values).classes
    except ValueError as error:
        raise DataError(f"{file}: {error}") from error
