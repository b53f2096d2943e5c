"""Memory of the GPU that a job computes on: how much it took, and what is said when it runs out.

Nothing here imports torch: where a job did not, it used no GPU.
"""

from __future__ import annotations

import gc
import re
import sys
from typing import Any

from vbench.errors import GpuMemoryError

#: What CUDA and its libraries say where they, and not torch's allocator, find no memory.
_BY_LIBRARIES = re.compile(
    r"CUDA (driver )?error: out of memory|CU[A-Z]+_(\w+_)?ALLOC(ATION)?_FAILED"
)
_ASKED = re.compile(r"[Tt]ried to allocate ([\d.]+ \w+)")
_CAPACITY = re.compile(r"total capacity of ([\d.]+ \w+)")
_FREE = re.compile(r"of which ([\d.]+ \w+) is free")
#: What to do when a job found none.
_SMALLER_JOBS = (
    "name a smaller batch_size, let fewer jobs share a GPU (--workers), or compute with "
    "--device cpu"
)


def reset_peak(device: str) -> None:
    """Forget the peak of earlier jobs of this process."""
    cuda = _cuda()
    if cuda is not None and device.startswith("cuda"):
        cuda.reset_peak_memory_stats(device)


def peak_mb(device: str) -> float | None:
    """Return the most memory that torch held of a GPU since :func:`reset_peak`, MiB.

    With what its allocator kept for later, since no other job can have that; without what CUDA
    itself takes for each process. None on the CPU.
    """
    if not device.startswith("cuda"):
        return None
    cuda = _cuda()
    return 0.0 if cuda is None else round(cuda.max_memory_reserved(device) / 2**20, 1)


def give_back() -> bool:
    """Give the GPU back what this process keeps of it and no longer uses: others share it.

    Returns:
        Whether that went well; a process whose GPU does not answer any more is of no further use.
    """
    cuda = _cuda()
    if cuda is None:
        return True
    gc.collect()
    try:
        cuda.empty_cache()
    except RuntimeError:
        return False
    return True


def _cuda() -> Any:
    """Return ``torch.cuda`` where this process uses it; else None."""
    torch: Any = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def shortage(error: BaseException, device: str, mend: str = _SMALLER_JOBS) -> GpuMemoryError | None:
    """Return what to say of a GPU that has no memory left; None when the error is another one.

    Args:
        error: What was raised.
        device: Where it computes, such as ``cuda:0``.
        mend: What to do about it.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return None
    text = str(error)
    by_library = isinstance(error, RuntimeError) and _BY_LIBRARIES.search(text)
    if not (isinstance(error, torch.OutOfMemoryError) or by_library):
        return None
    asked, capacity, free = (
        found[1] if (found := pattern.search(text)) else None
        for pattern in (_ASKED, _CAPACITY, _FREE)
    )
    has = f"; the card has {capacity}" if capacity else ""
    left = f", {free} of them free" if capacity and free else ""
    wanted = f": {asked} were asked for" if asked else ""
    return GpuMemoryError(f"{device}: out of GPU memory{wanted}{has}{left}; {mend}")
