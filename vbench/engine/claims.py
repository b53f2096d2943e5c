"""Claims: who is doing which job, so that two runs on one store do none of them twice.

A claim is a file that can be made only once. Its owner touches it while it works; one whose owner
is gone, or that was not touched for the lease's length, may be broken by anyone, once.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

LEASE_SECONDS = 60.0


class Claims:
    """The claims of one run on a store.

    Attributes:
        folder: Where the files are.
        lease: Seconds without a sign of life after which a claim may be broken.
    """

    def __init__(self, folder: Path, lease: float = LEASE_SECONDS) -> None:
        """Start to keep claims alive, in a thread of its own, until :meth:`close`."""
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
        self._owner["run"] = secrets.token_hex(8)
        self._thread = threading.Thread(target=self._keep, name="vbench-claims", daemon=True)
        self._thread.start()

    def take(self, key: str) -> bool:
        """Claim a job; False when somebody else who is alive has it."""
        path = self.folder / key
        if self._create(path):
            return True
        seen = self._owner_of(path)
        if not self._abandoned(path):
            return False
        # Only one of those who see it abandoned wins this rename.
        aside = self.folder / f".broken-{secrets.token_hex(6)}"
        try:
            path.rename(aside)
        except OSError:
            return False
        if self._owner_of(aside) != seen:
            # Somebody broke it before us and holds it now: put their claim back.
            with suppress(OSError):
                os.link(aside, path)
            aside.unlink(missing_ok=True)
            return False
        aside.unlink(missing_ok=True)
        return self._create(path)

    def release(self, key: str) -> None:
        """Give a claim back, unless somebody broke it while we slept and holds it now."""
        path = self.folder / key
        with self._lock:
            if path in self._mine:
                self._mine.discard(path)
                if self._owner_of(path) == self._owner:
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

    def _create(self, path: Path) -> bool:
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w") as file:
            json.dump(self._owner, file)
        with self._lock:
            self._mine.add(path)
        return True

    @staticmethod
    def _owner_of(path: Path) -> dict[str, Any]:
        """Return what the claim says; empty while it is being written: the lease decides then."""
        try:
            owner: dict[str, Any] = json.loads(path.read_text())
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
