"""Imports plugins of others once in a process of its own, before they are imported here.

A plugin may end Python while it is imported (``os._exit``, a crash) or never come back. Nothing
catches that in the process that it happens to, and a command that ends with code 0 would look like
one that went well. So what vbench does not ship is imported in a child first. Only what no
``except`` sees is refused there; an exception is left to the import here, which reports it. One
child tries all, and another the rest behind one that is refused. Built-in plugins are not tried:
where there are no others, this costs nothing. Else it costs the start of one Python, and the
plugins' imports once more.

What was tried is not tried again: not in this process, nor in those that it starts, which are
:func:`told` in the environment. A file that has changed is another one.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from vbench.importing import python_path
from vbench.registry.local_file import import_file

GROUP = "vbench"
BUILT_IN = "vbench"
#: Seconds that a plugin may take to be imported.
LIMIT = 60.0
#: Seconds that a Python may take to start, and longer than its own clock says.
GRACE = 60.0
#: Tells processes that we start what was tried: JSON, as :data:`_tried`.
TOLD = "VBENCH_PLUGINS_TRIED"
#: What was tried, by :attr:`Candidate.key`, and why it was refused; empty: it was not.
_tried: dict[str, str] = {}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """An entry point, or a file, that may hold plugins.

    Attributes:
        origin: How messages call it: ``distribution: entry point``, or the file.
        point: The entry point's name; empty for a file.
        value: What it points to; empty for a file.
        distribution: Who ships it: a distribution's name, or the file.
        version: The distribution's version; empty for a file.
    """

    origin: str
    point: str
    value: str
    distribution: str
    version: str

    @classmethod
    def of(cls, point: metadata.EntryPoint, distribution: str, version: str) -> Candidate:
        """Return an entry point of a distribution."""
        origin = f"{distribution}: {point.name} = {point.value}"
        return cls(origin, point.name, point.value, distribution, version)

    @classmethod
    def of_file(cls, path: Path) -> Candidate:
        """Return a file."""
        return cls(str(path), "", "", str(path), "")

    @property
    def built_in(self) -> bool:
        """Whether vbench itself ships it."""
        return self.distribution == BUILT_IN

    @property
    def name(self) -> str:
        """Its name among loaded plugins."""
        return f"{self.distribution}:{self.point}" if self.point else self.origin

    @property
    def key(self) -> str:
        """What tells it from others, and a file from itself with other content."""
        if self.point:
            return f"{self.origin} {self.version}"
        content = b""
        with suppress(OSError):  # the import says so
            content = Path(self.origin).read_bytes()
        return f"{self.origin} {hashlib.sha256(content).hexdigest()[:16]}"

    def load(self) -> Any:
        """Import it; what it raises goes through."""
        if self.point:
            return metadata.EntryPoint(self.point, self.value, GROUP).load()
        return import_file(Path(self.origin))


def refused(candidates: Sequence[Candidate], limit: float | None = None) -> dict[str, str]:
    """Return why candidates must not be imported here, by their origin; the rest may be.

    Args:
        candidates: Those that vbench ships are not tried.
        limit: Seconds that each may take, at most :data:`LIMIT`.
    """
    limit = LIMIT if limit is None else min(limit, LIMIT)
    known, keys = _known(), {c.key: c for c in candidates if not c.built_in}
    left = [key for key in keys if key not in known]
    while left:
        begun, how = _try([keys[key] for key in left], limit)
        if how and not begun:
            break  # no Python can be started, which is no plugin's fault
        _tried.update(dict.fromkeys(left[: begun - 1 if how else None], ""))
        if not how:
            break
        faulty = left[begun - 1]
        _tried[faulty] = how
        if keys[faulty].point:  # of a file, whoever asked for it will speak
            _logger.warning("%s: not loaded: %s", keys[faulty].origin, how)
        left = left[begun:]
    known = _known()
    return {c.origin: known[key] for key, c in keys.items() if known.get(key)}


def told() -> dict[str, str]:
    """Return what a process that we start is to have in its environment."""
    return {TOLD: json.dumps(_known())}


def _known() -> dict[str, str]:
    """Return what was tried here, and in the process that started this one."""
    return {**json.loads(os.environ.get(TOLD, "{}")), **_tried}


def _try(candidates: Sequence[Candidate], limit: float) -> tuple[int, str]:
    """Import candidates in a new process; return how many were begun, and how it ended if badly."""
    task = {"candidates": [asdict(each) for each in candidates], "limit": limit}
    # A plugin that loads plugins while it is imported must not try itself again.
    known = json.dumps({**_known(), **{each.key: "" for each in candidates}})
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from vbench.registry.trial import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": python_path(), TOLD: known},
            start_new_session=True,
        )
        late = False
        try:
            process.communicate(json.dumps(task).encode(), GRACE + limit * len(candidates))
        except subprocess.TimeoutExpired:
            late = True
        finally:  # and whatever it started
            with suppress(OSError, AttributeError):  # Windows has no groups
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
        said.seek(0)
        own, timeout, _ = said.read().partition(b"Timeout")
    if own.endswith(b"done\n"):
        return len(candidates), ""
    return own.count(b"begun"), _ended(process.returncode, late or bool(timeout), limit)


def _ended(code: int, late: bool, limit: float) -> str:
    if late:
        return (
            f"it was still not imported after {limit:g} s; take what it waits for out of the "
            "import (a slow disk may do better the second time)"
        )
    if code < 0:
        return f"importing it killed Python by {signal.Signals(-code).name}"
    return (
        f"importing it ended Python with exit code {code}; does it call os._exit? Take that out "
        "of the import"
    )


def serve() -> None:
    """Import what standard input names, saying what is begun; the child's side."""
    task = json.loads(sys.stdin.read())
    said, nowhere = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what plugins read and print
        os.dup2(nowhere, stream)
    from vbench.registry.registry import Registry

    for values in task["candidates"]:
        each = Candidate(**values)
        os.write(said, b"begun\n")
        # Ends a process that holds Python's lock or ignores signals, too, and says "Timeout".
        faulthandler.dump_traceback_later(task["limit"], exit=True, file=said)
        with suppress(Exception, SystemExit):  # the import that counts reports it
            Registry().take(each)
    faulthandler.cancel_dump_traceback_later()
    os.write(said, b"done\n")
    os._exit(0)  # whatever threads are left
