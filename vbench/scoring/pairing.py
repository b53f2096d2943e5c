"""Finds the files of predictions and references that belong together, and reads each pair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vbench.data.pictures import is_picture
from vbench.errors import DataError
from vbench.scoring.matching import files_of, match, subject_of, subjects_of
from vbench.types import Array

if TYPE_CHECKING:
    from vbench.data.nifti import Image


@dataclass(frozen=True)
class Maps:
    """A predicted and a reference label map on one grid.

    Attributes:
        prediction: Whole numbers ``(X, Y, Z)`` in RAS, 0 for no vessel.
        truth: The same shape.
        spacing: Voxel edge lengths in mm, from the reference's header.
        affine: Voxel to world, from the reference's header.
    """

    prediction: Array
    truth: Array
    spacing: tuple[float, float, float]
    affine: Array


@dataclass(frozen=True)
class Pair:
    """Two files to compare.

    Attributes:
        subject: Whose they are.
        prediction: One file.
        truth: The other.
        pixel: Width and height of a pixel in mm, where they are pictures; None: not known.
        values: Whether the values of pictures count; else what is not black is 1.
        counted: The values of the truth that are not background; None: all above 0.
    """

    subject: str
    prediction: Path
    truth: Path
    pixel: tuple[float, float] | None = None
    values: bool = False
    counted: tuple[int, ...] | None = None

    @property
    def pictures(self) -> bool:
        """Whether they are pictures.

        Raises:
            DataError: When one is, and the other a volume.
        """
        found = {is_picture(path) for path in (self.prediction, self.truth)}
        if len(found) > 1:
            raise DataError(
                f"{self.prediction} and {self.truth}: one is a picture, one a volume; give two of "
                "one kind"
            )
        return found.pop()

    @property
    def unmeasured(self) -> bool:
        """Whether distances count pixels."""
        return self.pictures and self.pixel is None

    def read(self) -> Maps:
        """Read both files.

        Raises:
            DataError: When one cannot be read, is no label map, or their grids differ.
        """
        from vbench.data.nifti import read_image
        from vbench.data.pictures import read_picture
        from vbench.data.subject_files import check_same_grid

        if self.pictures:
            prediction, truth = (
                read_picture(path, self.pixel, integer=True, values=self.values)
                for path in (self.prediction, self.truth)
            )
            check_same_grid(prediction, truth, "truth")
            return self._maps(prediction, truth)
        truth = read_image(self.truth, integer=True)
        # A file without a unit is in that of its partner: predictions often lose it.
        prediction = read_image(self.prediction, integer=True, unit=truth.unit)
        if not truth.unit_given and prediction.unit_given:
            truth = read_image(self.truth, integer=True, unit=prediction.unit)
        check_same_grid(prediction, truth, "truth")
        return self._maps(prediction, truth)

    def _maps(self, prediction: Image, truth: Image) -> Maps:
        from vbench.data.label_values import whole_numbers

        values = whole_numbers(truth)
        if self.counted is not None:
            values = np.where(np.isin(values, self.counted), values, 0)
        return Maps(whole_numbers(prediction), values, truth.spacing, truth.affine)


def find_pairs(predictions: str | Path, truths: str | Path) -> list[Pair]:
    """Match two files, or the files of two folders by their names; see :func:`pair_up`."""
    return pair_up(predictions, truths)[0]


def pair_up(predictions: str | Path, truths: str | Path) -> tuple[list[Pair], list[str]]:
    """Match two files, or the files of two folders by their names (:mod:`~.matching`).

    Returns:
        The pairs, and the subjects of references that have no prediction.

    Raises:
        DataError: When one is missing, a prediction has no reference, or a file several that it
            could belong to.
    """
    predictions, truths = Path(predictions), Path(truths)
    for path in (predictions, truths):
        if not path.exists():
            from vbench.data.disguise import missing

            raise missing(path)
    if predictions.is_dir() != truths.is_dir():
        raise DataError(
            f"{predictions} and {truths}: one is a file, one a folder; give two of one kind"
        )
    if not predictions.is_dir():
        return [Pair(subject_of(truths), predictions, truths)], []
    references = files_of(truths)
    pairs = match(files_of(predictions), references)
    named = dict(zip(references, subjects_of(references), strict=True))
    found = [Pair(named[truth], made.path, truth.path) for made, truth in pairs]
    paired = {truth for _, truth in pairs}
    return found, [name for reference, name in named.items() if reference not in paired]


def classes_of(maps: Maps) -> list[int]:
    """Return the label values above 0 that either map has."""
    values = np.union1d(np.unique(maps.prediction), np.unique(maps.truth))
    return [int(value) for value in values if value > 0]
