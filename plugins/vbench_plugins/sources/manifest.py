"""A CSV file that names the files of each subject: ``subject,image,label`` and perhaps ``mask``."""

from __future__ import annotations

import csv
from pathlib import Path

from vbench.data.folder import Fault, FolderSource, Listing, SubjectFiles
from vbench.errors import DataError

NEEDED = ("subject", "image", "label")


class Manifest(FolderSource):
    """Files anywhere, one row of a CSV file each subject.

    ``path`` is the CSV file, or a folder with a ``manifest.csv``. A path in it is absolute, or
    relative to the CSV file's folder. Comma, semicolon or tab separate the columns. A column
    ``group`` names the person, where several rows are of one, such as two eyes.
    """

    name = "manifest"

    @classmethod
    def detect(cls, path: Path) -> bool:
        """Return whether it is a CSV file, or a folder with a ``manifest.csv``."""
        return path.suffix == ".csv" or (path / "manifest.csv").exists()

    def scan(self) -> Listing:
        """Read the rows; files that are not there are faults."""
        file = self.path / "manifest.csv" if self.path.is_dir() else self.path
        faults: list[Fault] = []
        subjects = []
        for line, row in self._rows(file):
            empty = [name for name in NEEDED if not row.get(name)]
            if empty:
                message = f"line {line}: no {' and no '.join(empty)}"
                faults.append(Fault(file, message, "fill in the cell, or remove the line"))
                continue
            image, label = (_path(file, row[name]) for name in ("image", "label"))
            mask = _path(file, row["mask"]) if row.get("mask") else None
            group = row.get("group") or None
            files = SubjectFiles(row["subject"], image, label, mask, self.classes, group=group)
            faults.extend(
                Fault(path, f"no such file (line {line} of {file.name})", "correct the path")
                for path in files.paths()
                if not path.is_file()
            )
            subjects.append(files)
        return Listing.of(file, subjects, faults)

    def _rows(self, file: Path) -> list[tuple[int, dict[str, str]]]:
        """Return line number and cells, by column name in lower case.

        Raises:
            DataError: When the file cannot be read as a table, or lacks a column.
        """
        try:
            text = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DataError(f"{file}: {error.strerror}; check `path` in the spec") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{file}: not UTF-8 text; save it as CSV in UTF-8") from error
        head = text.partition("\n")[0]
        reader = csv.reader(text.splitlines(), delimiter=max(",;\t", key=head.count))
        columns = [name.strip().lower() for name in next(reader, [])]
        lacking = [name for name in NEEDED if name not in columns]
        if lacking:
            raise DataError(
                f"{file}: no column {', '.join(lacking)} in the first line, expected "
                "'subject,image,label' and perhaps 'mask'; add a line of names"
            )
        return [
            (reader.line_num, dict(zip(columns, (cell.strip() for cell in cells), strict=False)))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]


def _path(manifest: Path, cell: str) -> Path:
    return manifest.parent / Path(cell).expanduser()
