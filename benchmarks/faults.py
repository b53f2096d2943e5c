"""Breaks a small run in every way that there is, at every stage, and tells what happened.

    python benchmarks/faults.py [--only disk] [--table FILE]

Each case has a results folder of its own. After the fault the run must have completed or have
stopped with one clear line; then it is run again without the fault, and must end with the numbers
of an undisturbed run, with no finished job lost or done twice and nothing left over. Exit code 1
when a case fails. Disks that are full or read-only are mounted in memory, which takes root; without
it these cases are skipped.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "plugins")]

import pytest  # noqa: E402 - needs the path
from faulting import damage, kills, places, workers  # noqa: E402
from faulting.ground import Ground, grounds  # noqa: E402
from warm_workers import warm_workers  # noqa: E402

CASES = [*places.CASES, *kills.CASES, *damage.CASES, *workers.CASES]


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return the outcomes as Markdown, stages with the same outcome in one line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for fault, stage, outcome in rows:
        lines.setdefault((fault, outcome), []).append(stage)
    text = ["| fault | at | what happened |", "|---|---|---|"]
    text += [f"| {fault} | {', '.join(at)} | {said} |" for (fault, said), at in lines.items()]
    return "\n".join(text) + "\n"


def main() -> int:
    """Run all cases; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="cases whose fault or stage has these letters")
    parser.add_argument("--table", type=Path, help="write the outcomes here, as Markdown")
    options = parser.parse_args()
    rows, failed = [], 0
    with tempfile.TemporaryDirectory(prefix="vbench-faults-") as place:
        root = Path(place)
        with warm_workers(), grounds(root) as calm:
            chosen = [case for case in CASES if options.only in f"{case.fault} {case.stage}"]
            for number, case in enumerate(chosen):
                ground = Ground(root / str(number), calm, {})
                ground.folder.mkdir()
                begun = time.monotonic()
                try:
                    outcome = case.act(ground)
                except pytest.skip.Exception as skipped:
                    outcome = f"skipped: {skipped}"
                except Exception:
                    failed += 1
                    outcome = "FAILED"
                    traceback.print_exc()
                rows.append((case.fault, case.stage, outcome))
                spent = time.monotonic() - begun
                print(f"{case.fault} | {case.stage} | {outcome} | {spent:.0f} s", flush=True)
                if options.table:
                    options.table.write_text(table(rows), encoding="utf-8")
    print(f"{len(rows)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
