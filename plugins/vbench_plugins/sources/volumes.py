"""Volumes in any format, named in any way: patterns say which are images, labels and masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from vbench.data import itk, stacks
from vbench.data.folder import (
    Fault,
    FolderParams,
    FolderSource,
    Listing,
    content_digest,
    where_digest,
)
from vbench.data.header import SUFFIXES as NIFTI
from vbench.data.nifti import Image, read_image
from vbench.data.patterns import Names, Pattern
from vbench.errors import DataError, did_you_mean
from vbench.interfaces import Count, param
from vbench_plugins.sources import tubes

_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Edges = tuple[_Edge, _Edge, _Edge]


class VolumesParams(FolderParams):
    """Parameters of volumes by pattern."""

    image: str | list[str] = param(
        ...,
        "Names of the images below `path`, such as 'raw/{subject}.nii.gz'; '*' is anything. Of "
        "several channels a list, in the order of `channels`.",
        min_length=1,
    )
    label: str = param(..., "Names of the labels, such as 'seg/{subject}_y.nii.gz'.")
    mask: str | None = param(None, "Names of the brain masks; None: there are none.")
    unpaired: Literal["refuse", "skip"] = param(
        "refuse", "What to do with images without a label, and labels without an image."
    )
    exclude: list[str] = param([], "Subjects to leave out.")
    spacing: _Edges | dict[str, _Edges] | None = param(
        None,
        "Edges of a voxel of TIFF stacks, which do not tell them; or a table of them by subject, "
        "with '*' for all others. None: distances count voxels.",
        unit="mm",
    )

    @model_validator(mode="after")
    def _patterns(self) -> VolumesParams:
        _ = self.names
        return self

    @property
    def names(self) -> Names:
        """The patterns, read.

        Raises:
            ValueError: When one is no pattern.
        """
        first, *others = self.images
        names = Names.read(first, self.label, self.mask)
        for other in others:
            Names.read(other, self.label, self.mask)
        if len(set(self.images)) < len(self.images):
            raise ValueError("image names one pattern twice; give each channel its own")
        return names

    @property
    def images(self) -> tuple[str, ...]:
        """The pattern of each channel."""
        return (self.image,) if isinstance(self.image, str) else tuple(self.image)


class Volumes(FolderSource):
    """Images and their labels, found by their names.

    ``{subject}`` in ``image``, ``label`` and ``mask`` stands for what the names of the files of
    one subject have in common, and ``*`` for anything within a name. Other words in braces do, too:
    ``{part}/img/{eye}.nii.gz`` names a subject ``train-01``. Several channels have a pattern each:
    ``image = ["{subject}_tof.nii.gz", "{subject}_t1.nii.gz"]``.

    NIfTI files are read, stacks of grey pages in TIFF, MetaImage and NRRD (with the extra ``itk``),
    and as labels the ``.tre`` files of TubeTK, whose tubes are drawn.
    """

    name = "volumes"
    channels: ClassVar[Count] = "any"
    Params = VolumesParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return False: only patterns say how the files are named."""
        return False

    def scan(self) -> Listing:
        """Find the files that the patterns name."""
        patterns, wanted = self.params.images, self.channel_names
        if len(patterns) != len(wanted):
            raise DataError(
                f"image: {len(patterns)} patterns for {len(wanted)} of `channels` "
                f"({', '.join(wanted)}); give each channel its own, in this order"
            )
        found = self.params.names.pair(self.path, skip=self.params.unpaired == "skip")
        known = [files.id for files in found.subjects]
        faults = list(found.faults)
        for name in self.params.exclude:
            if name not in known:
                message = f"exclude names '{name}', and there is no such subject"
                mend = f"take it out{did_you_mean(name, known)}"
                faults.append(Fault(self.path, message, mend))
        kept = (files for files in found.subjects if files.id not in self.params.exclude)
        others = [self._channel(text) for text in patterns[1:]]
        subjects = tuple(
            replace(
                files,
                classes=self.classes,
                others=tuple(by[files.id] for by in others if files.id in by),
            )
            for files in kept
        )
        for files in subjects:
            for text, name, by in zip(patterns[1:], wanted[1:], others, strict=True):
                if files.id not in by:
                    message = f"has no {text} beside it, the channel {name}"
                    mend = "add it, correct `image`, or leave the subject out with `exclude`"
                    faults.append(Fault(files.image, message, mend))
        if self.params.spacing is None and any(_is(stacks, files.image) for files in subjects):
            message = "no spacing is given: distances count voxels"
            faults.append(Fault(self.path, message, "set spacing, in mm", serious=False))
        return Listing(subjects, tuple(faults))

    def read(self, path: Path, *, integer: bool = False, unit: str = "mm") -> Image:
        """Read one file in the format that its name tells."""
        if _is(tubes, path):
            files = next(files for files in self.listing.subjects if files.label == path)
            return tubes.read_tubes(path, self.read(files.image))
        if _is(stacks, path):
            return stacks.read_stack(path, self._spacing(path), integer=integer)
        if _is(itk, path):
            return itk.read_itk(path, integer=integer)
        return read_image(path, integer=integer, unit=unit)

    def shape_of(self, subject: str) -> tuple[int, int, int] | None:
        """Return what the header of the image says, None when that takes reading it."""
        image = self.files(subject).image
        if not _is(stacks, image):
            return super().shape_of(subject)
        try:
            return stacks.stack_shape(image)
        except DataError:
            return None  # loading it says why

    def anatomy(self, subject: str) -> list[str]:
        """Return digests of the image's bytes and of where the label is not 0."""
        files = self.files(subject)
        if files.label.name.endswith(NIFTI):
            return super().anatomy(subject)
        try:
            there = self.read(files.label, integer=True).array != 0
        except DataError:
            return [content_digest(files.image)]  # preparing it says what is wrong
        return [content_digest(files.image), *where_digest(there)]

    def _channel(self, text: str) -> dict[str, Path]:
        """Return the files of a further channel by subject."""
        fields = self.params.names.image.fields
        found = Pattern(text).find(self.path)
        return {"-".join(values[field] for field in fields): file for file, values in found}

    def _spacing(self, path: Path) -> tuple[float, float, float] | None:
        """Return the edges of a voxel of a stack; None: not known."""
        given = self.params.spacing
        if isinstance(given, dict):
            name = next(files.id for files in self.listing.subjects if path in files.paths())
            given = given.get(name, given.get("*"))
            if given is None:
                raise DataError(
                    f"{path}: spacing has no entry for '{name}'; add one, or '*' for all others"
                )
        return given


def _is(reader: ModuleType, path: Path) -> bool:
    """Whether a module reads files of this ending."""
    return path.name.lower().endswith(reader.SUFFIXES)
