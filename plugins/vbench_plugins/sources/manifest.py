"""A CSV file that names the files of each subject: ``subject,image,label`` and perhaps ``mask``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from vbench.data.folder import Fault, FolderSource, Listing, SubjectFiles
from vbench.data.rows import rows
from vbench.errors import DataError
from vbench.interfaces import Count
from vbench.types import CHANNELS
from vbench.usertext import user_path

#: Columns that hold no image.
_OTHERS = {"subject", "label", "mask", "group"}


class Manifest(FolderSource):
    """Files anywhere, one row of a CSV file each subject.

    ``path`` is the CSV file, or a folder with a ``manifest.csv``. A path in it is absolute, or
    relative to the CSV file's folder. Comma, semicolon or tab separate the columns. The text is
    UTF-8, or UTF-16 as Excel's "Unicode text" is. A column ``group`` names the person, where
    several rows are of one, such as two eyes. Where a spec names channels, each has a column of its
    name, such as ``TOF`` and ``T1``, instead of ``image``.
    """

    name = "manifest"
    channels: ClassVar[Count] = "any"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether it is a CSV or TSV file, or a folder with a ``manifest.csv``."""
        return path.suffix.lower() in {".csv", ".tsv"} or (path / "manifest.csv").exists()

    def scan(self) -> Listing:
        """Read the rows; files that are not there are faults."""
        file = self.path / "manifest.csv" if self.path.is_dir() else self.path
        faults: list[Fault] = []
        subjects = []
        for line, row in self._rows(file, faults):
            empty = [name for name in self._needed if not row.get(name)]
            if empty:
                message = f"line {line}: no {' and no '.join(empty)}"
                faults.append(Fault(file, message, "fill in the cell, or remove the line"))
                continue
            try:
                names = (*self._images, "label", "mask")
                found = {name: user_path(row[name], file.parent) for name in names if row.get(name)}
            except ValueError as error:
                faults.append(Fault(file, f"line {line}: {error}", "correct the cell"))
                continue
            files = SubjectFiles(
                row["subject"],
                found[self._images[0]],
                found["label"],
                found.get("mask"),
                self.classes,
                group=row.get("group") or None,
                others=tuple(found[name] for name in self._images[1:]),
            )
            where = f"(line {line} of {file.name})"
            for path in files.paths():
                if path.is_dir():
                    faults.append(Fault(path, f"a folder {where}", "name the file in it"))
                elif not os.path.lexists(path):
                    faults.append(Fault(path, f"no such file {where}", "correct the path"))
            subjects.append(files)
        return Listing.of(file, subjects, faults)

    @property
    def _images(self) -> tuple[str, ...]:
        """The columns of the image's channels."""
        if self.channel_names == CHANNELS:
            return ("image",)
        names = tuple(name.lower() for name in self.channel_names)
        for name in sorted(_OTHERS.intersection(names)):
            raise DataError(f"channels: the column '{name}' is no image; name those of images")
        return names

    @property
    def _needed(self) -> tuple[str, ...]:
        return ("subject", *self._images, "label")

    def _rows(self, file: Path, faults: list[Fault]) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield line number and cells, by column name in lower case.

        Raises:
            DataError: When the file cannot be read as a table, or lacks a column.
        """
        table = rows(file)
        _, columns = next(table)
        _check_columns(file, columns, self._needed)
        for line, values in table:
            if any(values[len(columns) :]):
                message = f"line {line}: {len(values)} cells, {len(columns)} columns"
                faults.append(Fault(file, message, "put a cell that has a separator in quotes"))
            elif any(values):
                yield line, dict(zip(columns, values, strict=False))


def _check_columns(file: Path, columns: list[str], needed: tuple[str, ...]) -> None:
    """Raise DataError when a column is missing or occurs twice."""
    lacking = [name for name in needed if name not in columns]
    if lacking:
        raise DataError(
            f"{file}: no column {', '.join(lacking)} in the first line, expected "
            f"'{','.join(needed)}' and perhaps 'mask'; add a line of names"
        )
    twice = [name for name in (*needed, "mask") if columns.count(name) > 1]
    if twice:
        raise DataError(f"{file}: two columns are called {twice[0]}; rename or remove one")
