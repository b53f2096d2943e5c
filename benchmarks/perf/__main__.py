"""Speed as one table: ``python benchmarks/perf [--quick] [--only PATTERN]… [--guard]``.

Measures the lines in ``lines/`` and updates ``results/perf.json`` and ``results/perf.md``. With
``--guard`` nothing is written: it fails where a ratio falls clearly below the committed one.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from pathlib import Path

import harness
import machine
import table

RESULTS = Path(__file__).resolve().parents[2] / "results" / "perf.json"


def main() -> int:
    """Measure, show and write; return 1 when a line failed or fell, 2 when none is meant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the lines that guard, few rounds")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--rounds", type=int, help="of each line; its own number otherwise")
    parser.add_argument("--guard", action="store_true", help="compare with the committed ratios")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the JSON is")
    parser.add_argument("--list", action="store_true", help="the names of the lines")
    parser.add_argument("--line", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    harness.load_lines()
    if chosen.line:
        print(json.dumps(harness.measure_here(chosen.line, chosen.rounds)))
        return 0
    wanted = [
        one
        for one in harness.LINES.values()
        if (one.quick or not chosen.quick)
        and (not chosen.only or any(fnmatch.fnmatch(one.name, glob) for glob in chosen.only))
    ]
    if not wanted:
        print(f"no line is called {', '.join(chosen.only)}; see --list", file=sys.stderr)
        return 2
    if chosen.list:
        print("\n".join(one.name for one in wanted))
        return 0
    committed = table.load(chosen.out)
    measured = {}
    for one in wanted:
        rounds = chosen.rounds or (3 if chosen.quick else None)
        measured[one.name] = found = harness.measure(one.name, rounds, one.threads)
        if "ours" in found:
            text = f"{table.said(found)}  {table.shown(found)}  {table.goal(one, found)}"
        else:
            text = f"not measured: {table.absent(found)}"
        print(f"{one.name}: {text.replace('**', '')}", flush=True)
        if not chosen.guard:  # after each line: what was measured is kept
            before = table.load(chosen.out)
            found["machine"] = machine.name()
            lines = {**before["lines"], one.name: found}
            table.save({"machine": found["machine"], **before, "lines": lines}, chosen.out)
    fallen = table.fallen({"lines": measured}, committed if chosen.guard else {"lines": {}})
    for text in fallen:
        print(f"fell: {text}", file=sys.stderr)
    return int(bool(fallen))


if __name__ == "__main__":
    sys.exit(main())
