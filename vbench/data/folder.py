"""Data sources that are files on disk: which files belong to which subject, and what is wrong.

A layout (``nnunet``, ``bids``, ``manifest``) implements :meth:`FolderSource.scan` alone; loading,
fingerprints and ``vbench data check`` follow from it.
"""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from vbench.data.disguise import missing, unopened
from vbench.data.header import SUFFIXES
from vbench.data.nifti import Image, ras_grid, ras_shape, read_image
from vbench.data.subject_files import read_subject
from vbench.errors import DataError, did_you_mean
from vbench.interfaces import DataSource, Params, param
from vbench.types import Array, Subject
from vbench.usertext import one_line, regular, shell_word, user_path

#: A subject's id names files and folders of a run: nothing that leads elsewhere.
SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ID_MEND = "use letters, digits, '.', '_' and '-', and begin with a letter or digit"


def check_id(subject: str) -> None:
    """Raise DataError when an id cannot name files: it could lead out of their folder."""
    if not SAFE_ID.fullmatch(subject):
        raise DataError(f"'{subject}' cannot name a subject; {_ID_MEND}")


#: The note of a prepared volume that holds the digest of its image's file.
IMAGE_DIGEST = "image blake2b"


@dataclass(frozen=True)
class Fault:
    """Something wrong with a file.

    Attributes:
        file: The file or folder.
        message: What is wrong.
        mend: What to do about it.
        serious: False for a remark, which does not keep the data from being used.
    """

    file: Path
    message: str
    mend: str
    serious: bool = True

    def __str__(self) -> str:
        return one_line(f"{self.file}: {self.message}; {self.mend}")


@dataclass(frozen=True)
class SubjectFiles:
    """The files of one subject.

    Attributes:
        id: The subject's name.
        image: Intensities.
        label: Whole numbers.
        mask: Brain mask, None when there is none.
        classes: The label values that are vessels; all above 0 when None.
        ignore: The label values of voxels that nobody labelled, such as nnU-Net's ``ignore``.
        group: The person, when several subjects may be of one; None: each is another person.
        others: Intensities of further channels, on the grid of ``image``.
    """

    id: str
    image: Path
    label: Path
    mask: Path | None = None
    classes: tuple[int, ...] | None = None
    ignore: tuple[int, ...] = ()
    group: str | None = None
    others: tuple[Path, ...] = ()

    def paths(self) -> list[Path]:
        """Return the files that exist."""
        paths = (self.image, self.label, self.mask, *self.others)
        return [path for path in paths if path is not None]


@dataclass(frozen=True)
class Listing:
    """What a folder holds: subjects with all that they need, and what is wrong."""

    subjects: tuple[SubjectFiles, ...]
    faults: tuple[Fault, ...]

    @classmethod
    def of(cls, folder: Path, subjects: Iterable[SubjectFiles], faults: Iterable[Fault]) -> Listing:
        """Sort subjects by id, and add the faults that any layout can have."""
        found, amiss = sorted(subjects, key=lambda s: s.id), list(faults)
        for before, after in zip([None, *found], found, strict=False):
            if not SAFE_ID.fullmatch(after.id):
                message = f"'{after.id}' cannot name a subject"
                amiss.append(Fault(after.image, message, _ID_MEND))
            if before and before.id == after.id:
                amiss.append(Fault(after.image, f"a second subject '{after.id}'", "rename one"))
        if not found and not amiss:
            amiss.append(Fault(folder, "no subjects", "check the path and the layout"))
        return cls(tuple(found), tuple(amiss))


class FolderParams(Params):
    """What all sources of files need to know."""

    path: Path = param(..., "The folder, or the file, that holds the data set.")
    classes: list[Annotated[int, Field(ge=0, lt=2**63)]] | None = param(
        None, "The label values that are vessels; all above 0 when not given.", min_length=1
    )
    ignore: int | None = param(
        None,
        "The label value of voxels that nobody labelled: left out of patches, thresholds, scores.",
        ge=1,
    )

    @model_validator(mode="after")
    def _apart(self) -> FolderParams:
        if self.ignore is not None and self.ignore in (self.classes or ()):
            raise ValueError(f"ignore = {self.ignore} is among the classes; take it out of one")
        return self


