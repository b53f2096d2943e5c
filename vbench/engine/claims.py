"""Claims: who is doing which job, so that two runs on one store do none of them twice.

A claim is a file. Its owner touches it while working; anyone may take over a claim whose owner is
gone, or that was not touched for the length of the lease. Files are made, taken over and removed
under one lock, which the system releases when its holder dies: without it, when two runs see the
same abandoned claim, the slower could remove what the faster has just made.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import socket
import threading
import time
import warnings
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, SoftFileLock

LEASE_SECONDS = 60.0
#: Stays in the folder: unlinking a lock file would split those who wait for it.
LOCK = ".lock"
# We look after that ourselves.
warnings.filterwarnings("ignore", "flock not supported", UserWarning)
#: The system's errors where a file system has no locks, such as Lustre mounted without them.
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}


class Claims:
    """The claims of one run on a store.

    Attributes:
        folder: Where the files are.
        lease: Seconds without a sign of life after which a claim may be taken over.
        run: Name of the run that owns our claims.
    """

    def __init__(self, folder: Path, lease: float = LEASE_SECONDS) -> None:
        """Start to keep claims alive, in a separate thread, until :meth:`close`."""
        self.folder = folder
        self.lease = lease
        self._mine: set[Path] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        started = psutil.Process().create_time()
        self._owner: dict[str, Any] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "started": started,
        }
        self._owner["run"] = self.run = secrets.token_hex(8)
        self._thread = threading.Thread(target=self._keep, name="vbench-claims", daemon=True)
        self._thread.start()

    def take(self, key: str) -> bool:
        """Claim a job; False when somebody else who is alive has it."""
        path = self.folder / key
        with self.changing():
            if path.exists() and not self._abandoned(path):
                return False
            self.put(key)
        return True

    def put(self, key: str, **note: Any) -> None:
        """Write a claim of ours, with what else it says; only while :meth:`changing` is held."""
        path = self.folder / key
        path.write_text(json.dumps({**self._owner, **note}))
        with self._lock:
            self._mine.add(path)

    def owners(self, prefix: str) -> dict[str, dict[str, Any]]:
        """Return what others' live claims with this prefix say; while :meth:`changing` is held."""
        paths = sorted(self.folder.glob(f"{prefix}*"))
        return {path.name: self._owner_of(path) for path in paths if not self._abandoned(path)}

    def sweep(self) -> None:
        """Remove abandoned claims: of killed runs, and of jobs that these had just finished.

        Only while :meth:`changing` is held.
        """
        for path in self.folder.glob("*"):
            if not path.name.startswith(LOCK) and self._abandoned(path):
                path.unlink(missing_ok=True)

    def release(self, key: str) -> None:
        """Give a claim back, unless somebody took it over while we slept and holds it now."""
        path = self.folder / key
        with self._lock:
            if path not in self._mine:
                return
            self._mine.discard(path)
        with self.changing():
            if self._owner_of(path).get("run") == self.run:
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give all claims back."""
        self._stop.set()
        self._thread.join()
        for path in list(self._mine):
            self.release(path.name)

    def alive(self, key: str) -> bool:
        """Whether somebody, us included, holds the job and is alive."""
        path = self.folder / key
        return path.exists() and not self._abandoned(path)

    def changing(self) -> AbstractContextManager[object]:
        """Hold the lock under which claims are made and removed.

        Where the file system has no locks it is a file that exists while it is held; that of a dead
        process of this machine is taken over.
        """
        try:
            return FileLock(self.folder / LOCK).acquire(poll_interval=0.005)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        return SoftFileLock(self.folder / f"{LOCK}-held").acquire(poll_interval=0.005)

    @staticmethod
    def _owner_of(path: Path) -> dict[str, Any]:
        """Return what the claim says; empty while it is being written: the lease decides then."""
        try:
            owner: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return owner

    def _abandoned(self, path: Path) -> bool:
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return False
        owner = self._owner_of(path)
        if age > self.lease:
            return True
        if owner.get("host") != self._owner["host"]:
            return False
        try:
            started = psutil.Process(owner["pid"]).create_time()
        except psutil.NoSuchProcess:
            return True
        except psutil.Error:
            return False
        return abs(started - owner["started"]) > 1.0

    def _keep(self) -> None:
        while not self._stop.wait(self.lease / 4):
            with self._lock:
                for path in self._mine:
                    with suppress(OSError):
                        os.utime(path)
