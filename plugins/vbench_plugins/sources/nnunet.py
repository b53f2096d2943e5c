"""The nnU-Net raw layout: ``imagesTr``, ``labelsTr``, ``dataset.json``, and here ``masksTr``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from vbench.data.datasetjson import About, classes_of, read_about
from vbench.data.folder import Fault, FolderParams, FolderSource, Listing, SubjectFiles
from vbench.data.header import SUFFIXES, stem
from vbench.data.pictures import SUFFIXES as PICTURES
from vbench.errors import DataError
from vbench.interfaces import Count, param
from vbench.labels import LabelMap
from vbench.types import CHANNELS
from vbench.usertext import user_path

#: Endings of volumes and pictures that nnU-Net reads, and vbench does not.
_OTHER_IMAGES = (
    *(".nii", ".nii.gz", ".nii.zip", ".hdr", ".img", ".img.gz", ".nrrd", ".nhdr", ".mha", ".mhd"),
    *(".mgz", ".mgh", ".dcm", ".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".npz"),
)
_CHANNEL = re.compile(r"(.+)_(\d{4})")


class NnUNetParams(FolderParams):
    """Parameters of the nnU-Net layout."""

    channel: int = param(0, "The image channel, as in CASE_0000.nii.gz.", ge=0, le=9999)


class NnUNet(FolderSource):
    """Cases of ``imagesTr`` (with or without the channel's suffix) that ``labelsTr`` labels.

    A brain mask is read from ``masksTr``, which is no part of nnU-Net's format, when it is there.
    A label value that ``dataset.json`` calls ``ignore`` is not labelled: no vessel, no background,
    and left out of patches, thresholds and scores. Channels that a spec names are found by the
    ``channel_names`` of ``dataset.json``; without these, the first is ``_0000``, the second
    ``_0001``. With ``labels = "dataset"`` its ``labels`` are the classes: of regions, which nest,
    each is what no later one has, in the order of ``regions_class_order``.
    """

    name = "nnunet"
    channels: ClassVar[Count] = "any"
    #: Numbers of the channels that are read, the first one first.
    _wanted: tuple[int, ...] = (0,)
    paper = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z"
    Params = NnUNetParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there is an ``imagesTr``, ``labelsTr`` or ``dataset.json``."""
        return any((path / name).exists() for name in ("imagesTr", "labelsTr", "dataset.json"))

    def known_labels(self) -> LabelMap | None:
        """Return the classes of ``dataset.json``.

        Raises:
            DataError: When they cannot be told.
        """
        file = self.path / "dataset.json"
        faults: list[Fault] = []
        about = read_about(file, faults)
        if about.labels is None and faults:
            raise DataError(str(faults[0]))
        return classes_of(about, file)

    def _numbers(self, about: About) -> tuple[int, ...]:
        """Return the numbers of the channels that are wanted, in their order.

        Raises:
            DataError: When ``dataset.json`` names others.
        """
        wanted = self.channel_names
        if wanted == CHANNELS:
            return (self.params.channel,)
        file = self.path / "dataset.json"
        if self.params.channel:
            raise DataError("channel: `channels` names them; take 'channel' out")
        if about.channels is None:
            return tuple(range(len(wanted)))
        by_name = {name.lower(): number for number, name in about.channels.items()}
        lacking = [name for name in wanted if name.lower() not in by_name]
        if lacking:
            raise DataError(
                f"{file}: channel_names has no '{lacking[0]}' (it names "
                f"{', '.join(about.channels.values())}); write its names into `channels`"
            )
        named = [name.lower() for name in about.channels.values()]
        for name in wanted:
            if named.count(name.lower()) > 1:
                raise DataError(f"{file}: channel_names has '{name}' twice; give each its own")
        return tuple(by_name[name.lower()] for name in wanted)

    def scan(self) -> Listing:
        """Pair images with labels by name, or by the ``dataset`` table of ``dataset.json``."""
        faults: list[Fault] = []
        about = read_about(self.path / "dataset.json", faults)
        self._wanted = self._numbers(about)
        classes = self._vessel_classes(about, faults)
        if about.table is not None:
            subjects = self._from_table(about.table, faults)
        else:
            subjects = self._from_names(faults)
        subjects = [replace(files, classes=classes, ignore=about.ignore) for files in subjects]
        sound = not any(fault.serious for fault in faults)
        if about.count not in (None, len(subjects)) and sound:
            faults.append(
                Fault(
                    self.path / "dataset.json",
                    f"numTraining is {about.count}, there are {len(subjects)} pairs",
                    "correct the number, or find the missing files",
                )
            )
        return Listing.of(self.path, subjects, faults)

    def _vessel_classes(self, about: About, faults: list[Fault]) -> tuple[int, ...] | None:
        """Return the requested classes, or all labels but ``ignore``."""
        file = self.path / "dataset.json"
        if self.classes is not None:
            wrong = sorted(set(self.classes) & set(about.ignore))
            if wrong:
                message = f"classes {wrong} are the label 'ignore'"
                faults.append(Fault(file, message, "leave them out of 'classes'"))
            return self.classes
        for name, values in about.vague.items():
            message = f"the label '{name}' {list(values)} would count as vessel"
            faults.append(
                Fault(file, message, "name it 'ignore', or name the vessels by 'classes'")
            )
        if about.labels is not None and not about.vessels:
            message = "labels names no class beside the background"
            faults.append(Fault(file, message, 'add such as "vessel": 1'))
        if not about.ignore:
            return None
        shown = ", ".join(map(str, about.ignore))
        message = f"the label 'ignore' ({shown}) is left out of patches, thresholds and scores"
        fix = "name the vessels with 'classes' if that is wrong"
        faults.append(Fault(file, message, fix, serious=False))
        return about.vessels

    def _from_names(self, faults: list[Fault]) -> list[SubjectFiles]:
        files = self._folder("imagesTr", faults)
        images = self._images(files, self._wanted[0])
        further = [self._images(files, number) for number in self._wanted[1:]]
        labels = self._folder("labelsTr", faults)
        masks = self._folder("masksTr", faults)
        subjects = []
        for case in sorted(images | labels):
            if case not in labels:
                place = self.path / "labelsTr" / f"{case}.nii.gz"
                faults.append(
                    Fault(images[case], f"no label {place}", "add it, or remove the image")
                )
            elif case not in images:
                place = self.path / "imagesTr" / f"{case}_{self._wanted[0]:04d}.nii.gz"
                faults.append(
                    Fault(labels[case], f"no image {place}", "add it, or remove the label")
                )
            elif lacking := [
                n for n, of in zip(self._wanted[1:], further, strict=True) if case not in of
            ]:
                place = self.path / "imagesTr" / f"{case}_{lacking[0]:04d}.nii.gz"
                fix = "add it, or leave the channel out of `channels`"
                faults.append(Fault(images[case], f"no image {place}", fix))
            else:
                others = tuple(of[case] for of in further)
                subjects.append(
                    SubjectFiles(case, images[case], labels[case], masks.get(case), others=others)
                )
        faults.extend(
            Fault(masks[case], f"the mask of no case: there is no '{case}'", "rename or remove it")
            for case in sorted(set(masks) - set(images) - set(labels))
        )
        return subjects

    def _images(self, files: Mapping[str, Path], number: int) -> dict[str, Path]:
        """Return a channel by case; plain names where no file has a channel suffix."""
        channels = {name: _CHANNEL.fullmatch(name) for name in files}
        if not any(channels.values()):
            return dict(files) if number == self._wanted[0] else {}
        wanted = f"{number:04d}"
        return {m[1]: files[name] for name, m in channels.items() if m and m[2] == wanted}

    def _folder(self, name: str, faults: list[Fault]) -> dict[str, Path]:
        """Return the volumes of a folder by their name without suffix; none when it is absent."""
        folder = self.path / name
        found: dict[str, Path] = {}
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            if file.name.endswith(SUFFIXES) and not file.name.startswith("."):
                other = found.setdefault(stem(file), file)
                if other != file:
                    faults.append(Fault(file, f"two files: there is {other.name}", "remove one"))
            elif file.name.lower().endswith(_OTHER_IMAGES) and not file.name.startswith("."):
                mend = "convert or remove it"
                if file.suffix.lower() in PICTURES:
                    mend = "2D pictures are read by the source 'images'; convert or remove it"
                faults.append(Fault(file, "not a .nii or .nii.gz file", mend))
        return found

    def _from_table(self, table: Mapping[str, Any], faults: list[Fault]) -> list[SubjectFiles]:
        file = self.path / "dataset.json"
        masks = self._folder("masksTr", faults)
        subjects = []
        for case, entry in table.items():
            try:
                *images, label = self._entry(entry)
            except ValueError as error:
                faults.append(Fault(file, f"dataset.{case}: {error}", "correct the entry"))
                continue
            faults.extend(
                Fault(path, f"no such file (dataset.{case})", "correct the path, or add the file")
                for path in (*images, label)
                if not os.path.lexists(path)
            )
            mask = masks.get(case, masks.get(stem(label)))
            others = tuple(images[1:])
            subjects.append(SubjectFiles(case, images[0], label, mask, others=others))
        used = {files.mask for files in subjects}
        faults.extend(
            Fault(mask, "the mask of no case of the dataset table", "name it like the case", False)
            for mask in masks.values()
            if mask not in used
        )
        return subjects

    def _entry(self, entry: Any) -> tuple[Path, ...]:
        """Return the wanted channels of the image, and the label, of one entry of the table.

        Raises:
            ValueError: When it is not as nnU-Net describes it, or a path leads out of the folder.
        """
        images = entry.get("images") if isinstance(entry, dict) else None
        found: list[str] = []
        for channel in self._wanted:
            names = images[channel : channel + 1] if isinstance(images, list) else []
            names += [entry.get("label")] if isinstance(entry, dict) else []
            if len(names) < 2 or not all(isinstance(name, str) and name for name in names):
                raise ValueError(
                    f"no image of channel {channel}, or no label; expected "
                    '{"images": ["path", …], "label": "path"}'
                )
            found.append(names[0])
        return tuple(self._inside(path) for path in (*found, entry["label"]))

    def _inside(self, name: str) -> Path:
        """Return a path of ``dataset.json``; by its text, it must not lead out of the folder.

        Links within the folder are followed: they are how people share volumes between data sets.
        """
        path = Path(os.path.normpath(user_path(name, self.path)))
        if not path.is_relative_to(os.path.normpath(self.path)):
            raise ValueError(f"'{name}' leads out of {self.path}; move the file inside")
        return path
