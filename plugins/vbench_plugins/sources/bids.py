"""The BIDS layout: ``sub-*/anat/*_angio.nii.gz``, labels and masks under ``derivatives/``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from vbench.data.entities import ORDER, Name, matching, plain
from vbench.data.folder import Fault, FolderParams, FolderSource, Listing, SubjectFiles
from vbench.data.header import stem
from vbench.interfaces import Count, param
from vbench.types import CHANNELS
from vbench_plugins.sources.bids_derivatives import Derivatives, Person, suffix, volumes


class BidsParams(FolderParams):
    """Parameters of the BIDS layout."""

    suffix: str = param("angio", "What the names of the images end with.")
    entities: dict[str, str | int] = param(
        {}, 'The images to take, by entities of their names, such as { acq = "tof", run = 1 }.'
    )
    sessions: Literal["first", "all"] = param(
        "first",
        "Of a person's sessions, acquisitions and runs: 'first' takes the first that has a label, "
        "'all' takes each, as sub-01_ses-2.",
    )
    label: str | None = param(
        None, "Pattern of the labels' names, without .nii.gz; when not given, the usual ones."
    )
    mask: str | None = param(
        None, "Pattern of the masks' names, without .nii.gz; when not given, the usual ones."
    )


class Bids(FolderSource):
    """One image a person, the first that has a label; or all.

    A label or mask belongs to an image when it agrees in every entity that both have and has no
    further entity of raw data (``ses``, ``acq``, ``rec``, ``run`` …). Where several labels fit an
    image, or a label several images, that is a fault. Channels that a spec names are suffixes, such
    as ``["angio", "T1w"]``: the first is the image that a label belongs to, the others are the
    person's images of the same session; of several, the one that agrees in all entities that both
    have.
    """

    name = "bids"
    paper = "Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44"
    Params = BidsParams
    channels: ClassVar[Count] = "any"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there is a ``dataset_description.json`` or a ``sub-…`` folder."""
        return (path / "dataset_description.json").exists() or any(path.glob("sub-*/"))

    def scan(self) -> Listing:
        """Find each person's images, and the labels and masks that are named like them."""
        faults: list[Fault] = []
        subjects: list[SubjectFiles] = []
        if not (self.path / "dataset_description.json").exists():
            missing = self.path / "dataset_description.json"
            faults.append(Fault(missing, "missing", "write one as BIDS asks for", serious=False))
        for folder in sorted(p for p in self.path.glob("sub-*") if p.is_dir()):
            subjects += self._subjects(folder, faults)
        return Listing.of(self.path, subjects, faults)

    def group_of(self, subject: str) -> str:
        """Name the person: ``sub-…``, whatever session or run it is."""
        person = re.match(r"sub-[A-Za-z0-9]+", subject)
        return person[0] if person else subject

    @property
    def _suffix(self) -> str:
        """What the names of the images end with: the first channel's name."""
        named = self.channel_names != CHANNELS
        return self.channel_names[0] if named else str(self.params.suffix)

    def _others(self, image: Path, folder: Path, faults: list[Fault]) -> tuple[Path, ...] | None:
        """Return the further channels of an image; None, with a fault, where one is not clear."""
        own = Name.of(image, self.path).entities
        every = {path: Name.of(path, self.path) for path in volumes(folder)}
        found: list[Path] = []
        for channel in self.channel_names[1:]:
            same = {
                path: every[path].entities
                for path in matching(every, f"*_{channel}")
                if every[path].entities.get("ses") == own.get("ses")
                and every[path].entities.get("part", "mag") == "mag"
            }
            if len(same) > 1:
                same = {
                    path: entities
                    for path, entities in same.items()
                    if all(own.get(key, value) == value for key, value in entities.items())
                }
            if len(same) != 1:
                message = f"no *_{channel}.nii.gz of the same session"
                fix = "add it, or leave the channel out of `channels`"
                if same:
                    message = f"several files may be its channel {channel}: {self._names(same)}"
                    fix = "name them by the image's entities, or remove one"
                faults.append(Fault(image, message, fix))
                return None
            found += same
        return tuple(found)

    @cached_property
    def _derivatives(self) -> Derivatives:
        return Derivatives(self.path / "derivatives")

    def _subjects(self, folder: Path, faults: list[Fault]) -> list[SubjectFiles]:
        """Return a person's subjects: one, or with ``sessions = "all"`` one an image."""
        person = self._person(folder)
        fault = self._misplaced(folder, person) if person.images else self._absent(folder)
        if fault is not None:
            faults.append(fault)
            return []
        found: list[SubjectFiles] = []
        without: list[Path] = []
        before = len(faults)
        for image in person.images:
            labels = self._derivatives.labels(image, person, self.params.label)
            if not labels:
                without.append(image)
                continue
            for files in self._with_label(image, labels, person, faults):
                others = self._others(image, folder, faults)
                if others is not None:
                    found.append(replace(files, others=others))
            if self.params.sessions == "first":
                break
        if not found and len(faults) == before:
            faults.append(self._no_label(without[0], person))
        elif found:
            faults += self._remarks(found, without, person)
        if self.params.sessions == "first":
            return [replace(files, id=folder.name) for files in found]
        return found

    def _person(self, folder: Path) -> Person:
        """List a person's images; those to take, in order: as asked for, and magnitudes."""
        every = {path: Name.of(path, self.path) for path in volumes(folder)}
        same = {path: every[path] for path in matching(every, f"*_{self._suffix}")}
        wanted = {key: plain(str(value)) for key, value in self.params.entities.items()}
        part = wanted.pop("part", "mag")
        images = [
            path
            for path, name in same.items()
            if all(name.entities.get(key) == value for key, value in wanted.items())
            and name.entities.get("part", "mag") == part
        ]
        images.sort(key=lambda path: (same[path].order, path.name))
        words = frozenset(word.lower() for name in every.values() for word in name.words)
        return Person({path: same[path] for path in images}, same, words)

    def _absent(self, folder: Path) -> Fault:
        """Return the fault of a person without an image, with what there is instead."""
        message = f"no *_{self._suffix}.nii.gz"
        if self.params.entities:
            message += f" with {', '.join(f'{k}-{v}' for k, v in self.params.entities.items())}"
        there = sorted({suffix(path) for path in volumes(folder)})
        fix = "add the image, remove the folder, or set 'suffix'"
        if self._suffix in there:
            fix = "set 'entities' if one of the other images is meant (part-phase and the like)"
        elif there:
            fix += f" (there is {', '.join(there)})"
        return Fault(folder, message, fix)

    def _misplaced(self, folder: Path, person: Person) -> Fault | None:
        """Return the fault of an image in another person's folder, or there twice."""
        seen: dict[tuple[object, ...], Path] = {}
        for path, name in person.images.items():
            if name.entities["sub"] != plain(folder.name.removeprefix("sub-")):
                return Fault(path, f"is in the folder {folder.name}", "move or rename it")
            other = seen.setdefault(name.order, path)
            if other != path:
                message = f"names the same image as {other.name}"
                return Fault(path, message, "remove one, or name them apart")
        return None

    def _with_label(
        self, image: Path, labels: list[Path], person: Person, faults: list[Fault]
    ) -> list[SubjectFiles]:
        """Return an image with label and mask; none where it is unclear which they are."""
        masks = self._derivatives.masks(image, person, self.params.mask)
        masks = [path for path in masks if path not in labels]
        for files, what in ((labels, "label"), (masks, "mask")):
            if len(files) > 1:
                message = f"several files may be its {what}: {self._names(files)}"
                faults.append(Fault(image, message, f"set '{what}' to a pattern, or remove one"))
                return []
            for file in files:
                rivals = self._derivatives.rivals(file, image, person)
                if rivals:
                    names = self._names(sorted([image, *rivals]))
                    message = f"may be the {what} of several images: {names}"
                    fix = "name it after its image, or choose the image with 'entities'"
                    faults.append(Fault(file, message, fix))
                    return []
        name = self._id(image)
        return [SubjectFiles(name, image, labels[0], masks[0] if masks else None, self.classes)]

    def _no_label(self, image: Path, person: Person) -> Fault:
        pattern = self.params.label or "*label-vessel*, *desc-vessel* and the like"
        where = f"below {self._derivatives.folder}"
        near = self._derivatives.near_miss(image, person, self.params.label)
        return Fault(image, f"no label ({pattern}) {where}{near}", "add it, or set 'label'")

    def _remarks(
        self, found: list[SubjectFiles], without: list[Path], person: Person
    ) -> Iterable[Fault]:
        """Say which images are not used, and which labels do not say that they are of vessels."""
        for image in without:
            yield replace(self._no_label(image, person), mend="passed over", serious=False)
        seen = {files.image for files in found} | set(without)
        others = [path.name for path in sorted(person.same) if path not in seen]
        if others:
            message = f"used; not used: {', '.join(others)}"
            fix = "'entities' and 'sessions' choose others"
            yield Fault(found[0].image, message, fix, serious=False)
        for files in found:
            if self.params.label is None and not Name.of(files.label).says_vessel():
                message = "taken for vessels, though its name does not say so"
                yield Fault(files.label, message, "set 'label' if they are not", serious=False)

    def _id(self, image: Path) -> str:
        """Return the entities of an image as its name and its folders' names have them."""
        parts = [part for part in stem(image).split("_") if "-" in part]
        known = {part.partition("-")[0] for part in parts}
        entities = Name.of(image, self.path).entities
        parts += [f"{key}-{value}" for key, value in entities.items() if key not in known]
        key = {name: place for place, name in enumerate(ORDER)}
        return "_".join(sorted(parts, key=lambda part: key.get(part.partition("-")[0], len(key))))

    def _names(self, paths: Iterable[Path]) -> str:
        return ", ".join(str(path.relative_to(self.path)) for path in paths)
