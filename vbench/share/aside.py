"""Folders that are whole or absent: built beside their place, then renamed into it.

A block that raises leaves nothing behind, not even the folders on the way. What a killed process
left is removed by the next one that builds the same folder. So are folders that hold patients' data
for as long as a process needs them.
"""

from __future__ import annotations

import glob
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vbench.errors import StoreError


def check_free(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises:
        StoreError: When it exists and is no empty folder.
    """
    if folder.is_file():
        raise StoreError(f"{folder}: is a file, expected a folder; name another folder")
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"{folder}: exists and is not empty; name another folder")


@contextmanager
def built_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside ``folder``; on success it becomes ``folder``.

    Args:
        folder: Must not exist, or be empty.

    Raises:
        StoreError: When ``folder`` is in use, now or in the end: nothing is overwritten.
    """
    check_free(folder)
    place = folder.resolve()
    missing = [above for above in (place.parent, *place.parent.parents) if not above.exists()]
    place.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(place)
    part = place.with_name(f".{place.name}.{secrets.token_hex(6)}.part")
    done = False
    try:
        part.mkdir()
        with _held(part):
            yield part
            # Replaces an empty folder, and fails on any other.
            try:
                part.rename(place)
            except OSError as error:
                raise StoreError(
                    f"{folder}: cannot take its place ({error.strerror}); name a new folder"
                ) from error
        done = True
    finally:
        if not done:
            shutil.rmtree(part, ignore_errors=True)
            for above in missing:
                with suppress(OSError):  # somebody else uses it by now
                    above.rmdir()


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a folder of one's own for as long as the block lasts; others cannot read it.

    What killed processes left of the same name is removed first.

    Args:
        prefix: What such folders' names begin with, among temporary files.
    """
    _remove(Path(tempfile.gettempdir()).glob(f"{glob.escape(prefix)}*"))
    while True:
        place = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            # Another process may have taken it for abandoned before it was locked.
            with suppress(FileNotFoundError, BlockingIOError), _held(place):
                if place.exists():
                    yield place
                    return
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _remove_abandoned(place: Path) -> None:
    """Remove what processes left that were killed while they built this folder."""
    _remove(place.parent.glob(f".{glob.escape(place.name)}.*.part"))


def _remove(folders: Iterable[Path]) -> None:
    """Remove those that no living process holds."""
    for part in folders:
        with suppress(OSError), _held(part):
            shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _held(part: Path) -> Iterator[None]:
    """Lock a folder while it is built; the system releases the lock when its holder dies.

    Raises:
        BlockingIOError: When another process holds it.
    """
    import fcntl  # where there is none, all else of vbench can be used

    handle = os.open(part, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)
