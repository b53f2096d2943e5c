"""What this machine can do at most, measured: multiply-adds of matrices, and bytes of memory."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


def name() -> str:
    """Return the processor's name and the number of cores, for the head of the table."""
    import psutil

    text = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for row in cpuinfo.read_text().splitlines():
            if row.startswith("model name"):
                text = row.partition(":")[2].strip()
                break
    return f"{text}, {psutil.cpu_count()} cores, Python {platform.python_version()}"


def _status(name: str) -> float:
    rows = Path("/proc/self/status").read_text().splitlines()
    return 1024 * float(next(row.split()[1] for row in rows if row.startswith(name)))


def risen(call: Callable[[], Any]) -> float:
    """Return by how many bytes a call raises the peak of resident memory (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    call()
    return max(0.0, _status("VmHWM") - before)


def risen_apart(call: Callable[[], Any]) -> float:
    """Return the same of a call in a fork, which has freed nothing yet that it could use again."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(risen(call)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as found:
        return float(found.read())


@cache
def peak_flops(kind: str = "float32") -> float:
    """Return floating-point operations a second of one thread, in products of matrices."""
    import torch

    a, b = (torch.rand(768, 768).to(getattr(torch, kind)) for _ in range(2))
    best = 0.0
    for _ in range(6):
        begun = time.process_time()
        a @ b
        best = max(best, 2 * 768**3 / (time.process_time() - begun))
    return best


@cache
def peak_bytes() -> float:
    """Return bytes a second of one thread that a copy of 128 MiB reads and writes."""
    import numpy as np

    source, target = np.ones(2**24), np.zeros(2**24)
    best = 0.0
    for _ in range(5):
        begun = time.process_time()
        np.copyto(target, source)
        best = max(best, 2 * source.nbytes / (time.process_time() - begun))
    return best


def share_of_flops(operations: float, seconds: float, kind: str = "float32") -> str:
    """Say which share of the peak some arithmetic reached."""
    peak = peak_flops(kind)
    share = operations / seconds / peak
    return f"{share:.0%} of {peak / 1e9:.0f} GFLOP/s ({kind} matrix product)"


def share_of_bytes(moved: float, seconds: float) -> str:
    """Say which share of the memory bandwidth a pass over some bytes reached."""
    peak = peak_bytes()
    return f"{moved / seconds / peak:.0%} of {peak / 1e9:.1f} GB/s (copy)"


def precisions() -> tuple[str, ...]:
    """Return the types that this processor computes in: torch emulates bfloat16, at great length.

    Linux tells; elsewhere bfloat16 is left out.
    """
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    has = any(f"{name}" in flags for name in ("avx512_bf16", "amx_bf16", " bf16"))
    return ("float32", "bfloat16") if has else ("float32",)


class _NoModules:
    """Stands in for the counter's record of modules, which knows no second derivative."""

    parents = frozenset({"Global"})

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def operations_of(call: Any) -> float:
    """Count the floating-point operations of a call on torch tensors."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    counter.mod_tracker = _NoModules()
    with counter:
        call()
    return float(counter.get_total_flops())
