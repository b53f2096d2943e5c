"""File names made of entities, as in BIDS: ``sub-01_ses-2_run-1_label-vessel_mask``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from vbench.data.header import stem

#: The entities in the order in which BIDS names them.
ORDER = (
    *("sub", "ses", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain"),
    *("rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part", "proc", "hemi", "space"),
    *("split", "recording", "chunk", "atlas", "seg", "scale", "res", "den", "label", "desc"),
)
#: Entities that say how a file was derived, not of which image: a label may have them alone.
DERIVED = frozenset(
    (
        *("hemi", "space", "atlas", "seg", "scale", "res", "den", "label", "desc", "class"),
        *("cohort", "from", "to", "mode", "roi"),
    )
)
#: Entities of a file that lies on another grid than the image that it was derived from.
REGRIDDED = frozenset({"space", "res", "den"})
#: Of the words below, the names of one thing: an MR angiogram.
ANGIOGRAMS = frozenset({"angio", "tof", "mra", "tofmra"})
#: Words that name the image that a file was derived from: ``sub-01_T1w_desc-brain_mask``.
MODALITIES = ANGIOGRAMS | frozenset(
    (
        *("mrv", "cta", "ct", "pc", "pca", "swi", "swan", "minip", "t1", "t1w", "t2", "t2w"),
        *("t2star", "t2starw", "pd", "pdw", "flair", "inplanet1", "inplanet2", "unit1", "mp2rage"),
        *("megre", "mese", "bold", "sbref", "dwi", "asl", "m0scan", "oct", "octa"),
    )
)
#: Words that say what kind of file it is; ``0000`` is nnU-Net's first channel.
KINDS = frozenset(
    (
        *("pred", "preds", "prediction", "predictions", "predicted", "output", "truth", "gt"),
        *("groundtruth", "manual", "label", "labels", "lbl", "seg", "segs", "segmentation"),
        *("segmented", "dseg", "mask", "masks", "vessel", "vessels", "binary", "0000"),
    )
)
_ENTITY = re.compile(r"([A-Za-z]+)-(.+)")
_VESSEL = re.compile(r"vessel(?!ness|wall)|arter(y|ies|ial|ia$)|vein|venous|vasc|lumen", re.I)
_TISSUE = re.compile(
    r"brain.*|skull.*|head|[cs]?gm|wm|csf|aseg.*|aparc.*|probseg|probtissue|tissue.*|ribbon|carpet",
    re.I,
)
#: What ``desc`` says of the person or tool that drew a label, not of what is drawn.
_AUTHOR = re.compile(
    r"(manual|auto|automatic|expert|rater|reader|annotator|consensus|truth|gt|final|corrected|pred"
    r"|prediction|\d)+",
    re.I,
)


@dataclass(frozen=True)
class Name:
    """What a file name says.

    Attributes:
        entities: By key, in the order of the name; a number without leading zeros, since
            ``run-01`` and ``run-1`` are one run. ``part-mag`` is left out: it is the default.
        words: The parts that are no entity, in their order; in BIDS one, the suffix.
    """

    entities: Mapping[str, str]
    words: tuple[str, ...]

    @classmethod
    def of(cls, path: Path, below: Path | None = None) -> Name:
        """Parse a file's name; ``sub-`` and ``ses-`` may be only in a folder's name.

        Args:
            path: A NIfTI file.
            below: The folder under which folders' names count; None: they do not.
        """
        entities: dict[str, str] = {}
        if below is not None:
            folders = [_ENTITY.fullmatch(part) for part in path.relative_to(below).parts[:-1]]
            entities = {m[1]: plain(m[2]) for m in folders if m and m[1] in {"sub", "ses"}}
        own: dict[str, str] = {}
        words = []
        for part in stem(path).split("_"):
            entity = _ENTITY.fullmatch(part)
            if entity is None:
                words += [part] if part else []
                continue
            key, value = entity[1], plain(entity[2])
            # A key that stands twice is one entity with both values: none is lost.
            own[key] = f"{own[key]}_{value}" if key in own else value
        entities |= own
        if entities.get("part") == "mag":
            del entities["part"]
        return cls(entities, tuple(words))

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts names: entity by entity in BIDS order, numbers as numbers, absent ones first."""
        known = [natural(self.entities.get(key, "")) for key in ORDER]
        others = sorted((k, natural(v)) for k, v in self.entities.items() if k not in ORDER)
        return (*known, tuple(others), natural("_".join(self.words)))

    def source(self) -> dict[str, str]:
        """Return the entities that say which image the file belongs to."""
        return {key: value for key, value in self.entities.items() if key not in DERIVED}

    def modality(self) -> set[str]:
        """Return the words that name an image, in lower case."""
        return {word.lower() for word in self.words} & MODALITIES

    def same_modality(self, other: Name) -> bool:
        """Return whether the words of two names may be of one image; so they may if one has none.

        An angiogram is called ``angio``, ``TOF`` or ``MRA``.
        """
        ours, theirs = self.modality(), other.modality()
        return not ours or not theirs or bool(ours & theirs) or ours | theirs <= ANGIOGRAMS

    def says_vessel(self) -> bool:
        """Return whether the name says that vessels are labelled."""
        return "probseg" not in self.words and any(map(_VESSEL.search, self._about()))

    def says_tissue(self) -> bool:
        """Return whether the name says that a brain, or tissues of it, are labelled."""
        return not self.says_vessel() and any(map(_TISSUE.fullmatch, self._about()))

    def says_other(self) -> bool:
        """Return whether the name says that something is labelled which it does not call vessel."""
        desc = self.entities.get("desc", "")
        named = self.entities.keys() & {"label", "seg", "atlas", "roi", "class"}
        drawn = bool(named) or bool(desc and not _AUTHOR.fullmatch(desc))
        return not self.says_vessel() and (drawn or self.says_tissue())

    def _about(self) -> list[str]:
        """Return what may say what is labelled."""
        keys = ("label", "desc", "seg", "atlas", "roi", "class")
        return [*(self.entities.get(key, "") for key in keys), *self.words]

    def conflict(self, other: Name) -> str | None:
        """Return the first entity that both have with different values."""
        for key, value in self.entities.items():
            if other.entities.get(key, value) != value:
                return key
        return None


def plain(value: str) -> str:
    """Return an entity's value; a number without its leading zeros."""
    return str(int(value)) if value.isascii() and value.isdigit() else value


def natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts names by their numbers: ``ses-2`` before ``ses-10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", text)
    return tuple((0, int(p), "") if p.isascii() and p.isdigit() else (1, 0, p) for p in parts)


def matching(paths: Iterable[Path], pattern: str) -> list[Path]:
    """Return the NIfTI files whose name without ``.nii.gz`` fits a pattern."""
    return [path for path in paths if fnmatchcase(stem(path), pattern)]
