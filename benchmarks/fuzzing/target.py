"""A kind of input that is spoiled: what every one of them has."""

from __future__ import annotations

import json
import random
import shutil
from abc import ABC, abstractmethod
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


def fresh(sound: Path, place: Path) -> None:
    """Put a copy of the sound input in place of what was there."""
    shutil.rmtree(place, ignore_errors=True)

    def pipes(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name).is_fifo()]

    shutil.copytree(sound, place, symlinks=True, ignore=pipes)
