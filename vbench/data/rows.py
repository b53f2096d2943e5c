"""The rows of a table that a person wrote: CSV or TSV, from Excel or a text editor."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vbench.errors import DataError
from vbench.usertext import read_text

#: A first line that only names the separator, as Excel reads and writes it.
_SEPARATOR = "sep="


def rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line and the cells of each row, without space around them.

    The first row is that of the names, in lower case. Comma, semicolon or tab separate the cells.
    The text is UTF-8, or UTF-16 as Excel's "Unicode text" is.

    Raises:
        DataError: When the file cannot be read, or is no table.
    """
    try:
        text = read_text(file)
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise DataError(f"{file}: {error}; save it as 'CSV UTF-8'") from error
    head = text.partition("\n")[0].strip()
    named = head.strip('"').lower().startswith(_SEPARATOR)
    separator = head.strip('"')[len(_SEPARATOR) :][:1] if named else ""
    if named and not separator:
        head = text.partition("\n")[2].partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator or max(",;\t", key=head.count)
    )
    try:
        if named:
            next(reader)
        yield 1, [name.strip().lower() for name in next(reader, [])]
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(
            f"{file}: line {reader.line_num}: {error}; correct the cell, and its quotes"
        ) from error
