"""The BIDS layout: ``sub-*/anat/*_angio.nii.gz``, labels and masks under ``derivatives/``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vbench.data.folder import Fault, FolderParams, FolderSource, Listing, SubjectFiles
from vbench.data.header import SUFFIXES, stem
from vbench.interfaces import param

_ENTITY = re.compile(r"([a-z]+)-([A-Za-z0-9]+)")
#: File names of derivatives that are a vessel label, or a brain mask; the first that fits is used.
_LABELS = ("*label-vessel*", "*label-artery*", "*desc-vessel*", "*vessel*", "*_dseg")
_MASKS = ("*desc-brain_mask", "*label-brain*", "*brain*mask*")


class BidsParams(FolderParams):
    """Parameters of the BIDS layout."""

    suffix: str = param("angio", "What the names of the images end with.")
    label: str | None = param(
        None, "Pattern of the labels' names, without .nii.gz; when not given, the usual ones."
    )
    mask: str | None = param(
        None, "Pattern of the masks' names, without .nii.gz; when not given, the usual ones."
    )


class Bids(FolderSource):
    """One image a person: of several sessions or runs the first, since they must not be split."""

    name = "bids"
    paper = "Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44"
    Params = BidsParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there is a ``dataset_description.json`` or a ``sub-…`` folder."""
        return (path / "dataset_description.json").exists() or any(path.glob("sub-*/"))

    def scan(self) -> Listing:
        """Find each person's image, and the label and mask that are named like it."""
        faults: list[Fault] = []
        subjects = []
        if not (self.path / "dataset_description.json").exists():
            missing = self.path / "dataset_description.json"
            faults.append(Fault(missing, "missing", "write one as BIDS asks for", serious=False))
        for person in sorted(p for p in self.path.glob("sub-*") if p.is_dir()):
            files = self._person(person, faults)
            if files is not None:
                subjects.append(files)
        return Listing.of(self.path, subjects, faults)

    def group_of(self, subject: str) -> str:
        """Name the person: ``sub-…``, whatever session or run it is."""
        person = re.match(r"sub-[A-Za-z0-9]+", subject)
        return person[0] if person else subject

    def _person(self, person: Path, faults: list[Fault]) -> SubjectFiles | None:
        images = _volumes(person, [f"*_{self.params.suffix}"])
        if not images:
            faults.append(
                Fault(
                    person,
                    f"no *_{self.params.suffix}.nii.gz",
                    "add the image, remove the folder, or set 'suffix'",
                )
            )
            return None
        image = images[0]
        if len(images) > 1:
            others = ", ".join(path.name for path in images[1:])
            faults.append(
                Fault(image, f"used; not used: {others}", "one image a person", serious=False)
            )
        labels = self._derived(person.name, image, self.params.label, _LABELS)
        masks = self._derived(person.name, image, self.params.mask, _MASKS)
        masks = [path for path in masks if path not in labels]
        for found, what in ((labels, "label"), (masks, "mask")):
            if len(found) > 1:
                names = ", ".join(str(path.relative_to(self.path)) for path in found)
                faults.append(
                    Fault(image, f"several files may be its {what}: {names}", f"set '{what}'")
                )
                return None
        if not labels:
            pattern = self.params.label or " or ".join(_LABELS)
            faults.append(
                Fault(
                    image,
                    f"no label ({pattern}) below {self.path / 'derivatives'}",
                    "add it, or set 'label'",
                )
            )
            return None
        mask = masks[0] if masks else None
        return SubjectFiles(person.name, image, labels[0], mask, self.classes)

    def _derived(
        self, person: str, image: Path, pattern: str | None, usual: Sequence[str]
    ) -> list[Path]:
        """Return the derivatives of an image: of the first pattern that has any."""
        own = dict(_ENTITY.findall(stem(image)))
        for one in [pattern] if pattern is not None else usual:
            found = [
                path
                for folder in sorted((self.path / "derivatives").glob(f"**/{person}/"))
                for path in _volumes(folder, [one])
                if all(
                    own.get(key) == value
                    for key, value in _ENTITY.findall(stem(path))
                    if key in {"ses", "run", "acq"}
                )
            ]
            if found:
                return found
        return []


def _volumes(folder: Path, names: Sequence[str]) -> list[Path]:
    """Return the NIfTI files below a folder whose name without suffix fits a pattern."""
    found = {
        path
        for name in names
        for suffix in SUFFIXES
        for path in folder.glob(f"**/{name}{suffix}")
        if not path.name.startswith(".")
    }
    return sorted(found)