class FolderSource(DataSource):
    """A data source of files: NIfTI, unless a layout overrides :meth:`read`."""

    Params = FolderParams
    valued = True

    @classmethod
    @abstractmethod
    def detect(cls, path: Path) -> bool:
        """Return whether a folder or file looks like this layout, from names only."""

    @abstractmethod
    def scan(self) -> Listing:
        """Find the subjects' files, without opening any volume.

        Raises:
            DataError: When the folder is missing.
        """

    def read(self, path: Path, *, integer: bool = False, unit: str = "mm") -> Image:
        """Read one file; see :func:`vbench.data.nifti.read_image`."""
        return read_image(path, integer=integer, unit=unit)

    @property
    def path(self) -> Path:
        """The folder or file that the parameters name."""
        place: Path = self.params.path
        try:
            return user_path(str(place), Path())
        except ValueError as error:
            raise DataError(f"path: {error}; correct the path") from error

    @property
    def classes(self) -> tuple[int, ...] | None:
        """The label values that are vessels, None: all above 0.

        Raises:
            DataError: When both the spec's labels and the parameters say which they are.
        """
        if self.label_map is not None:
            for name in ("classes", "ignore"):
                if getattr(self.params, name) is not None:
                    raise DataError(f"{name}: `labels` names the classes; take '{name}' out")
            return self.label_map.of_classes
        return None if self.params.classes is None else tuple(self.params.classes)

    @cached_property
    def listing(self) -> Listing:
        """What :meth:`scan` found, read once."""
        try:
            self.path.stat()
        except OSError as error:
            if self.path.is_symlink():
                raise missing(self.path) from error
            gone = isinstance(error, FileNotFoundError)
            why = "no such file or folder" if gone else error.strerror
            raise DataError(f"{self.path}: {why}; check `path` in the spec") from error
        found, ignore = self.scan(), self.params.ignore
        if self.label_map is not None and self.label_map.ignore:
            own = self.label_map.ignore
            several = (replace(s, ignore=(*s.ignore, *own)) for s in found.subjects)
            return replace(found, subjects=tuple(several))
        if ignore is None:
            return found
        return replace(found, subjects=tuple(replace(s, ignore=(ignore,)) for s in found.subjects))

    def subjects(self, wanted: int | None = None) -> list[str]:
        """Name the subjects in alphabetical order, however many are wanted.

        Raises:
            DataError: The first fault, when files are missing or do not pair up.
        """
        faults = [fault for fault in self.listing.faults if fault.serious]
        bare = self.unlabelled()
        if bare:
            raise DataError(bare)
        if faults:
            more = len(faults) - 1
            also = f" ({more} more: `vbench data check {shell_word(self.path)}`)" if more else ""
            raise DataError(f"{faults[0]}{also}")
        return [files.id for files in self.listing.subjects]

    def unlabelled(self) -> str | None:
        """Say that no image has a label, as of scans that are only to be predicted; None: some."""
        serious = [fault for fault in self.listing.faults if fault.serious]
        if self.listing.subjects or not serious:
            return None
        bare = [fault for fault in serious if "no label" in fault.message]
        folder = self.path
        if (folder / "imagesTs").is_dir() and not (folder / "imagesTr").is_dir():
            what = "images to be predicted (imagesTs), and none with a label (imagesTr, labelsTr)"
        elif len(bare) == len(serious):
            one = f"{bare[0].file.name}: {bare[0].message}; {bare[0].mend}"
            what = f"none of its images has a label ({len(bare)}, such as {one})"
        else:
            return None
        return one_line(
            f"{folder}: {what}; what is trained, chosen and tested needs labels: add them, or take "
            "the data set out of the spec and segment its scans with `vbench predict`"
        )

    def files(self, subject: str) -> SubjectFiles:
        """Return the files of one subject.

        Raises:
            DataError: When there is no such subject.
        """
        for files in self.listing.subjects:
            if files.id == subject:
                return files
        known = [files.id for files in self.listing.subjects]
        raise DataError(f"{self.path}: no subject '{subject}'{did_you_mean(subject, known)}")

    def fingerprint(self, subject: str) -> str:
        """Return a digest of the bytes of the subject's files, and of what selects the label."""
        files = self.files(subject)
        digest = hashlib.blake2b(digest_size=16)
        for path in (files.image, files.label, files.mask):
            digest.update(b"none" if path is None else content_digest(path).encode())
        for other in files.others:
            digest.update(content_digest(other).encode())
        digest.update(repr(files.classes).encode())
        if files.ignore:
            digest.update(f"ignore {files.ignore}".encode())
        return digest.hexdigest()

    def shape_of(self, subject: str) -> tuple[int, int, int] | None:
        """Return what the header of the image says, None when it cannot be read."""
        try:
            return ras_shape(self.files(subject).image)
        except DataError:
            return None  # loading it says why

    def spacing_of(self, subject: str) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm that the image says: of NIfTI, its header.

        Raises:
            DataError: When it cannot be read.
        """
        image = self.files(subject).image
        if image.name.endswith(SUFFIXES):
            return ras_grid(image)[1]
        return self.read(image).spacing

    def group_of(self, subject: str) -> str:
        """Name the person, as the layout does."""
        return self.files(subject).group or subject

    def described(self, subject: str) -> Mapping[str, str]:
        """Return the subject's row in the manifest, or in a ``participants.tsv`` of the folder.

        A row is the subject's, or its person's, whose name may have BIDS' ``sub-`` before it.
        """
        person = self.group_of(subject)
        names = (subject, person, f"sub-{subject}", f"sub-{person}")
        return next((self._table[name] for name in names if name in self._table), {})

    @cached_property
    def _table(self) -> Mapping[str, Mapping[str, str]]:
        from vbench.data.columns import about_subjects

        return about_subjects(self.path)

    def anatomy(self, subject: str) -> list[str]:
        """Return digests of the image's bytes and the label's voxels."""
        files = self.files(subject)
        return [content_digest(files.image), *label_digest(files.label)]

    def load(self, subject: str, *, vessel_free: bool = False) -> Subject:
        """Read one subject; its notes hold the digest of each file.

        Args:
            subject: Its name.
            vessel_free: Whether its label may be empty.
        """
        files = self.files(subject)
        read = read_subject(
            subject,
            files.image,
            files.label,
            files.mask,
            classes=files.classes,
            ignore=files.ignore,
            read=self.read,
            vessel_free=vessel_free or self.label_map is not None,
            others=files.others,
            valued=self.label_map is not None,
        )
        named = {
            IMAGE_DIGEST: files.image,
            "label blake2b": files.label,
            "mask blake2b": files.mask,
        }
        for name, other in zip(self.channel_names[1:], files.others, strict=False):
            named[f"{name} blake2b"] = other
        digests = {k: content_digest(v) for k, v in named.items() if v is not None}
        return replace(read, notes=digests)


def content_digest(path: Path) -> str:
    """Return the BLAKE2b digest of a file's bytes.

    Raises:
        DataError: When it cannot be read.
    """
    try:
        with regular(path).open("rb") as file:
            made: Any = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
    except OSError as error:
        raise unopened(path, error) from error
    digest: str = made.hexdigest()
    return digest


def label_digest(path: Path) -> list[str]:
    """Return the digest of where a label is not 0, in RAS order; none when it is empty.

    A file that cannot be read has none either: preparing it says what is wrong.
    """
    try:
        there = read_image(path, integer=True).array != 0
    except DataError:
        return []
    return where_digest(there)


def where_digest(there: Array) -> list[str]:
    """Return the digest of where a label in RAS order is not 0; none when it is nowhere."""
    import numpy as np

    if not there.any():
        return []
    digest = hashlib.blake2b(repr([n for n in there.shape if n > 1]).encode(), digest_size=16)
    digest.update(np.packbits(there, axis=None).tobytes())
    return [f"label {digest.hexdigest()}"]
