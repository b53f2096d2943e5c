"""The bytes of a file to its very end; checksum and length of compressed data are verified."""

from __future__ import annotations

import math
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from vbench.errors import DataError

#: Bytes that are read, and unpacked, at once: whatever a file claims, no more waits in memory.
BLOCK = 1 << 20
#: Deflate packs no more than this many bytes into one.
DENSEST = 1032
#: The same of what else TIFF is packed with: LZW's longest strings, LZMA's longest match, zstd's
#: block of one byte repeated.
_DENSER = {"tiff_lzw": 2560, "lzma": 1 << 13, "zstd": 1 << 15}
#: Pixels that any picture may claim: they take no memory to speak of.
_HARMLESS = 1 << 22
GZIP = b"\x1f\x8b"


def check_pixels(path: Path, size: int, shape: tuple[int, int], packing: str = "") -> None:
    """Refuse a picture that claims far more pixels than ``size`` bytes can hold, packed as it is.

    An empty mask packs best of all, and is sound.

    Args:
        path: The file.
        size: Its bytes.
        shape: Width and height.
        packing: How it is packed, by Pillow's name; of Group 4, a row like the last takes one bit.

    Raises:
        DataError: As when a file of some hundred bytes claims 60,000 by 60,000.
    """
    densest = shape[0] if packing == "group4" else _DENSER.get(packing, DENSEST)
    # 8 pixels of one bit in each byte
    if math.prod(shape) > max(_HARMLESS, 8 * max(densest, DENSEST) * size):
        raise DataError(
            f"{path}: claims {' × '.join(map(str, shape))} pixels in {size} bytes, which cannot "
            "hold them; copy or download it again"
        )


def blocks(file: BinaryIO) -> Iterator[bytes]:
    """Yield what a file holds, unpacked when it is gzip, and check it as ``gzip -t`` does.

    Several gzip members in a row are one content (as ``bgzip`` writes it), and zeros may follow.

    Raises:
        ValueError: When the compressed data is damaged, cut short, or followed by something else.
    """
    first = file.read(BLOCK)
    if first[:2] != GZIP:
        while first:
            yield first
            first = file.read(BLOCK)
        return
    while first:
        first = yield from _member(file, first)
        if first[:1] == b"\0":
            if any(first) or any(any(block) for block in iter(lambda: file.read(BLOCK), b"")):
                raise ValueError("something else follows the compressed data")
            return
        if first and first[:2] != GZIP:
            raise ValueError("something else follows the compressed data")


def _member(file: BinaryIO, waiting: bytes) -> Generator[bytes, None, bytes]:
    """Yield one gzip member, and return what was read beyond it: at least 2 bytes, unless none."""
    member = zlib.decompressobj(wbits=31)
    while not member.eof:
        packed = waiting or file.read(BLOCK)
        try:
            block = member.decompress(packed, BLOCK)
        except zlib.error as error:
            # "Error -3 while decompressing data: incorrect data check"
            raise ValueError(str(error).rpartition(": ")[2]) from error
        if not (packed or block or member.eof):
            raise ValueError("the compressed data ends too early")
        waiting = member.unconsumed_tail
        if block:
            yield block
    rest = member.unused_data
    return rest if len(rest) > 1 else rest + file.read(BLOCK)


class Reader:
    """Reads :func:`blocks` in pieces of any size."""

    def __init__(self, file: BinaryIO) -> None:
        self._blocks = blocks(file)
        self._left = memoryview(b"")

    def fill(self, buffer: memoryview) -> int:
        """Fill a buffer; return the number of bytes, which is less only at the end."""
        at = 0
        while at < len(buffer) and self._more():
            part = self._left[: len(buffer) - at]
            buffer[at : at + len(part)] = part
            self._left = self._left[len(part) :]
            at += len(part)
        return at

    def take(self, n: int) -> bytes:
        """Return the next ``n`` bytes, fewer only at the end."""
        buffer = bytearray(n)
        return bytes(buffer[: self.fill(memoryview(buffer))])

    def skip(self, n: int) -> int:
        """Skip ``n`` bytes; return how many there were."""
        at = 0
        while at < n and self._more():
            step = min(n - at, len(self._left))
            self._left = self._left[step:]
            at += step
        return at

    def ended(self) -> bool:
        """Whether nothing is left; then all of the file was read and checked."""
        return not self._more()

    def _more(self) -> bool:
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._left = memoryview(block)
        return True
