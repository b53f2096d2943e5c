"""Pairs of 2D pictures (PNG, TIFF, JPEG …): retina, OCTA, angiograms, microscopy."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from vbench.data.folder import Fault, FolderParams, Listing, SubjectFiles, content_digest
from vbench.data.nifti import Image
from vbench.data.pictures import SUFFIXES, Channel, picture_shape, read_picture
from vbench.errors import DataError
from vbench.interfaces import param
from vbench.usertext import read_text, user_path
from vbench_plugins.sources.manifest import Manifest

_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ImagesParams(FolderParams):
    """Parameters of the pictures."""

    pixel_size: _Edge | tuple[_Edge, _Edge] | None = param(
        None, "Edge of a pixel, or its width and height; None: distances count pixels.", unit="mm"
    )
    channel: Channel = param("grey", "The channel that is read of pictures in colour.")
    invert: bool = param(False, "Make dark vessels bright: the rules without training expect that.")
    images: str = param("images/*", "Names of the images below `path`; '*' names the subject.")
    labels: str = param("labels/*", "Names of the labels, such as 'manual/*_manual1.gif'.")
    masks: str = param("masks/*", "Names of the masks of the field of view, where there are any.")

    @field_validator("images", "labels", "masks")
    @classmethod
    def _names_the_subject(cls, pattern: str) -> str:
        if pattern.rpartition("/")[2].count("*") != 1 or pattern.count("*") != 1:
            raise ValueError("expected one '*' in the file's name, as in 'manual/*_manual1.gif'")
        return pattern

    @model_validator(mode="after")
    def _three_kinds(self) -> ImagesParams:
        if len({self.images, self.labels, self.masks}) < 3:
            raise ValueError("images, labels and masks are named alike; they are different files")
        return self


class Images(Manifest):
    """Pictures of one slice with their labels: PNG, TIFF, JPEG, BMP, GIF or PNM.

    ``path`` is a folder with ``images/`` and ``labels/`` (and perhaps ``masks/``), whose files have
    the same names but for the ending, or are named as ``images`` and ``labels`` say; or a CSV file
    with the columns ``subject,image,label``. Pictures may be of different sizes. All of a label
    that is not black is vessel, unless ``classes`` names its values. A pixel's size is given, not
    read: what files say of it is rarely right.
    """

    name = "images"
    Params = ImagesParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether there are ``images`` and ``labels``, or a table that names pictures."""
        table = path / "manifest.csv" if path.is_dir() else path
        if table.suffix.lower() in {".csv", ".tsv"} and table.is_file():
            try:
                return any(ending in read_text(table).lower() for ending in SUFFIXES)
            except (OSError, ValueError):
                return False
        folders = (path / "images", path / "labels")
        return all(f.is_dir() for f in folders) and any(map(_is_picture, folders[0].iterdir()))

    def scan(self) -> Listing:
        """Pair images with labels by their names, or by the rows of a table."""
        if not self.path.is_dir() or (self.path / "manifest.csv").exists():
            return self._noted(super().scan())
        faults: list[Fault] = []
        images = self._matching("images", faults)
        labels = self._matching("labels", faults)
        masks = self._matching("masks", faults)
        subjects = []
        for name in sorted(images | labels):
            if name in images and name in labels:
                mask = masks.get(name)
                subjects.append(SubjectFiles(name, images[name], labels[name], mask, self.classes))
                continue
            lacking, there = ("label", images) if name in images else ("image", labels)
            wanted = getattr(self.params, f"{lacking}s").replace("*", name)
            faults.append(
                Fault(
                    there[name],
                    f"no {lacking} {wanted}",
                    f"add it, remove this one, or say with {lacking}s = '…' how it is named",
                )
            )
        return self._noted(Listing.of(self.path, subjects, faults))

    def _noted(self, found: Listing) -> Listing:
        """Add the remark that no size of a pixel is known."""
        if self.params.pixel_size is not None:
            return found
        remark = Fault(
            self.path,
            "no pixel_size is given: distances count pixels",
            "set pixel_size, in mm",
            serious=False,
        )
        return Listing(found.subjects, (*found.faults, remark))

    def _matching(self, kind: str, faults: list[Fault]) -> dict[str, Path]:
        """Return the pictures that a pattern names, by subject."""
        pattern: str = getattr(self.params, kind)
        place, _, name = pattern.rpartition("/")
        folder = Path(os.path.normpath(user_path(place, self.path)))
        if not folder.is_relative_to(os.path.normpath(self.path)):
            raise DataError(f"{kind} = '{pattern}' leads out of {self.path}; set `path` above it")
        whole = name.lower().endswith(SUFFIXES)
        before, after = map(re.escape, name.split("*"))
        form = re.compile(f"{before}(.+){after}", re.IGNORECASE)
        found: dict[str, Path] = {}
        for file in sorted(folder.iterdir()) if folder.is_dir() else ():
            fits = form.fullmatch(file.name if whole else file.stem) if _is_picture(file) else None
            if fits is None:
                continue
            other = found.setdefault(fits[1], file)
            if other != file:
                faults.append(Fault(file, f"two files: there is {other.name}", "remove one"))
        if not found and (kind != "masks" or kind in self.params.model_fields_set):
            faults.append(
                Fault(folder, f"no picture that {kind} = '{pattern}' names", f"correct {kind}")
            )
        return found

    @property
    def _pixel(self) -> tuple[float, float]:
        size = 1.0 if self.params.pixel_size is None else self.params.pixel_size
        return size if isinstance(size, tuple) else (size, size)

    def read(self, path: Path, *, integer: bool = False, unit: str = "mm") -> Image:
        """Read a picture; see :func:`vbench.data.pictures.read_picture`."""
        values = self.params.classes is not None or self.params.ignore is not None
        channel = self.params.channel
        found = read_picture(path, self._pixel, channel=channel, integer=integer, values=values)
        if self.params.invert and not integer:
            found.array[...] = found.array.max() + found.array.min() - found.array
        return found

    def fingerprint(self, subject: str) -> str:
        """Return a digest of the files, and of how they are read."""
        how = (self._pixel, self.params.channel, self.params.invert)
        digest = hashlib.blake2b(super().fingerprint(subject).encode(), digest_size=16)
        digest.update(repr(how).encode())
        return digest.hexdigest()

    def shape_of(self, subject: str) -> tuple[int, int, int] | None:
        """Return the picture's size, None when it cannot be opened."""
        try:
            return picture_shape(self.files(subject).image)
        except DataError:
            return None  # loading it says why

    def anatomy(self, subject: str) -> list[str]:
        """Return digests of the image's bytes and of where the label is not black."""
        import numpy as np

        files = self.files(subject)
        found = [content_digest(files.image)]
        try:
            there: Any = read_picture(files.label, self._pixel, integer=True).array != 0
        except DataError:
            return found  # preparing it says what is wrong
        if there.any():
            digest = hashlib.blake2b(repr(there.shape).encode(), digest_size=16)
            digest.update(np.packbits(there).tobytes())
            found.append(f"label {digest.hexdigest()}")
        return found


def _is_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
