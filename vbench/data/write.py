"""A data set on disk as other tools expect it: NIfTI in nnU-Net or BIDS layout, with its truth.

What is known of a phantom beside its label (tree, seeds, parameters) is written as JSON; what else
a source has to say of a subject, such as centre lines, as text.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vbench._version import __version__
from vbench.data.datasetjson import dataset_json
from vbench.data.folder import check_id
from vbench.data.nifti import write_volume
from vbench.errors import DataError
from vbench.files import atomic_write, write_json
from vbench.types import Array, Subject

#: The value of voxels that nobody labelled: nnU-Net wants it to be the highest.
IGNORE = 2


class Layout(ABC):
    """Where the files of each subject go."""

    def __init__(self, folder: Path) -> None:
        """Choose the folder; it is made when it is missing."""
        self.folder = folder
        #: Whether a label has voxels that nobody labelled.
        self.ignored = False

    @abstractmethod
    def places(self, subject: str) -> dict[str, Path]:
        """Return where ``image``, ``label``, ``mask`` and ``truth`` of a subject go."""

    @abstractmethod
    def finish(self, subjects: list[str], origin: Mapping[str, Any]) -> None:
        """Write what the layout says about the data set as a whole."""

    #: Whether the layout has a label for what nobody labelled.
    ignores = False


class NnUNetLayout(Layout):
    """``imagesTr``, ``labelsTr``, ``masksTr``, ``truthTr`` and ``dataset.json``."""

    ignores = True

    def places(self, subject: str) -> dict[str, Path]:
        """Return the subject's files."""
        return {
            "image": self.folder / "imagesTr" / f"{subject}_0000.nii.gz",
            "label": self.folder / "labelsTr" / f"{subject}.nii.gz",
            "mask": self.folder / "masksTr" / f"{subject}.nii.gz",
            "truth": self.folder / "truthTr" / f"{subject}.json",
        }

    def finish(self, subjects: list[str], origin: Mapping[str, Any]) -> None:
        """Write ``dataset.json``."""
        name = f"{origin['plugin']} vessels"
        labels = {"background": 0, "vessel": 1, **({"ignore": IGNORE} if self.ignored else {})}
        about = dataset_json(len(subjects), name=name, labels=labels, vbench=dict(origin))
        write_json(self.folder / "dataset.json", about)


class BidsLayout(Layout):
    """``sub-*/anat/*_angio``, and labels, masks and truth under ``derivatives/vbench``."""

    def places(self, subject: str) -> dict[str, Path]:
        """Return the subject's files; BIDS allows letters and digits in its name."""
        name = f"sub-{re.sub(r'[^A-Za-z0-9]', '', subject)}"
        derived = self.folder / "derivatives" / "vbench" / name / "anat"
        return {
            "image": self.folder / name / "anat" / f"{name}_angio.nii.gz",
            "label": derived / f"{name}_label-vessel_mask.nii.gz",
            "mask": derived / f"{name}_desc-brain_mask.nii.gz",
            "truth": derived / f"{name}_label-vessel_mask.json",
        }

    def finish(self, subjects: list[str], origin: Mapping[str, Any]) -> None:
        """Write both ``dataset_description.json`` and ``participants.tsv``."""
        tool = {"Name": "vbench", "Version": origin["vbench"]}
        name = f"{origin['plugin']} vessels"
        raw = {"Name": name, "BIDSVersion": "1.9.0", "DatasetType": "raw", "GeneratedBy": [tool]}
        write_json(self.folder / "dataset_description.json", raw | {"vbench": dict(origin)})
        derived = raw | {"Name": f"{name}: labels", "DatasetType": "derivative"}
        write_json(self.folder / "derivatives" / "vbench" / "dataset_description.json", derived)
        rows = [
            self.places(subject)["image"].name.removesuffix("_angio.nii.gz") for subject in subjects
        ]
        text = "\n".join(["participant_id", *rows]) + "\n"
        with atomic_write(self.folder / "participants.tsv") as temporary:
            temporary.write_text(text, encoding="utf-8")


LAYOUTS: Mapping[str, type[Layout]] = {"nnunet": NnUNetLayout, "bids": BidsLayout}


def write_dataset(
    folder: str | Path,
    layout: str,
    subjects: Iterable[Subject],
    origin: Mapping[str, Any],
    attachments: Callable[[Subject], Mapping[str, str]] | None = None,
) -> list[str]:
    """Write subjects, one in memory at a time.

    Args:
        folder: Where to; must not hold a data set yet.
        layout: ``nnunet`` or ``bids``.
        subjects: Such as ``(source.load(name) for name in names)``.
        origin: ``plugin`` and ``params``: recorded with the data set.
        attachments: Texts that go beside a subject's label, by file suffix (``.swc``).

    Returns:
        The ids of the subjects, in order.

    Raises:
        DataError: When the folder cannot be made or is not empty, or two subjects would share a
            file.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder}: not an empty folder; name another, or empty it")
    make_folder(folder)
    target = LAYOUTS[layout](folder)
    done: dict[Path, str] = {}
    for subject in subjects:
        check_id(subject.id)
        places = target.places(subject.id)
        if places["image"] in done:
            raise DataError(
                f"{places['image']}: '{subject.id}' and '{done[places['image']]}' share this name; "
                "give subjects names that differ in letters and digits"
            )
        done[places["image"]] = subject.id
        write_volume(places["image"], _compact(subject.image), subject.affine)
        write_volume(places["label"], _label(subject, target), subject.affine)
        if subject.mask is not None:
            write_volume(places["mask"], subject.mask, subject.affine)
        if "truth" in subject.notes:
            write_json(places["truth"], subject.notes["truth"])
        for suffix, text in (attachments(subject) if attachments else {}).items():
            with atomic_write(places["truth"].with_suffix(suffix)) as temporary:
                temporary.write_text(text, encoding="utf-8")
    target.finish(list(done.values()), {"vbench": __version__, **origin})
    return list(done.values())


def _label(subject: Subject, layout: Layout) -> Array:
    """Return the label as it is written: with a value of its own for what nobody labelled.

    Raises:
        DataError: When the layout has no such value.
    """
    if subject.ignore is None or not subject.ignore.any():
        return np.asarray(subject.label)
    if not layout.ignores:
        raise DataError(
            f"'{subject.id}' has voxels that nobody labelled, for which this layout has no label; "
            "write it with --layout nnunet"
        )
    layout.ignored = True
    return np.where(subject.ignore, IGNORE, subject.label).astype(np.uint8)


def make_folder(folder: Path) -> None:
    """Make a folder for results if it is missing.

    Raises:
        DataError: When that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot write here ({error.strerror}); name another folder"
        ) from error


def _compact(image: Array) -> Array:
    """Return whole numbers as int16, as scanners write them, where that is lossless."""
    image = np.asarray(image)
    if np.abs(image).max() < 2**15 and np.array_equal(image, np.rint(image)):
        return image.astype(np.int16)
    return image
