"""The nnU-Net raw layout: ``imagesTr``, ``labelsTr``, ``dataset.json``, and here ``masksTr``."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from vbench.data.folder import Fault, FolderParams, FolderSource, Listing, SubjectFiles
from vbench.data.header import SUFFIXES, stem
from vbench.data.ignore import ignore_value
from vbench.errors import DataError
from vbench.files import read_json
from vbench.interfaces import param

_CHANNEL = re.compile(r"(.+)_(\d{4})")


class NnUNetParams(FolderParams):
    """Parameters of the nnU-Net layout."""

    channel: int = param(0, "The image channel, as in CASE_0000.nii.gz.", ge=0, le=9999)


class NnUNet(FolderSource):
    """Cases of ``imagesTr`` (with or without the channel's suffix) that ``labelsTr`` labels.

    A brain mask is read from ``masksTr``, which is no part of nnU-Net's format, when it is there.
    A label value that ``dataset.json`` calls ``ignore`` is not labelled: no vessel, no background,
    and left out of patches, thresholds and scores.
    """

    name = "nnunet"
    paper = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z"
    Params = NnUNetParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there is an ``imagesTr``, ``labelsTr`` or ``dataset.json``."""
        return any((path / name).exists() for name in ("imagesTr", "labelsTr", "dataset.json"))

    def scan(self) -> Listing:
        """Pair images with labels by name, or by the ``dataset`` table of ``dataset.json``."""
        faults: list[Fault] = []
        about = self._about(faults)
        classes = self._vessel_classes(about, faults)
        if isinstance(about.get("dataset"), dict):
            subjects = self._from_table(about["dataset"], classes, faults)
        else:
            subjects = self._from_names(classes, faults)
        expected = about.get("numTraining")
        if isinstance(expected, int) and expected != len(subjects) and not faults:
            faults.append(
                Fault(
                    self.path / "dataset.json",
                    f"numTraining is {expected}, there are {len(subjects)} pairs",
                    "correct the number, or find the missing files",
                )
            )
        ignore = self._ignore(about)
        subjects = [replace(files, ignore=ignore) for files in subjects]
        return Listing.of(self.path, subjects, faults)

    def _ignore(self, about: dict[str, Any]) -> int | None:
        """Return the label value of voxels that nobody labelled, unless it is asked for."""
        value = ignore_value(about)
        return None if value in (self.classes or ()) else value

    def _about(self, faults: list[Fault]) -> dict[str, Any]:
        """Read ``dataset.json``; an absent one is a remark, since names say enough."""
        file = self.path / "dataset.json"
        try:
            about = read_json(file)
        except FileNotFoundError:
            faults.append(
                Fault(file, "missing", "write one so that nnU-Net reads the data", serious=False)
            )
            return {}
        except (OSError, ValueError) as error:
            faults.append(Fault(file, f"cannot be read ({error})", "correct the JSON"))
            return {}
        if not isinstance(about, dict):
            faults.append(Fault(file, "not a JSON object", "write it as nnU-Net describes"))
            return {}
        ending = about.get("file_ending", SUFFIXES[0])
        if ending not in SUFFIXES:
            faults.append(Fault(file, f"file_ending is {ending}", "convert the files to .nii.gz"))
        return about

    def _vessel_classes(self, about: dict[str, Any], faults: list[Fault]) -> tuple[int, ...] | None:
        """Return the asked classes, or all that are labels but not ``ignore``."""
        labels = about.get("labels")
        if self.classes is not None or not isinstance(labels, dict) or "ignore" not in labels:
            return self.classes
        faults.append(
            Fault(
                self.path / "dataset.json",
                f"the label 'ignore' ({labels['ignore']}) is left out of patches and scores",
                "name the vessels with 'classes' if that is wrong",
                serious=False,
            )
        )
        named = (value for name, value in labels.items() if name != "ignore")
        values = {
            int(v) for value in named for v in (value if isinstance(value, list) else [value])
        }
        return tuple(sorted(values - {0}))

    def _from_names(
        self, classes: tuple[int, ...] | None, faults: list[Fault]
    ) -> list[SubjectFiles]:
        images = self._images(faults)
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
                place = self.path / "imagesTr" / f"{case}_{self.params.channel:04d}.nii.gz"
                faults.append(
                    Fault(labels[case], f"no image {place}", "add it, or remove the label")
                )
            else:
                subjects.append(
                    SubjectFiles(case, images[case], labels[case], masks.get(case), classes)
                )
        faults.extend(
            Fault(masks[case], f"the mask of no case: there is no '{case}'", "rename or remove it")
            for case in sorted(set(masks) - set(images) - set(labels))
        )
        return subjects

    def _images(self, faults: list[Fault]) -> dict[str, Path]:
        """Return the asked channel by case; plain names where no file has a channel suffix."""
        files = self._folder("imagesTr", faults)
        channels = {name: _CHANNEL.fullmatch(name) for name in files}
        if not any(channels.values()):
            return files
        wanted = f"{self.params.channel:04d}"
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
        return found

    def _from_table(
        self, table: dict[str, Any], classes: tuple[int, ...] | None, faults: list[Fault]
    ) -> list[SubjectFiles]:
        subjects = []
        for case, entry in table.items():
            file = self.path / "dataset.json"
            try:
                image = self._inside(entry["images"][self.params.channel])
                label = self._inside(entry["label"])
            except (KeyError, IndexError, TypeError) as error:
                message = (
                    f"dataset.{case} names no image of channel {self.params.channel}, or no label"
                )
                faults.append(Fault(file, message, f"complete the entry ({error!r})"))
            except DataError as error:
                faults.append(Fault(file, f"dataset.{case}: {error}", "move the file inside"))
            else:
                subjects.append(SubjectFiles(case, image, label, classes=classes))
        return subjects

    def _inside(self, name: str) -> Path:
        """Return a path of ``dataset.json``; by its text, it must not lead out of the folder.

        Links within the folder are followed: they are how people share volumes between data sets.
        """
        path = Path(os.path.normpath(self.path / name))
        if not path.is_relative_to(os.path.normpath(self.path)):
            raise DataError(f"'{name}' leads out of {self.path}")
        return path
