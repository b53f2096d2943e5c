"""What lies in a folder, whatever its form: arrays or NIfTI files, patches or whole volumes.

A folder is first looked at, for the shapes of what is in it; a patch size is chosen for all folders
together; then each gives its patches: as they are where they have that size, else cut from its
volumes at random places as a benchmark cuts them.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from vbench.data.arrays import LABELS, Stack, has_arrays, read_stacks
from vbench.data.folder import FolderSource
from vbench.data.foreign import what_reads
from vbench.data.header import SUFFIXES
from vbench.data.layouts import detect, layouts
from vbench.data.nifti import check_same_grid, ras_grid, vessel_mask, whole_numbers
from vbench.data.patches import VolumePatches, check_fit
from vbench.data.prepare import open_volume, prepare_subject
from vbench.data.splits import group_by_pattern
from vbench.errors import DataError, did_you_mean
from vbench.files import read_json
from vbench.layout import image_of, label_of
from vbench.records.model import first_fault
from vbench.types import Array, Cutting, Subject

#: Larger arrays and scans are whole volumes: voxels.
LARGEST = 2**16
#: What says more of a set, in nnU-Net's layout and in an export of vbench.
ABOUT = "dataset.json"
#: Patches that are read at once.
CHUNK = 256

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Chunk:
    """Some patches as they are stored, in any range.

    Attributes:
        images: ``(n, *size)``.
        labels: The vessels, bool ``(n, *size)``; None where there are no labels.
        people: Whose each is; an empty name where nothing says so.
        places: Where each lies, for a person to find it.
    """

    images: Array
    labels: Array | None
    people: Sequence[str]
    places: Sequence[str]


class Holding(ABC):
    """What lies in a folder, before a patch size is chosen.

    Attributes:
        path: The folder or file.
        layout: ``arrays``, or the name of the NIfTI layout.
        stacked: It is known to hold patches, not volumes.
        labelled: It has labels.
        names: What its volumes or patients are called; empty where nothing names them.
    """

    path: Path
    layout: str
    stacked: bool
    labelled: bool
    names: tuple[str, ...]

    @abstractmethod
    def shapes(self) -> list[Shape]:
        """Return the shapes of its patches or volumes, without axes of length 1."""

    @abstractmethod
    def count(self) -> int:
        """Return the number of its patches or volumes."""

    @abstractmethod
    def people(self) -> tuple[str, ...]:
        """Return whose each patch or volume is."""

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield its patches as they are, all of one size."""

    @abstractmethod
    def subjects(self, *, vessel_free: bool = False) -> Iterator[tuple[Subject, str]]:
        """Yield its volumes, one in memory at a time, and whose each is.

        Args:
            vessel_free: Whether a label may be empty.
        """

    @abstractmethod
    def files(self) -> dict[str, Path]:
        """Return the files that its images and labels are read from.

        By names that stay the same wherever the folder lies.
        """

    def spacings(self) -> list[tuple[float, ...]]:
        """Return the voxel edge lengths in mm that its files say; none where they say nothing."""
        return []

    def marks(self) -> Mapping[str, str]:
        """Return digests by which a whole volume is known again, with its name."""
        return {}


class Arrays(Holding):
    """Arrays of patches; of volumes where they are large, or other patches are asked for."""

    layout = "arrays"

    def __init__(self, path: Path) -> None:
        """Open the arrays.

        Raises:
            DataError: When they cannot be read, or differ in size.
        """
        self.path = path
        self._stacks = read_stacks(path)
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
        self._about = _about(path)
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
                    images,
                    _vessels(stack, part),
                    stack.people[part] if stack.people else ("",) * len(rows),
                    [f"{inside}[{row}]" for row in rows],
                )

    def files(self) -> dict[str, Path]:
        """Return the arrays, and the file that says how large their voxels are."""
        found = {ABOUT: self.path / ABOUT} if self._about else {}
        for stack in self._stacks:
            pair = (
                [stack.path] if stack.labels is None else [stack.path, stack.path.with_name(LABELS)]
            )
            for path in pair:
                found[path.name if self.path.is_file() else str(path.relative_to(self.path))] = path
        return found

    def spacings(self) -> list[tuple[float, ...]]:
        """Return what the ``dataset.json`` of an export of vbench says."""
        values = self._about.get("spacing") or ()
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
                solid = image if image.ndim == 3 else image[..., None]
                subject = Subject(
                    id=f"volume-{number}",
                    image=solid,
                    label=label.reshape(solid.shape),
                    spacing=(1.0, 1.0, 1.0),
                    affine=np.eye(4),
                )
                number += 1
                yield subject, person or subject.id


