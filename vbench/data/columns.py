"""What a manifest, or a ``participants.tsv`` of the folder, says of the subjects of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from vbench.data.rows import rows
from vbench.errors import DataError, did_you_mean
from vbench.interfaces import DataSource
from vbench.usertext import one_line

#: Tables that a folder may have; the later one counts where both name a column.
TABLES = ("participants.tsv", "manifest.csv")
#: The column that names the subject, in lower case.
_SUBJECT = ("subject", "participant_id")
#: What is written where nothing is known; BIDS asks for the first.
_UNKNOWN = frozenset({"n/a", ""})
#: Groups of a column, at most: more are values of single subjects, such as ages.
MOST = 12
#: The same where each is of one subject, which files, dates and names are.
FEW = 4


def about_subjects(path: Path) -> dict[str, dict[str, str]]:
    """Return what is known of each subject, by column in lower case.

    Args:
        path: A manifest, or a folder that may hold a ``participants.tsv`` or a manifest.

    Raises:
        DataError: When a table cannot be read, or names no subjects.
    """
    tables = [path] if path.is_file() else [path / name for name in TABLES]
    found: dict[str, dict[str, str]] = {}
    for file in tables:
        if path.is_file() or file.is_file():
            for subject, row in _rows(file).items():
                found.setdefault(subject, {}).update(row)
    return found


def subgroups(
    source: DataSource, columns: Iterable[str], subjects: Iterable[str]
) -> dict[str, dict[str, str]]:
    """Return the group of each subject in each column; subjects without a value are left out.

    Args:
        source: The data set.
        columns: Names of columns; capitals do not count.
        subjects: Those that are tested.

    Raises:
        DataError: When there is no such column, or it names no groups.
    """
    known = {subject: _by_lower(source.described(subject)) for subject in subjects}
    found: dict[str, dict[str, str]] = {}
    for column in columns:
        name = column.lower()
        values = {subject: row[name] for subject, row in known.items() if name in row}
        if not values:
            raise DataError(_lacking(source, column, known))
        several = sorted(set(values.values()))
        if len(several) > (MOST if len(several) < len(values) else FEW):
            raise DataError(
                f"'{column}' has {len(several)} values for {len(values)} test subjects, such as "
                f"{', '.join(several[:3])}; a subgroup is of several subjects: name a column of "
                f"at most {MOST} groups, such as bands of ages"
            )
        found[column] = values
    return found


def _by_lower(row: Mapping[str, str]) -> dict[str, str]:
    known = ((name.strip().lower(), one_line(str(value).strip())) for name, value in row.items())
    return {name: value for name, value in known if value.lower() not in _UNKNOWN}


def _lacking(source: DataSource, column: str, known: Mapping[str, Mapping[str, str]]) -> str:
    there = sorted({name for row in known.values() for name in row})
    if there:
        return (
            f"no test subject has a value in the column '{column}'; columns with values: "
            f"{', '.join(there)}{did_you_mean(column, there)}"
        )
    return (
        f"no column '{column}': the source '{source.name}' tells nothing of its test subjects; put "
        "a participants.tsv into its folder, with the columns participant_id (or subject) and "
        f"{column}, or add the column to the manifest"
    )


def _rows(file: Path) -> dict[str, dict[str, str]]:
    """Read a table: subject to the cells of its other columns.

    Raises:
        DataError: When it is none, or has a subject twice.
    """
    table = rows(file)
    _, columns = next(table)
    key = next((name for name in _SUBJECT if name in columns), None)
    if key is None:
        raise DataError(
            f"{file}: no column participant_id or subject in the first line; add one that names "
            "the subjects"
        )
    found: dict[str, dict[str, str]] = {}
    for line, cells in table:
        row = dict(zip(columns, cells, strict=False))
        subject = row.pop(key, "")
        if subject and subject in found:
            raise DataError(
                f"{file}: line {line}: a second row of '{subject}'; keep one row a subject"
            )
        if subject:
            found[subject] = row
    return found
