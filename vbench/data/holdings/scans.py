"""Folders of scans in one of the layouts, a file for each image and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from vbench.data.folder import FolderSource
from vbench.data.header import SUFFIXES
from vbench.data.holdings.holding import ABOUT, CHUNK, Chunk, Holding, Shape
from vbench.data.label_values import vessel_mask, whole_numbers
from vbench.data.nifti import read_grid
from vbench.data.splits import group_by_pattern
from vbench.data.subject_files import check_same_grid
from vbench.errors import DataError
from vbench.types import Array, Subject


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
        return [self._source.spacing_of(name) for name in self.names]

    def check_grids(self) -> None:
        """Compare the headers of NIfTI files; other files have to be read for that.

        Raises:
            DataError: When a label, mask or channel has another grid than the image.
        """
        for name in self.names:
            image, *others = self._source.files(name).paths()
            if not image.name.endswith(SUFFIXES):
                continue
            grid = read_grid(image)
            for path in others:
                if path.name.endswith(SUFFIXES):
                    check_same_grid(read_grid(path, unit=grid.unit), grid)

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
