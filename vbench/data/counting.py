"""Counts the patches that a method draws while it is fitted, by their origin."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.types import Patches, Volume

#: Where patches come from: real ones of either data set, and those that a generator made.
ORIGINS = ("source", "target", "synthetic")
#: Draws of other threads that are remembered: more than a method fetches ahead.
_REMEMBERED = 16


class CountedPatches(Patches):
    """Patches that count how often they are drawn; a method sees only the patches inside.

    Each patch counts as often as it is handed out. A method may fetch batches ahead in another
    thread; one that was waiting when the training was saved is drawn again when it goes on, by
    the same indices, and counts once.
    """

    def __init__(
        self, patches: Patches, *, real: str, before: Mapping[str, Any] | None = None
    ) -> None:
        """Wrap patches.

        Args:
            patches: What a method learns from.
            real: Where those of them that are not synthetic come from: ``source`` or ``target``.
            before: What :meth:`seen` returned when the training was saved.
        """
        self.size = patches.size
        self.labels, self.channels = patches.labels, patches.channels
        self.subject_index = patches.subject_index
        self._patches, self._real = patches, real
        self._synthetic = np.asarray(patches.subject_index) < 0
        before = before or {}
        self._counts = {**dict.fromkeys(ORIGINS, 0), **before.get("counts", {})}
        self._ahead: deque[list[int]] = deque(before.get("ahead", ()), _REMEMBERED)
        self._going_on = bool(self._ahead)
        self._owner, self._lock = threading.get_ident(), threading.Lock()
        self._escaped = bool(before.get("escaped", False))

    @property
    def volumes(self) -> Sequence[Volume]:
        """The volumes of the patches inside; who takes them sees more than can be counted."""
        found = self._patches.volumes
        self._escaped = self._escaped or bool(found)
        return found

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self._patches)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        index = np.asarray(index)
        taken = self._patches.take(index)
        synthetic = int(np.count_nonzero(self._synthetic[index]))
        with self._lock:
            if threading.get_ident() != self._owner:
                self._fetched(index, len(taken) - synthetic, synthetic)
            self._add(len(taken) - synthetic, synthetic)
        return taken

    def _fetched(self, index: npt.NDArray[Any], real: int, synthetic: int) -> None:
        """Note a draw of another thread; the first after an interruption may be a repetition."""
        mark = zlib.crc32(np.ascontiguousarray(index).tobytes())
        if self._going_on:
            self._going_on = False
            marks = [entry[0] for entry in self._ahead]
            if mark in marks:
                latest = len(marks) - 1 - marks[::-1].index(mark)
                for _, *counts in list(self._ahead)[latest:]:
                    self._add(*(-count for count in counts))
            self._ahead.clear()
        self._ahead.append([mark, real, synthetic])

    def _add(self, real: int, synthetic: int) -> None:
        self._counts[self._real] += real
        self._counts["synthetic"] += synthetic

    def seen(self) -> dict[str, Any]:
        """Return the counts so far as JSON, to resume from after an interruption."""
        with self._lock:
            ahead = [list(entry) for entry in self._ahead]
            return {"counts": dict(self._counts), "ahead": ahead, "escaped": self._escaped}

    def __reduce__(self) -> Any:
        """Give another process the patches themselves: what it takes is not counted here."""
        self._escaped = True
        return _same, (self._patches,)


def _same(patches: Patches) -> Patches:
    return patches


def counted(seen: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Return the patches that were handed out by origin; None when some were not counted."""
    if not seen or seen["escaped"]:
        return None
    return dict(seen["counts"])
