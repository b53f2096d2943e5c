"""Memory-mapped arrays that do not stay in memory: pages are given back after reading."""

from __future__ import annotations

import mmap
from collections.abc import Iterable

import numpy as np

from vbench.types import Array

#: The system is asked what is resident after this many bytes were read, not each time.
_ASK_AFTER = 2**20
#: Where the system does not say: it is taken to map this much around each piece that is read.
_AROUND = 64 * 1024


def release(*arrays: Array) -> None:
    """Give the pages of memory-mapped arrays back to the system; leave other arrays alone.

    What was read counts as resident memory until then. The arrays stay valid: the next access
    reads from the system's file cache, or from disk.
    """
    for array in arrays:
        base: object = array
        while isinstance(base, np.ndarray):
            base = base.base
        if isinstance(base, mmap.mmap) and hasattr(base, "madvise"):
            base.madvise(mmap.MADV_DONTNEED)


def resident_files() -> int | None:
    """Return the bytes of files that are mapped into this process now; None where unknown."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - ten times as fast
            return int(file.read().split()[2]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return None


class Budget:
    """Releases memory-mapped arrays when reads of them have made too much resident.

    How much a read maps is the system's choice, up to megabytes around it, so that it is asked;
    where it does not say, it is estimated.
    """

    def __init__(self, arrays: Iterable[Array], limit: int) -> None:
        """Watch arrays.

        Args:
            arrays: The arrays, memory-mapped or not.
            limit: Bytes that may be resident beyond what is now.
        """
        self._arrays = [array for array in arrays if isinstance(array, np.memmap)]
        self._limit = limit
        self._before = resident_files()
        self._read = self._asked = 0

    def spend(self, pieces: int, length: int) -> None:
        """Count a read of ``pieces`` separate pieces of ``length`` bytes; release if need be."""
        self._read += pieces * (length + _AROUND)
        if not self._arrays or self._read - self._asked < _ASK_AFTER:
            return
        self._asked = self._read
        now = resident_files()
        grown = self._read if now is None or self._before is None else now - self._before
        if grown > self._limit:
            release(*self._arrays)
            # Libraries that were loaded meanwhile count as resident files too; they stay.
            self._before = resident_files()
            self._read = self._asked = 0
