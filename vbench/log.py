"""Logging: what went wrong beside the results, in one line for people and in full for the log.

Loggers are named after their modules, below ``vbench``. A warning is one line wherever it is
shown; its traceback travels with the record and is written by the handlers made here: to
``vbench.log`` in the benchmark's folder, and to the console of ``vbench run --verbose``.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vbench.errors import VbenchError
from vbench.usertext import without_password

#: The log's name in a benchmark's folder.
FILE = "vbench.log"
#: Bytes at which the log is put aside, as ``vbench.log.1``.
LONGEST = 2_000_000
#: Parent of every logger of vbench.
ROOT = logging.getLogger("vbench")


def gently(act: Callable[[], object], failed: str, logger: logging.Logger = ROOT) -> bool:
    """Do what must not stop a run, such as writing a report; an error is a warning of one line.

    Args:
        act: What to do.
        failed: What the warning says first, such as ``the report was not written``.
        logger: Where to log it.

    Returns:
        Whether it went well.
    """
    try:
        act()
    except Exception as error:
        lines = str(error).splitlines() or [""]
        told = lines[0] if isinstance(error, VbenchError) else f"{type(error).__name__}: {lines[0]}"
        extra = {"trace": traceback.format_exc()}
        logger.warning("%s", without_password(f"{failed}: {told}"), extra=extra)
        return False
    return True


class _Formatter(logging.Formatter):
    """Writes the line and, when it is wanted in full, the traceback below it."""

    def __init__(self, pattern: str, full: bool) -> None:
        super().__init__(pattern)
        self._full = full

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        trace = getattr(record, "trace", "") if self._full else ""
        return f"{line}\n{without_password(trace)}".rstrip()


class _Lines(logging.Handler):
    """Hands each line to a function, such as the print of a console that also shows bars."""

    def __init__(self, write: Callable[[str], object]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self.format(record))


@contextmanager
def shown(write: Callable[[str], object], verbose: bool = False) -> Iterator[None]:
    """Show warnings as lines; with ``verbose`` also what is done, and tracebacks.

    Args:
        write: Is handed each line.
        verbose: Whether to show more.
    """
    handler = _Lines(write)
    handler.setFormatter(_Formatter("%(levelname)s: %(message)s", full=verbose))
    before = ROOT.level
    if verbose:
        ROOT.setLevel(logging.DEBUG)
    with _attached(handler):
        try:
            yield
        finally:
            ROOT.setLevel(before)


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Keep what is logged, tracebacks included, in ``vbench.log`` of a benchmark's folder.

    The file is made by the first line. Where nobody has set logging up, such as in a script that
    calls :func:`vbench.run`, warnings go to stderr, too, as they would without this handler.

    Args:
        folder: The benchmark's folder.
    """
    handler = _File(folder / FILE)
    if ROOT.hasHandlers():
        with _attached(handler):
            yield
    else:
        with shown(lambda line: print(line, file=sys.stderr)), _attached(handler):
            yield


class _File(logging.Handler):
    """Appends to a file, opened for each line: lines are few, and no handle stays open.

    A file that has become long is put aside, in the place of the one before, so that a run which
    warns of something for weeks fills no disk.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        pattern = "%(asctime)s %(levelname)s %(name)s: %(message)s"
        self.setFormatter(_Formatter(pattern, full=True))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.is_file() and self._path.stat().st_size > LONGEST:
                self._path.replace(self._path.with_name(f"{FILE}.1"))
            with self._path.open("a", encoding="utf-8") as file:
                file.write(self.format(record) + "\n")
        except OSError:  # whoever writes results reports a full disk
            self.handleError(record)


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    ROOT.addHandler(handler)
    try:
        yield
    finally:
        ROOT.removeHandler(handler)
        handler.close()
