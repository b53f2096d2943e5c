"""Seals: a record holds the SHA-256 of each file of its job, and one of itself.

So a byte that a disk, a copy or a hand changed is noticed when it is read, and its job is done
again; without a seal, another digit in a record would be another result. Records that were written
before there were seals have none, and are taken as they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from vbench.errors import DamagedError
from vbench.files import as_json, sha256

#: Names in ``record.json``: digests by file, and the digest of all that the record says.
SEAL = FILES, DIGEST = "files", "sha256"

#: Files that were found as their record says, with size and time of change; a warm worker reads the
#: same volumes job after job.
_seen: dict[str, tuple[int, int, int]] = {}


def sealed(record: Mapping[str, Any], sums: Mapping[str, str]) -> dict[str, Any]:
    """Return what is to be written: a record, and the digests of the files that belong to it.

    Args:
        record: What the record says.
        sums: SHA-256 of the files, by their names in the record's folder.
    """
    value = as_json({**record, FILES: sums})
    return {**value, DIGEST: _digest(value)}


def check_record(value: Any, path: Path) -> None:
    """See that a record is as it was written.

    Args:
        value: What ``record.json`` holds.
        path: Its place, for the message.

    Raises:
        DamagedError: When it is not.
    """
    if not isinstance(value, dict):
        raise damaged(path, "not a record", path.parent.name)
    said, sums = value.get(DIGEST), value.get(FILES)
    if said is None and FILES not in value:
        return  # written before there were seals
    if not isinstance(sums, dict) or not all(map(_inside, sums)):
        raise damaged(path, "what it says of its files cannot be", path.parent.name)
    if said != _digest({name: each for name, each in value.items() if name != DIGEST}):
        raise damaged(path, "its SHA-256 is not the one that it names", path.parent.name)


def check_files(value: Mapping[str, Any], folder: Path, names: Iterable[str] = ()) -> None:
    """See that files of a job are as they were written.

    Args:
        value: What ``record.json`` holds.
        folder: The job's folder.
        names: Files; none: all.

    Raises:
        DamagedError: When one is not, or is missing.
        OSError: When one cannot be read.
    """
    sums = value.get(FILES)
    if sums is None:
        return
    for name in names or sums:
        path = folder / name
        try:
            about = path.stat()
            now = (about.st_size, about.st_mtime_ns, about.st_ctime_ns)
            if _seen.get(str(path)) == now:
                continue
            found = sha256(path)
        except FileNotFoundError:
            raise damaged(path, "missing", folder.name) from None
        if found != sums.get(name):
            why = f"its SHA-256 is not the one in {folder.name}/record.json"
            raise damaged(path, why, folder.name)
        _seen[str(path)] = now


def damaged(path: Path, why: str, key: str) -> DamagedError:
    """Return the error that a file is not as its job, of this key, wrote it."""
    return DamagedError(
        f"{path}: damaged ({why}); vbench run SPEC --force {key} does that job again, and what "
        "depends on it"
    )


def _inside(name: str) -> bool:
    """Whether a name leads to a file below the record's folder: records may come from others."""
    parts = PurePosixPath(name).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts


def _digest(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
