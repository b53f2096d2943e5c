"""The store: a folder of artifacts by key, and a record for each finished job.

All else is derived from it. A job writes into its own folder under ``work/``; when everything is
there, its record too, the folder is renamed into its place. So a key's folder is whole or absent,
whatever is killed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from vbench._version import __version__
from vbench.engine.seals import check_files, check_record, damaged, sealed
from vbench.errors import DamagedError, StoreError
from vbench.files import read_json, sha256, write_json
from vbench.records.job import JobRecord
from vbench.records.model import Result

RECORD = "record.json"
#: Says in which format a store is written.
FORMAT = "format.json"
#: The newest that this version reads and writes: 1 has no seals, and no file that says so.
NEWEST = 2

R = TypeVar("R", bound=Result)

#: The system's errors when a folder takes no more files.
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Say in one line that a folder takes no more files, full or read-only as it is.

    Raises:
        StoreError: With the fix.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StoreError(
            f"{error.filename or folder}: cannot write here ({error.strerror}); fix that and run "
            "again, what finished is kept, or name another folder with --out"
        ) from error


class Store:
    """The artifacts and records below ``<out>/store``.

    Attributes:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        """Name the folder; it is made by :meth:`create`."""
        self.root = root

    def create(self) -> None:
        """Make the folders.

        Raises:
            StoreError: When the place cannot be written, or a newer version of vbench wrote it.
        """
        self.check_format()
        try:
            for name in ("work", "claims", "failures", "checkpoints"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StoreError(
                f"{self.root}: cannot write here ({error.strerror}); name another folder with --out"
            ) from error
        if not (self.root / FORMAT).is_file():
            write_json(self.root / FORMAT, {"format": NEWEST, "vbench": __version__})

    def check_format(self) -> None:
        """See that this version reads the store.

        Raises:
            StoreError: When it does not.
        """
        path = self.root / FORMAT
        try:
            said = read_json(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except ValueError:
            said = None
        written = said.get("format") if isinstance(said, dict) else None
        if not isinstance(written, int):
            raise StoreError(f'{path}: expected {{"format": {NEWEST}}}; remove the file')
        if written > NEWEST:
            raise StoreError(
                f"{path}: vbench {said.get('vbench', '')} wrote this store in format {written}, "
                f"and this version reads up to {NEWEST}: update vbench, or name another folder "
                "with --out"
            )

    def folder(self, key: str) -> Path:
        """Return where the artifacts of a finished job are; to read them, :meth:`artifacts`."""
        return self.root / key

    def artifacts(self, key: str, *names: str) -> Path:
        """Return the folder of a finished job whose artifacts are as they were written.

        Args:
            key: The job.
            names: The files that will be read; none: all.

        Raises:
            DamagedError: When one is not.
        """
        with suppress(FileNotFoundError):  # without a record there is nothing to hold them to
            check_files(self._content(key), self.root / key, names)
        return self.root / key

    def checkpoint(self, key: str) -> Path:
        """Return where an unfinished job keeps what it needs to go on."""
        return self.root / "checkpoints" / key

    def has(self, key: str) -> bool:
        """Whether the job finished."""
        return (self.root / key / RECORD).is_file()

    def record(self, key: str) -> JobRecord:
        """Return the record of a finished job.

        Raises:
            DamagedError: When it is not as it was written.
            StoreError: When there is none, it cannot be read, or another version wrote it.
        """
        path = self.root / key / RECORD
        try:
            value = self._content(key)
        except FileNotFoundError as error:
            raise StoreError(f"{path}: not in the store; run the benchmark again") from error
        except OSError as error:
            raise StoreError(f"{path}: not a readable record ({error})") from error
        try:
            return JobRecord.read(value, "")
        except StoreError as error:
            why = str(error).removeprefix(": ").removesuffix("; run the benchmark again")
            raise StoreError(
                f"{path}: {why}; another version of vbench wrote it: go on with that one, or do "
                f"the job again with --force {key}"
            ) from error

    def _content(self, key: str) -> dict[str, Any]:
        """Return what the record of a finished job says, as it was written.

        Raises:
            OSError: When it cannot be read.
            DamagedError: When it is not as it was written.
        """
        path = self.root / key / RECORD
        try:
            value: dict[str, Any] = read_json(path)
        except ValueError as error:
            raise damaged(path, f"not a readable record: {error}", key) from error
        check_record(value, path)
        return value

    def damage(self, key: str, *, files: bool = False) -> DamagedError | None:
        """Return what is damaged of a finished job; None when nothing is.

        Args:
            key: The job.
            files: Whether to look at its artifacts, too, and not only at its record.
        """
        try:
            if files:
                self.artifacts(key)
            else:
                self._content(key)
        except DamagedError as error:
            return error
        except OSError:  # not there, or not now
            return None
        return None

    def result(self, key: str, model: type[R]) -> R:
        """Return what a finished job of a known stage found out."""
        return self.record(key).result_as(model)

    def keys(self) -> list[str]:
        """Return the keys of the finished jobs, of every benchmark, sorted."""
        return sorted(path.parent.name for path in self.root.glob(f"*/{RECORD}"))

    def records(self, newest: int | None = None) -> Iterator[JobRecord]:
        """Iterate over the readable records of finished jobs, of every benchmark.

        Args:
            newest: Only so many that were written last, in that order; None: all, by key.
        """
        keys = self.keys()
        if newest is not None:
            keys = sorted(keys, key=self._written)[-newest:]
        for key in keys:
            with suppress(OSError, StoreError):
                yield self.record(key)

    def _written(self, key: str) -> float:
        """Return when a job's record was written; 0 when it is gone."""
        try:
            return os.stat(f"{self.root}/{key}/{RECORD}").st_mtime  # noqa: PTH116 - of 100,000
        except OSError:
            return 0.0

    def begin(self, key: str) -> Path:
        """Return a new, empty folder for the artifacts of a job that starts."""
        folder = self.root / "work" / f"{key}-{os.getpid()}-{secrets.token_hex(4)}"
        folder.mkdir(parents=True)
        return folder

    def publish(self, key: str, folder: Path, record: JobRecord) -> JobRecord:
        """Put a finished job's folder in its place, with its record; the first one to finish stays.

        Returns:
            The record that is in the store.
        """
        paths = [path for path in folder.rglob("*") if path.is_file()]
        for path in paths:
            _sync(path)
        sums = {path.relative_to(folder).as_posix(): sha256(path) for path in sorted(paths)}
        write_json(folder / RECORD, sealed(record.to_json(), sums))
        _sync(folder)
        place = self.folder(key)
        if place.is_dir() and not self.has(key):
            self.discard(place)
        try:
            folder.rename(place)
        except OSError:
            if not self.has(key):
                raise
            shutil.rmtree(folder, ignore_errors=True)
        _sync(self.root)
        self._forget(key)
        return self.record(key)

    def _forget(self, key: str) -> None:
        """Remove what is of no more use once a job has finished."""
        self._failure(key).unlink(missing_ok=True)
        shutil.rmtree(self.checkpoint(key), ignore_errors=True)

    def fail(self, key: str, record: JobRecord) -> None:
        """Record that a job failed; it is never taken for a result."""
        write_json(self._failure(key), record.to_json())

    def failure(self, key: str) -> JobRecord | None:
        """Return the record of a failed job, None when it did not fail."""
        path = self._failure(key)
        try:
            return JobRecord.read(read_json(path), path)
        except (OSError, ValueError, StoreError):
            return None

    def _failure(self, key: str) -> Path:
        return self.root / "failures" / f"{key}.json"

    def remove(self, keys: Iterable[str]) -> None:
        """Forget finished jobs, so that they are done again."""
        for key in keys:
            self.discard(self.folder(key))
            shutil.rmtree(self.checkpoint(key), ignore_errors=True)

    def sweep(self, alive: Callable[[str], bool]) -> None:
        """Remove what killed runs left: half-written folders, and what finished jobs need no more.

        Args:
            alive: Whether somebody is doing the job of this key.
        """
        for folder in (self.root / "work").iterdir():
            if not alive(folder.name.partition("-")[0]):
                shutil.rmtree(folder, ignore_errors=True)
        for kept in ((self.root / name).iterdir() for name in ("checkpoints", "failures")):
            for path in kept:
                if self.has(path.stem) and not alive(path.stem):
                    self._forget(path.stem)

    def discard(self, folder: Path) -> None:
        """Remove a folder: out of sight in one step first, so that no half of it is ever seen."""
        aside = self.root / "work" / f"gone-{secrets.token_hex(6)}"
        with suppress(FileNotFoundError):
            folder.rename(aside)
            if aside.is_symlink():
                aside.unlink()
            else:
                shutil.rmtree(aside, ignore_errors=True)


def _sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
