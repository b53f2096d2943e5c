"""Files that are whole or absent: written beside their place, flushed to disk, then renamed.

A run that is killed leaves no half-written artifact, and a reader never sees one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.usertext import harmless, read_text, regular

_HOUR = 3600.0
#: An escape in JSON of half of a surrogate pair; a pair has two.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: What makes a spreadsheet compute a cell; the wide forms count in East Asian versions.
_FORMULA = ("=", "+", "-", "@", "\t", "\n", "＝", "＋", "－", "＠")


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; on success it becomes ``path``.

    The temporary name keeps the suffixes, for writers that go by them (``.nii.gz``), and starts
    with ``.tmp-``. Folders on the way are made. When the block raises, nothing is left behind.

    Args:
        path: The file to write; replaced when it exists.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{secrets.token_hex(6)}-{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def user_cache() -> Path | None:
    """Return vbench's folder among the user's caches; it may have to be made.

    ``$XDG_CACHE_HOME/vbench``, else ``~/.cache/vbench``. None for a user without a home, as a
    container's may be: nothing is remembered then.
    """
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(given) if given else Path.home() / ".cache") / "vbench"
    except RuntimeError:
        return None


def sweep_temporary(folder: str | Path) -> None:
    """Remove what killed processes left of :func:`atomic_write` in a folder an hour ago or more."""
    for path in Path(folder).glob(".tmp-*"):
        with suppress(OSError):
            if path.stat().st_mtime < time.time() - _HOUR:
                path.unlink()


def write_json(path: str | Path, value: Any) -> None:
    """Write a value as indented UTF-8 JSON; a NaN or an infinity is an error.

    Raises:
        ValueError: When a number has no JSON form.
        TypeError: When a value has none; numpy scalars, arrays and paths have one.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    with atomic_write(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def as_json(value: Any) -> Any:
    """Return a value as :func:`write_json` followed by :func:`read_json` would.

    Raises:
        ValueError: When a number has no JSON form.
        TypeError: When a value has none.
    """
    return json.loads(json.dumps(value, allow_nan=False, default=_plain))


def read_json(path: str | Path, *, unique: bool = False) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        unique: Whether a key that occurs twice in one object is an error; else the last counts.

    Raises:
        OSError: When it cannot be read.
        ValueError: When it is not JSON.
    """
    return parse_json(read_text(path), unique=unique)


def parse_json(text: str, *, unique: bool = False) -> Any:
    """Return the value of a JSON text; see :func:`read_json`.

    Raises:
        ValueError: When it is not JSON, or holds half of a surrogate pair, which can be read as an
            escape, but written nowhere.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique if unique else None)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeEncodeError as error:
        half = error.object[error.start].encode("unicode_escape").decode()
        raise ValueError(f"{half} is half of a surrogate pair") from error
    return value


def write_npy(path: str | Path, array: npt.NDArray[Any]) -> None:
    """Write one array as ``.npy``, never pickled."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def read_npy(path: str | Path) -> npt.NDArray[Any]:
    """Open an array, mapped from its file: whatever its header claims takes no memory.

    Raises:
        OSError: When the file cannot be opened.
        ValueError: When it is not one array of numbers or texts; nothing is unpickled.
    """
    try:
        array = np.load(regular(path), mmap_mode="r", allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # numpy raises whatever its parser of headers does
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise ValueError("an archive of several arrays")
    return array


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with regular(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV text; no cell is a formula to the program that opens it.

    Text that a spreadsheet would compute (it begins with ``=``, ``+``, ``-``, ``@``) and that is no
    number gets an apostrophe in front. None is an empty cell.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def write_csv(path: str | Path, rows: Iterable[Iterable[Any]]) -> None:
    """Write rows as :func:`csv_text` gives them."""
    with atomic_write(path) as temporary:
        temporary.write_text(csv_text(rows), encoding="utf-8")


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    value = harmless(value)  # a carriage return would begin a line of its own
    if not value.startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key '{max(keys, key=keys.count)}' occurs twice")
    return found


def _plain(value: Any) -> Any:
    """Return the JSON form of a numpy value or a path."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
