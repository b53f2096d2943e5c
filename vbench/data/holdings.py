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
from vbench.labels import LabelMap
from vbench.layout import image_of, label_of
from vbench.records.model import first_fault
from vbench.types import CHANNELS, Array, Cutting, Subject
from vbench.types import LABELS as CLASSES

#: Larger arrays and scans are whole volumes: voxels.
LARGEST = 2**16
#: What says more of a set, in nnU-Net's layout and in an export of vbench.
ABOUT = "dataset.json"
#: What a folder of ``vbench sample`` says of itself.
SAMPLES = "samples.json"
#: Patches that are read at once.
CHUNK = 256

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Chunk:
    """Some patches as they are stored, in any range.

    Attributes:
        images: ``(n, *size)``; of several channels ``(n, channels, *size)``.
        labels: The vessels, bool ``(n, *size)``; where classes are named the index of each voxel's,
            uint8; None where there are no labels.
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
        label_map: The classes of the values of :meth:`subjects`; None: vessel or not.
        channels: Names of the channels of an image.
    """

    path: Path
    layout: str
    stacked: bool
    labelled: bool
    names: tuple[str, ...]
    label_map: LabelMap | None = None
    channels: tuple[str, ...] = CHANNELS

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

    def __init__(
        self, path: Path, named: _Named | None = None, channels: tuple[str, ...] = CHANNELS
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
        self._about = _about(path / ABOUT)
        says = {**_about(path / SAMPLES), **self._about}
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
        self.label_map, self.channels = source.label_map, source.channel_names
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
            parts |= dict(zip(self.channels[1:], files.others, strict=False))
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
    *,
    classes: Sequence[str] = CLASSES,
    labels: Mapping[str, Any] | None = None,
    channels: Sequence[str] = CHANNELS,
) -> Holding:
    """Find out what lies in a folder.

    Args:
        path: Arrays (see :func:`vbench.data.arrays.read_stacks`), or NIfTI files in an installed
            layout, or an export of vbench.
        group: For NIfTI files: finds, in its first parentheses, whose file it is.
        layout: Of NIfTI files; None: as it looks.
        options: Parameters of that layout, such as ``classes``.
        classes: Names of the classes of a label, in the order of their index.
        labels: Their values, as a table of a spec; None: as the folder names them itself.
        channels: Names of the channels of an image.

    Raises:
        DataError: When there is nothing, it cannot be read, or has other classes or channels.
    """
    path, channels = Path(path), tuple(channels)
    named = _Named(tuple(classes), labels) if len(classes) > 1 or labels else None
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; check the path")
    if layout is None and has_arrays(path):
        return Arrays(path, named, channels)
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
    made = source(params)
    if named is not None:
        made.label_map = named.given(path, made.known_labels())
    if channels != CHANNELS:
        if source.channels != "any" and len(channels) > source.channels:
            raise DataError(f"{path}: layout '{source.name}' has one channel; give arrays")
        made.channel_names = channels
    return Scans(path, made, group)


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
            prepare_subject(
                subject, place, normalise=how.normalise, vessel_free=vessel_free,
                labels=held.label_map, channels=held.channels,
            )  # fmt: skip
        except DataError as error:
            raise DataError(f"{held.path}: {error}") from error
        names.append(subject.id)
        volume = open_volume(place)
        # Places are drawn by name.
        volumes.append(replace(volume, id="volume") if alike else volume)
        people.append(person)
    try:
        shapes = [volume.label.shape for volume in volumes]
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
            label_of(taken) > 0 if held.label_map is None else label_of(taken).astype(np.uint8),
            [people[volume] for volume, _ in found],
            [f"{names[volume]} at {', '.join(map(str, start))}" for volume, start in found],
        )


def by(size: Sequence[int]) -> str:
    """Write a size: ``16 × 16 × 16``."""
    return " × ".join(map(str, size))


@dataclass(frozen=True)
class _Named:
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
    if labels is None:
        return np.asarray(values > 0)
    try:
        return labels.index(values).classes
    except ValueError as error:
        raise DataError(f"{stack.path.with_name('labels.npy')}: {error}") from error


def _patch(source: FolderSource, name: str, shape: Shape) -> tuple[Array, Array]:
    """Read one file as a patch: image and vessels, or classes, without axes of length 1."""
    files = source.files(name)
    scan = source.read(files.image)
    truth = source.read(files.label, integer=True, unit=scan.unit)
    check_same_grid(truth, scan)
    images = [scan.array.reshape(shape)]
    for path in files.others:
        other = source.read(path, unit=scan.unit)
        check_same_grid(other, scan)
        images.append(other.array.reshape(shape))
    image = images[0] if len(images) == 1 else np.stack(images)
    if source.label_map is None:
        label = vessel_mask(whole_numbers(truth), files.classes, files.ignore)
    else:
        try:
            label = source.label_map.index(whole_numbers(truth)).classes
        except ValueError as error:
            raise DataError(f"{files.label}: {error}") from error
    return image, label.reshape(shape)
