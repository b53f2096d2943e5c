"""A plain folder of pairs: ``images/NAME.nii.gz`` and ``labels/NAME.nii.gz``."""

from __future__ import annotations

from pathlib import Path

from vbench.data.folder import Fault, FolderSource, Listing, SubjectFiles
from vbench.data.header import SUFFIXES, stem

IMAGES, LABELS, MASKS = "images", "labels", "masks"


class Pairs(FolderSource):
    """Images and labels of the same name, in two folders; brain masks in a third, ``masks``."""

    name = "pairs"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there is a folder ``images`` of NIfTI files beside ``labels``."""
        if not any((path / name).is_dir() for name in (LABELS, MASKS)):
            return False
        images = path / IMAGES
        return images.is_dir() and any(f.name.endswith(SUFFIXES) for f in images.iterdir())

    def scan(self) -> Listing:
        """Pair the files by name; one without its partner is a fault."""
        faults: list[Fault] = []
        if not (self.path / LABELS).is_dir():
            fix = f"rename {MASKS} to {LABELS} if it holds the vessels"
            faults.append(Fault(self.path / LABELS, "no such folder", fix))
            return Listing.of(self.path, [], faults)
        images, labels, masks = (self._files(name, faults) for name in (IMAGES, LABELS, MASKS))
        for name in sorted(images.keys() - labels.keys()):
            place = self.path / LABELS / images[name].name
            faults.append(Fault(images[name], f"no label {place}", "add it, or remove the image"))
        for name in sorted(labels.keys() - images.keys()):
            place = self.path / IMAGES / labels[name].name
            faults.append(Fault(labels[name], f"no image {place}", "add it, or remove the label"))
        faults += [
            Fault(masks[name], "the mask of no image", "rename or remove it")
            for name in sorted(masks.keys() - images.keys())
        ]
        subjects = [
            SubjectFiles(name, images[name], labels[name], masks.get(name), self.classes)
            for name in images.keys() & labels.keys()
        ]
        return Listing.of(self.path, subjects, faults)

    def _files(self, folder: str, faults: list[Fault]) -> dict[str, Path]:
        """Return the volumes of a folder by name; none when it is absent."""
        found: dict[str, Path] = {}
        place = self.path / folder
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            if file.name.startswith(".") or file.is_dir():
                continue
            if not file.name.endswith(SUFFIXES):
                faults.append(Fault(file, "not a .nii or .nii.gz file", "convert or remove it"))
                continue
            other = found.setdefault(stem(file), file)
            if other != file:
                faults.append(Fault(file, f"two files: there is {other.name}", "remove one"))
        return found
