"""Volumes named in any way: patterns say which files are images, labels and masks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import model_validator

from vbench.data.folder import Fault, FolderParams, FolderSource, Listing
from vbench.data.patterns import Names, Pattern
from vbench.errors import did_you_mean
from vbench.interfaces import param


class VolumesParams(FolderParams):
    """Parameters of volumes by pattern."""

    image: str = param(
        ..., "Names of the images below `path`, such as 'raw/{subject}.nii.gz'; '*' is anything."
    )
    label: str = param(..., "Names of the labels, such as 'seg/{subject}_y.nii.gz'.")
    mask: str | None = param(None, "Names of the brain masks; None: there are none.")
    exclude: list[str] = param([], "Subjects to leave out.")

    @model_validator(mode="after")
    def _patterns(self) -> VolumesParams:
        self.names.check()
        return self

    @property
    def names(self) -> Names:
        """The patterns, read.

        Raises:
            ValueError: When one is no pattern.
        """
        given = {"image": self.image, "label": self.label, "mask": self.mask}
        read: dict[str, Pattern | None] = {}
        for kind, text in given.items():
            try:
                read[kind] = None if text is None else Pattern(text)
            except ValueError as error:
                raise ValueError(f"{kind} = '{text}' {error}") from error
        assert read["image"] is not None
        assert read["label"] is not None
        return Names(read["image"], read["label"], read["mask"])


class Volumes(FolderSource):
    """The images of a folder that have a label, found by their names.

    ``{subject}`` in ``image``, ``label`` and ``mask`` stands for what the names of the files of
    one subject have in common, and ``*`` for anything within a name. Other words in braces do, too:
    ``{part}/img/{eye}.nii.gz`` names a subject ``train-01``. Images without a label are passed
    over.
    """

    name = "volumes"
    Params = VolumesParams

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return False: only patterns say how the files are named."""
        return False

    def scan(self) -> Listing:
        """Find the files that the patterns name."""
        found = self.params.names.pair(self.path)
        known = [files.id for files in found.subjects]
        faults = list(found.faults)
        for name in self.params.exclude:
            if name not in known:
                message = f"exclude names '{name}', and there is no such subject"
                mend = f"take it out{did_you_mean(name, known)}"
                faults.append(Fault(self.path, message, mend))
        kept = (files for files in found.subjects if files.id not in self.params.exclude)
        subjects = tuple(replace(files, classes=self.classes) for files in kept)
        return Listing(subjects, tuple(faults))
