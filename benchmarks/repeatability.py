"""Fits every built-in method again: in other processes, with other thread counts, interrupted.

    python benchmarks/repeatability.py [--threads 2 4] [--only unet3d]

Tiny parameters, on the CPU. Prints as Markdown how far the weights of another process, of a fit
that was interrupted after each step, and of other numbers of threads are from those of an
undisturbed fit on one thread: ``=`` to the last bit, otherwise the largest difference by the
largest weight. Exit code 1 when a fit on one thread differs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "plugins")]

import numpy as np  # noqa: E402 - needs the path
from repeating import Skip, methods, verdict, whole  # noqa: E402

from vbench.engine.weights import load_weights, save_weights  # noqa: E402


def fit_all(folder: Path, only: str) -> None:
    """Fit each method in this process and keep its weights."""
    for name, cls in sorted(methods().items()):
        if only in name:
            try:
                save_weights(folder / name.replace(":", "-"), whole(cls)[0])
            except Skip as skip:
                print(f"{name}: skipped: {skip}", file=sys.stderr)


def elsewhere(folder: Path, threads: int, only: str) -> Path:
    """Fit each method in a new process with so many threads."""
    folder.mkdir()
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    command = [sys.executable, __file__, "--fit", str(folder), "--only", only]
    subprocess.run(command, env=environment, check=True)
    return folder


def spread(one: Path, other: Path) -> str:
    """Return the largest difference of two tables of weights by the largest weight."""
    first, second = load_weights(one), load_weights(other)
    worst = 0.0
    for name in first:
        left, right = (np.asarray(each[name], np.float64) for each in (first, second))
        if left.size:
            worst = max(worst, float(np.abs(left - right).max() / (np.abs(left).max() + 1e-12)))
    return f"{worst:.0e}" if worst else "="


def main() -> int:
    """Fit, compare, print; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--only", default="")
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit_all(options.fit, options.only)
        return 0
    with tempfile.TemporaryDirectory(prefix="vbench-repeat-") as place:
        root = Path(place)
        base = elsewhere(root / "base", 1, options.only)
        others = {
            "another process": elsewhere(root / "again", 1, options.only),
            **{
                f"{threads} threads": elsewhere(root / str(threads), threads, options.only)
                for threads in options.threads
            },
        }
        import torch

        torch.set_num_threads(1)
        print(f"| method | interrupted after each step | {' | '.join(others)} |")
        print("|---" * (2 + len(others)) + "|")
        bad = False
        for name, cls in sorted(methods().items()):
            file = name.replace(":", "-")
            if not (base / file).is_file():
                continue
            found = verdict(cls)
            cells = [spread(base / file, other / file) for other in others.values()]
            bad |= cells[0] != "=" or found not in ("equal", "one step", "starts over")
            shown = {"equal": "="}.get(found, found)
            print(f"| {name} | {shown} | {' | '.join(cells)} |", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