class Scans(Holding):
    """NIfTI files in one of the layouts: whole volumes, or patches."""

    stacked = False
    labelled = True

    def __init__(self, path: Path, source: FolderSource, group: str | None) -> None:
        """List the files.

        Args:
            path: The folder, or the manifest.
            source: What reads it.
            group: Finds, in its first parentheses, whose file it is; None: as the layout says.

        Raises:
            DataError: When files are missing or do not pair up.
        """
        self.path, self.layout = path, source.name
        self._source = source
        self.names = tuple(source.subjects())
        if group is None:
            self._people = {name: source.group_of(name) for name in self.names}
        else:
            self._people = group_by_pattern(self.names, group)
        self._shapes: dict[str, Shape] = {}
        for name in self.names:
            shape = source.shape_of(name)
            if shape is None:
                shape = source.read(source.files(name).image).array.shape  # says what is wrong
            self._shapes[name] = tuple(n for n in shape if n > 1)

    def shapes(self) -> list[Shape]:
        """Return the shapes that occur."""
        return list(dict.fromkeys(self._shapes.values()))

    def count(self) -> int:
        """Return the number of files."""
        return len(self.names)

    def people(self) -> tuple[str, ...]:
        """Return whose each file is."""
        return tuple(self._people[name] for name in self.names)

    def files(self) -> dict[str, Path]:
        """Return images, labels and masks, and the file that says what is a vessel."""
        about = self.path / ABOUT
        found = {ABOUT: about} if about.is_file() else {}
        for name in self.names:
            files = self._source.files(name)
            parts = {"image": files.image, "label": files.label, "mask": files.mask}
            found |= {f"{name}/{part}": path for part, path in parts.items() if path is not None}
        return found

    def spacings(self) -> list[tuple[float, ...]]:
        """Return what each file says: of NIfTI, its header."""
        paths = [self._source.files(name).image for name in self.names]
        return [
            ras_grid(path)[1] if path.name.endswith(SUFFIXES) else self._source.read(path).spacing
            for path in paths
        ]

    def several(self) -> bool:
        """Return whether some person has several files: patches, more likely than scans."""
        return max(Counter(self._people.values()).values()) > 1

    def chunks(self) -> Iterator[Chunk]:
        """Yield the files as patches, with or without vessels."""
        for first in range(0, len(self.names), CHUNK):
            names = self.names[first : first + CHUNK]
            read = [_patch(self._source, name, self._shapes[name]) for name in names]
            yield Chunk(
                np.stack([image for image, _ in read]),
                np.stack([label for _, label in read]),
                [self._people[name] for name in names],
                names,
            )

    def subjects(self, *, vessel_free: bool = False) -> Iterator[tuple[Subject, str]]:
        """Yield the volumes."""
        for name in self.names:
            yield self._source.load(name, vessel_free=vessel_free), self._people[name]

    def marks(self) -> Mapping[str, str]:
        """Return digests of image files, and of where the labels are."""
        return {mark: name for name in self.names for mark in self._source.anatomy(name)}


