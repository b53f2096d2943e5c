"""What lies in a folder, before a patch size is chosen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vbench.labels import LabelMap
from vbench.types import CHANNELS, Array, Subject

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


def by(size: Sequence[int]) -> str:
    """Write a size: ``16 × 16 × 16``."""
    return " × ".join(map(str, size))
