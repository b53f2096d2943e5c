"""Finds the files of predictions and truths that belong together, and reads them as one grid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vbench.errors import DataError
from vbench.types import Array

#: What file names say beside the subject: what kind of file it is.
_KIND = re.compile(
    r"[_.-](pred(iction)?|truth|gt|labels?|seg(mentation)?|mask|vessels?|dseg|angio|0000)$", re.I
)
_BIDS = re.compile(r"^(sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?(_run-[0-9]+)?)")


@dataclass(frozen=True)
class Maps:
    """A predicted and a true label map on one grid.

    Attributes:
        prediction: Whole numbers ``(X, Y, Z)`` in RAS, 0 for no vessel.
        truth: The same shape.
        spacing: Voxel edge lengths in mm, from the truth's header.
    """

    prediction: Array
    truth: Array
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class Pair:
    """Two files to compare.

    Attributes:
        subject: Whose they are.
        prediction: One file.
        truth: The other.
    """

    subject: str
    prediction: Path
    truth: Path

    def read(self) -> Maps:
        """Read both files.

        Raises:
            DataError: When one cannot be read, is no label map, or they are not of one grid.
        """
        from vbench.data.nifti import (
            SAME_GRID,
            check_sides,
            corner_distance,
            read_image,
            whole_numbers,
        )

        truth = read_image(self.truth, integer=True)
        # A file without a unit is in that of its partner: predictions often lose it.
        prediction = read_image(self.prediction, integer=True, unit=truth.unit)
        if not truth.unit_given and prediction.unit_given:
            truth = read_image(self.truth, integer=True, unit=prediction.unit)
        if prediction.array.shape != truth.array.shape:
            raise DataError(
                f"{self.prediction}: shape {prediction.array.shape} (in RAS), but "
                f"{truth.array.shape} in {self.truth}; resample it to the grid of the truth"
            )
        apart = corner_distance(prediction.affine, truth.affine, truth.array.shape)
        if apart > SAME_GRID:
            raise DataError(
                f"{self.prediction}: its affine places it {apart:.3g} voxels away from "
                f"{self.truth}; resample it, or copy the truth's header if the voxels match"
            )
        check_sides(prediction, truth)
        return Maps(whole_numbers(prediction), whole_numbers(truth), truth.spacing)


def subject_of(path: Path) -> str:
    """Return the subject that a file name names.

    In BIDS ``sub-…`` with its session and run; else the name without ``.nii.gz`` and without what
    says of which kind the file is (``_pred``, ``_label``, ``_seg``, ``_0000`` and the like).
    """
    from vbench.data.header import stem

    name = stem(path)
    bids = _BIDS.match(name)
    if bids:
        return bids.group(1)
    while shorter := _KIND.sub("", name):
        if shorter == name:
            break
        name = shorter
    return name


def find_pairs(predictions: str | Path, truths: str | Path) -> list[Pair]:
    """Match two files, or the files of two folders by subject.

    Raises:
        DataError: When one is missing, a subject has two files on one side, or has no partner.
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
        return [Pair(subject_of(truths), predictions, truths)]
    made, true = _files(predictions), _files(truths)
    _need_partners(made, true, truths)
    _need_partners(true, made, predictions)
    return [Pair(subject, made[subject], true[subject]) for subject in sorted(true)]


def _files(folder: Path) -> dict[str, Path]:
    """Return the NIfTI files of a folder by subject; those of its subfolders when it has none."""
    from vbench.data.header import SUFFIXES

    for found in (folder.iterdir(), folder.rglob("*")):
        files = sorted(p for p in found if p.name.endswith(SUFFIXES) and p.name[0] != ".")
        if files:
            break
    else:
        raise DataError(f"{folder}: no .nii or .nii.gz file in it")
    by_subject: dict[str, Path] = {}
    for path in files:
        other = by_subject.setdefault(subject_of(path), path)
        if other != path:
            raise DataError(
                f"{path}: is of subject '{subject_of(path)}', as is {other.name}; "
                "keep one file a subject in the folder"
            )
    return by_subject


def _need_partners(files: Mapping[str, Path], others: Mapping[str, Path], where: Path) -> None:
    lonely = sorted(set(files) - set(others))
    if lonely:
        more = f" and {len(lonely) - 1} more" if len(lonely) > 1 else ""
        raise DataError(
            f"{files[lonely[0]]}{more}: no file of subject '{lonely[0]}' in {where}; "
            "add it, or take this one out"
        )


def classes_of(maps: Maps) -> list[int]:
    """Return the label values above 0 that either map has."""
    values = np.union1d(np.unique(maps.prediction), np.unique(maps.truth))
    return [int(value) for value in values if value > 0]
