"""Pairs of 2D pictures (PNG, TIFF, JPEG …): retina, OCTA, angiograms, microscopy."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from vbench.data.folder import (
    Fault,
    FolderParams,
    Listing,
    content_digest,
    where_digest,
)
from vbench.data.nifti import Image
from vbench.data.patterns import Names
from vbench.data.pictures import SUFFIXES, Channel, picture_shape, read_picture
from vbench.errors import DataError
from vbench.interfaces import Count, param
from vbench.usertext import read_text
from vbench_plugins.sources.manifest import Manifest

_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ImagesParams(FolderParams):
    """Parameters of the pictures."""

    pixel_size: _Edge | tuple[_Edge, _Edge] | None = param(
        None, "Edge of a pixel, or its width and height; None: distances count pixels.", unit="mm"
    )
    channel: Channel = param("grey", "The channel that is read of pictures in colour.")
    invert: bool = param(False, "Make dark vessels bright: the rules without training expect that.")
    image: str = param(
        "images/{subject}", "Names of the images below `path`, such as 'raw/{subject}.tif'."
    )
    label: str = param(
        "labels/{subject}", "Names of the labels, such as 'manual/{subject}_manual1.gif'."
    )
    mask: str | None = param(
        None, "Names of the masks of the field of view; None: masks/{subject}, where there are any."
    )
    unpaired: Literal["refuse", "skip"] = param(
        "refuse", "What to do with images without a label, and labels without an image."
    )

    @model_validator(mode="after")
    def _patterns(self) -> ImagesParams:
        _ = self.names
        return self

    @property
    def names(self) -> Names:
        """The patterns, read; one without an ending stands for any picture's.

        Raises:
            ValueError: When one is no pattern.
        """
        # Not by which fields are set: parameters that come out of a record have all of them.
        usual = self.image == type(self).model_fields["image"].default
        mask = self.mask or ("masks/{subject}" if usual else None)
        return Names.read(self.image, self.label, mask, SUFFIXES)


class Images(Manifest):
    """Pictures of one slice with their labels: PNG, TIFF, JPEG, BMP, GIF or PNM.

    ``path`` is a folder with ``images/`` and ``labels/`` (and perhaps ``masks/``), whose files have
    the same names but for the ending, or are named as ``image`` and ``label`` say; or a CSV file
    with the columns ``subject,image,label``. Pictures may be of different sizes. All of a label
    that is not black is vessel, unless ``classes`` names its values. A pixel's size is given, not
    read: what files say of it is rarely right.
    """

    name = "images"
    Params = ImagesParams
    channels: ClassVar[Count] = 1

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
        found = self.params.names.pair(
            self.path,
            skip=self.params.unpaired == "skip",
            masked=self.params.mask is not None,
        )
        subjects = (replace(files, classes=self.classes) for files in found.subjects)
        return self._noted(replace(found, subjects=tuple(subjects)))

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

    @property
    def _pixel(self) -> tuple[float, float] | None:
        size = self.params.pixel_size
        return size if size is None or isinstance(size, tuple) else (size, size)

    def read(self, path: Path, *, integer: bool = False, unit: str = "mm") -> Image:
        """Read a picture; see :func:`vbench.data.pictures.read_picture`."""
        given = (self.params.classes, self.params.ignore, self.label_map)
        values = any(each is not None for each in given)
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
        files = self.files(subject)
        try:
            there = read_picture(files.label, self._pixel, integer=True).array != 0
        except DataError:
            return [content_digest(files.image)]  # preparing it says what is wrong
        return [content_digest(files.image), *where_digest(there)]


def _is_picture(path: Path) -> bool:
    """Whether a file's name is that of a picture."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")
