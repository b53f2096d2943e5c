"""Which files under ``derivatives/`` are the vessel label and the brain mask of a BIDS image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from vbench.data.entities import DERIVED, MODALITIES, ORDER, REGRIDDED, Name, matching
from vbench.data.header import SUFFIXES, stem
from vbench.files import read_json

Names = Mapping[Path, Name]

#: Pipelines whose ``_dseg`` without a ``label`` or ``desc`` is a map of tissues.
TISSUE_PIPELINES = (
    *("fmriprep", "smriprep", "freesurfer", "fastsurfer", "qsiprep", "synthseg", "cat12", "spm"),
    *("mriqc", "ants", "fsl", "micapipe", "aslprep", "nibabies", "petprep", "xcp", "qsirecon"),
)


@dataclass(frozen=True)
class Person:
    """The images of one person.

    Attributes:
        images: Those that may be taken, in order.
        same: All with the suffix that is asked for.
        words: The suffixes of all that the person has, in small letters.
    """

    images: Names
    same: Names
    words: frozenset[str]


class Derivatives:
    """The files under ``derivatives/``, listed once."""

    def __init__(self, folder: Path) -> None:
        """Choose the folder; it may be missing."""
        self.folder = folder

    @cached_property
    def names(self) -> Names:
        """All volumes with what their names, and the folders of person and session, say."""
        return {path: Name.of(path, self.folder) for path in volumes(self.folder)}

    def labels(self, image: Path, person: Person, pattern: str | None) -> list[Path]:
        """Return the files that may be an image's label: one, unless it is unclear."""
        return self._find(image, person, pattern, [_is_vessel, _is_artery, self._is_plain])

    def masks(self, image: Path, person: Person, pattern: str | None) -> list[Path]:
        """Return the files that may be an image's brain mask."""
        return self._find(image, person, pattern, [_is_brain])

    def near_miss(self, image: Path, person: Person, pattern: str | None) -> str:
        """Say of a label of the same person why it is not this image's; empty without one."""
        own = person.images[image]
        for path, name in self.names.items():
            if name.entities.get("sub") != own.entities.get("sub"):
                continue
            taken = matching([path], pattern) if pattern else _is_vessel(path, name)
            why = _difference(name, own, person.words)
            if taken and why is not None:
                return f" ({path.name} differs in '{why}')"
        return ""

    def _find(
        self,
        image: Path,
        person: Person,
        pattern: str | None,
        usual: Iterable[Callable[[Path, Name], bool]],
    ) -> list[Path]:
        """Return the image's files of the first kind that has any, preferring its own grid."""
        own = person.images[image]
        fits = {
            path: name
            for path, name in self.names.items()
            if _difference(name, own, person.words, asked=pattern is not None) is None
            # A file with the very entities of another image is that one's.
            and (
                name.source() == own.source()
                or not any(name.source() == other.source() for other in person.same.values())
            )
        }
        for kind in [None] if pattern is not None else usual:
            chosen = matching(fits, pattern or "*")
            chosen = [path for path in chosen if kind is None or kind(path, fits[path])]
            native = [path for path in chosen if not REGRIDDED & fits[path].entities.keys()]
            if chosen:
                return native or chosen
        return []

    def rivals(self, file: Path, image: Path, person: Person) -> list[Path]:
        """Return the other images that a file fits as well as this one."""
        name = self.names[file]
        if name.source() == person.images[image].source():
            return []
        return [
            path
            for path, other in person.images.items()
            if path != image and _difference(name, other, person.words) is None
        ]

    def _is_plain(self, path: Path, name: Name) -> bool:
        """Return whether a file is a ``_dseg`` of which nothing says that it is of tissues."""
        if suffix(path) != "dseg" or name.says_vessel() or name.says_other():
            return False
        return not self._maps_tissue(path.relative_to(self.folder).parts[0])

    def _maps_tissue(self, pipeline: str) -> bool:
        """Return whether a folder of ``derivatives`` holds maps of tissues."""
        tools = f"{pipeline} {_generated_by(self.folder / pipeline)}".lower()
        return any(tool in tools for tool in TISSUE_PIPELINES) or any(
            name.says_other() and not _is_brain(path, name)
            for path, name in self.names.items()
            if path.is_relative_to(self.folder / pipeline)
        )


def suffix(path: Path) -> str:
    """Return the last part of a name, which in BIDS is no entity."""
    return stem(path).rpartition("_")[2]


def volumes(folder: Path) -> list[Path]:
    """Return the NIfTI files below a folder, sorted; not those that are hidden."""
    return sorted(
        path
        for ending in SUFFIXES
        for path in folder.glob(f"**/*{ending}")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _difference(
    derived: Name, image: Name, present: frozenset[str], *, asked: bool = False
) -> str | None:
    """Return the entity or word because of which a file is not derived from an image.

    Args:
        derived: The name of the file.
        image: That of the image.
        present: The suffixes of all images of the person.
        asked: The file was asked for by a pattern: entities that BIDS does not know may differ.
    """
    key = derived.conflict(image)
    if key is not None:
        return key
    for key in derived.entities:
        unknown = asked and key not in ORDER
        if key not in image.entities and key not in DERIVED and not unknown:
            return key
    inherited = derived.modality()
    other = inherited & present and not inherited & image.modality() and image.modality()
    if other or not derived.same_modality(image):
        return min(inherited)
    return None


def _is_vessel(path: Path, name: Name) -> bool:
    """Return whether a name says vessels, unless it says arteries only."""
    says = name.says_vessel() and not name.says_other() and suffix(path).lower() not in MODALITIES
    return says and not name.entities.get("label", "").lower().startswith("arter")


def _is_artery(path: Path, name: Name) -> bool:
    return name.entities.get("label", "").lower().startswith("arter") and not name.says_other()


def _is_brain(path: Path, name: Name) -> bool:
    """Return whether a name says that the file is a brain mask."""
    about = (*(name.entities.get(key, "") for key in ("desc", "label", "seg")), *name.words)
    brain = any("brain" in text.lower() for text in about)
    return brain and any("mask" in text.lower() for text in about) and not name.says_vessel()


def _generated_by(folder: Path) -> str:
    """Return what ``dataset_description.json`` says of the tools that made a data set."""
    try:
        about = read_json(folder / "dataset_description.json")
        return str(about.get("GeneratedBy") or about.get("PipelineDescription") or "")
    except (OSError, ValueError, AttributeError):
        return ""
