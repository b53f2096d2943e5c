"""A kind of input that is spoiled: what every one of them has."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from command_line import Answer


class WrongError(Exception):
    """vbench accepted an input, and what it says of it does not hold."""


class Target(ABC):
    """One kind of input.

    Attributes:
        share: Of the processor time.
        codes: Exit codes that are right for some input.
        lines: How many lines a refusal may have on stderr.
        writes: What below the input's folder the command may write to.
    """

    share = 1.0
    codes = (0, 2)
    lines = 1
    writes: tuple[str, ...] = ()

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Write sound input."""

    @abstractmethod
    def spoil(self, folder: Path, rng: random.Random) -> None:
        """Spoil it in place."""

    @abstractmethod
    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        """Hand it to vbench; None when it was refused by a call.

        Raises:
            WrongError: When it was accepted, wrongly.
        """


def strict_json(text: str) -> Any:
    """Read JSON that has no NaN."""

    def refuse(word: str) -> None:
        raise WrongError(f"{word} in JSON")

    return json.loads(text, parse_constant=refuse)


def one_line(error: Exception, lines: int = 1) -> None:
    """Hold the message of a refusal to one line, or to a few.

    Raises:
        WrongError: When it is none, or more.
    """
    found = str(error).split("\n")
    if not str(error).strip() or len(found) > lines:
        raise WrongError(f"a refusal of {len(found)} lines: {error}")


def fresh(sound: Path, place: Path) -> None:
    """Put a copy of the sound input in place of what was there."""
    shutil.rmtree(place, ignore_errors=True)

    def pipes(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name).is_fifo()]

    shutil.copytree(sound, place, symlinks=True, ignore=pipes)


class Copy:
    """A copy of the sound input that is mended after each use, where it was changed."""

    def __init__(self, sound: Path, place: Path) -> None:
        self.sound, self.place = sound, place
        fresh(sound, place)
        self._whole = dict(_walk(place))

    def mend(self) -> None:
        """Bring the copy back to what it was."""
        there = dict(_walk(self.place))
        for path in sorted(there.keys() - self._whole.keys(), reverse=True):
            _remove(path)
        for path, about in self._whole.items():
            if there.get(path) == about:
                continue
            if os.path.lexists(path):
                _remove(path)
            own = self.sound / path.relative_to(self.place)
            path.mkdir() if own.is_dir() else shutil.copy2(own, path)
            # What a folder holds comes after it; its own time changes by that.
            self._whole[path] = _about(path)


def _walk(folder: Path) -> Iterator[tuple[Path, tuple[int, ...]]]:
    """Yield what lies below a folder, each folder before what it holds; links are not followed."""
    for path in sorted(folder.iterdir()):
        yield path, _about(path)
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _about(path: Path) -> tuple[int, ...]:
    """What is another number once a file was written, or a folder replaced."""
    found = path.lstat()
    if stat.S_ISDIR(found.st_mode):
        return (found.st_mode, found.st_ino)
    return (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