def look(
    path: str | Path,
    group: str | None = None,
    layout: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Holding:
    """Find out what lies in a folder.

    Args:
        path: Arrays (see :func:`vbench.data.arrays.read_stacks`), or NIfTI files in an installed
            layout, or an export of vbench.
        group: For NIfTI files: finds, in its first parentheses, whose file it is.
        layout: Of NIfTI files; None: as it looks.
        options: Parameters of that layout, such as ``classes``.

    Raises:
        DataError: When there is nothing, or it cannot be read.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    if layout is None and has_arrays(path):
        return Arrays(path)
    known = layouts()
    if layout is not None and layout not in known:
        raise DataError(f"layout = '{layout}': no such layout{did_you_mean(layout, known)}")
    source = detect(path) if layout is None else known[layout]
    if source is None:
        empty = path.is_dir() and not any(path.iterdir())
        what = "empty" if empty else "neither arrays nor a data set"
        hint = what_reads(path) or (
            f"expected images.npy and labels.npy, or files in one of the layouts "
            f"{', '.join(layouts())}"
        )
        raise DataError(f"{path}: {what}; {hint}")
    try:
        params = source.Params.model_validate({**(options or {}), "path": path})
    except ValidationError as error:
        raise DataError(f"{path}: layout '{source.name}': {first_fault(error)}") from error
    return Scans(path, source(params), group)


def is_cut(held: Holding, size: Shape) -> bool:
    """Return whether a set has to be cut: what it holds are not patches of this size."""
    return held.shapes() != [size]


def cut(
    held: Holding,
    size: Shape,
    how: Cutting,
    folder: Path,
    *,
    alike: bool = False,
    vessel_free: bool = False,
) -> Iterator[Chunk]:
    """Yield patches of a set's volumes, at random places, as a benchmark does.

    Args:
        held: The set.
        size: Of the patches.
        how: Number, places, seed, intensities.
        folder: For the prepared volumes; they are needed until the last patch was taken.
        alike: Cut a volume and its copy at the same places, whatever they are called.
        vessel_free: Also take volumes without a vessel.

    Raises:
        DataError: When a volume cannot be used, or is too small.
    """
    volumes, names, people = [], [], []
    for number, (subject, person) in enumerate(held.subjects(vessel_free=vessel_free)):
        place = folder / str(number)
        try:
            prepare_subject(subject, place, normalise=how.normalise, vessel_free=vessel_free)
        except DataError as error:
            raise DataError(f"{held.path}: {error}") from error
        names.append(subject.id)
        volume = open_volume(place)
        # Places are drawn by name.
        volumes.append(replace(volume, id="volume") if alike else volume)
        people.append(person)
    try:
        shapes = [volume.image.shape for volume in volumes]
        check_fit(dict(zip(names, shapes, strict=True)), size)
        patches = VolumePatches(
            volumes,
            size=size,
            per_subject=how.per_subject,
            vessel_centred=how.vessel_centred,
            seed=how.seed,
            vessel_free=vessel_free,
        )
    except DataError as error:
        raise DataError(f"{held.path}: {error}") from error
    for first in range(0, len(patches), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(patches)))
        taken = patches.take(rows)
        found = [patches.place(int(row)) for row in rows]
        yield Chunk(
            image_of(taken),
            label_of(taken) > 0,
            [people[volume] for volume, _ in found],
            [f"{names[volume]} at {', '.join(map(str, start))}" for volume, start in found],
        )


def by(size: Sequence[int]) -> str:
    """Write a size: ``16 × 16 × 16``."""
    return " × ".join(map(str, size))


def _about(path: Path) -> dict[str, Any]:
    """Return what the ``dataset.json`` of an export says; empty without one."""
    try:
        found = read_json(path / ABOUT)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _vessels(stack: Stack, part: slice) -> Array | None:
    """Return the vessels of some patches: 0 is none, any whole number above is vessel.

    Raises:
        DataError: When values are no labels.
    """
    if stack.labels is None:
        return None
    values = np.asarray(stack.labels[part])
    if values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.abs(values - np.rint(values)) < 1e-3
        if not whole.all():
            raise DataError(
                f"{stack.path.with_name('labels.npy')}: values such as {values[~whole][0]:g}; "
                "labels are whole numbers: threshold probabilities"
            )
        values = np.rint(values)
    if values.dtype.kind != "b" and values.min(initial=0) < 0:
        raise DataError(
            f"{stack.path.with_name('labels.npy')}: values such as {values.min():g}; 0 is no "
            "vessel, and what is above 0 is"
        )
    return np.asarray(values > 0)


def _patch(source: FolderSource, name: str, shape: Shape) -> tuple[Array, Array]:
    """Read one file as a patch: image and vessels, without axes of length 1."""
    files = source.files(name)
    scan = source.read(files.image)
    truth = source.read(files.label, integer=True, unit=scan.unit)
    check_same_grid(truth, scan)
    vessel = vessel_mask(whole_numbers(truth), files.classes, files.ignore)
    return scan.array.reshape(shape), vessel.reshape(shape)
