"""Finds the benchmark that a command means in one or several results folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vbench.defaults import OUT, REHEARSAL
from vbench.errors import StoreError, did_you_mean


def benchmarks(out: Path) -> list[str]:
    """Name the benchmarks that have results under ``out``, sorted."""
    return sorted(path.parent.name for path in out.glob("*/plan.json"))


def benchmark_folders(benchmark: str | None, outs: Sequence[Path]) -> list[Path]:
    """Return ``<out>/<benchmark>/`` for each results folder that has it.

    Args:
        benchmark: Its name; None when the folders hold just one.
        outs: Results folders; ``results`` when empty.

    Raises:
        StoreError: When there is none in one of them, or several and none was named.
    """
    outs = outs or [Path(OUT)]
    known = sorted({name for out in outs for name in benchmarks(out)})
    where = ", ".join(map(str, outs))
    empty = ", ".join(str(out) for out in outs if not benchmarks(out))
    if empty:
        raise StoreError(
            f"{empty}: no benchmark's results here; `vbench run SPEC --out` makes some"
        )
    if benchmark is None:
        # A rehearsal is for its price: it stands back behind what it was of.
        meant = [name for name in known if name.removesuffix(REHEARSAL) not in {*known} - {name}]
        if len(meant) > 1:
            raise StoreError(f"{where}: name one of the benchmarks: {', '.join(known)}")
        benchmark = meant[0]
    if benchmark not in known:
        raise StoreError(f"{where}: no benchmark '{benchmark}'{did_you_mean(benchmark, known)}")
    return [out / benchmark for out in outs if (out / benchmark / "plan.json").exists()]
