"""Measures a large benchmark: 10,000 jobs, 100 arms, and a store of 100,000 records.

    python benchmarks/load.py [--scale 1.0] [--store 100000]

Plans a benchmark of this size, fabricates the results of one (tests/fabricate.py), and shows them.
Prints processor time, memory and sizes as Markdown; exit code 1 when the report has 10 MB or more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "plugins")]

from fabricate import fabricate  # noqa: E402 - needs the path
from toy_benchmark import TOYS, toy_spec  # noqa: E402

from vbench.analysis.folder import read_results  # noqa: E402
from vbench.analysis.leaderboard import write_leaderboard  # noqa: E402
from vbench.engine.costs import LEARNT_FROM, Costs, training_lengths  # noqa: E402
from vbench.engine.explain import Earlier  # noqa: E402
from vbench.engine.plan import make_plan  # noqa: E402
from vbench.engine.price import Prices  # noqa: E402
from vbench.engine.seals import sealed  # noqa: E402
from vbench.engine.store import Store  # noqa: E402
from vbench.registry import for_paths  # noqa: E402
from vbench.report import write_report  # noqa: E402

LARGEST = 10_000_000


@contextlib.contextmanager
def row(what: str) -> Iterator[list[str]]:
    """Print a line: what was done, its processor time, the process's peak memory, its size."""
    size: list[str] = []
    begun = time.process_time()
    yield size
    spent = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"| {what} | {spent:.1f} s | {peak} MB | {' '.join(size)} |", flush=True)


def megabytes(path: Path) -> str:
    """Return a file's size."""
    return f"{path.stat().st_size / 1e6:.2f} MB"


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of arms")
    parser.add_argument("--store", type=int, default=100_000, help="records in the store")
    options = parser.parse_args()
    arms = max(3, round(100 * options.scale))
    seeds, trials = list(range(5)), 16
    print("| what | processor time | peak memory so far | size |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="vbench-load-") as place:
        out = Path(place)
        generators = [{"plugin": "toy-generator", "name": f"g{i}"} for i in range(arms // 2)]
        spec = toy_spec(
            benchmark__seeds=seeds,
            tune={"trials": trials},
            generators=generators,
            regimes={"real": True, "synthetic": True, "mixed": True},
        )
        with row(f"plan: {arms} arms") as size:
            plan = make_plan(spec, for_paths((TOYS,)))
            size += [f"{len(plan.jobs)} jobs"]
        names = [f"{regime}/g{i}" for i in range(arms // 2) for regime in ("synthetic", "mixed")]
        truth = {name: 0.8 + 0.001 * i for i, name in enumerate(["real", *names])}
        made = fabricate(
            out, seeds=tuple(seeds), trials=trials, n_test=10, truth=truth, failed=None
        )
        cases = sum(len((r["result"] or {}).get("cases", ())) for r in made.records)
        with row(f"read {len(made.records)} records with {cases} scores") as size:
            results = read_results(made.folder)
            size += [megabytes(made.folder / "records.jsonl")]
        with row(f"leaderboard of {len(truth)} arms") as size:
            board = write_leaderboard(made.folder, results)
            size += [megabytes(made.folder / "leaderboard.json")]
        with row("report") as size:
            write_report(made.folder, results, board)
            size += [megabytes(made.folder / "report.html")]
        store = Store(out / "large" / "store")
        store.create()
        record = next(each for each in made.records if each["stage"] == "fit-segmenter")
        for number in range(options.store):
            folder = store.folder(f"{number:020d}")
            folder.mkdir()
            value = sealed({**record, "key": folder.name}, {})
            (folder / "record.json").write_text(json.dumps(value))
        lengths = training_lengths(for_paths((TOYS,)))
        a_run = (Costs(lengths=lengths),)
        a_plan = (Earlier(), Costs(lengths=lengths), Prices(store, lengths))
        learners: tuple[Any, ...]
        for what, newest, learners in (
            ("a run learns from it how long jobs take", LEARNT_FROM, a_run),
            ("`vbench plan` explains and prices jobs by it", None, a_plan),
        ):
            with row(f"a store of {options.store} records, seals checked: {what}") as size:
                read = 0
                for found in store.records(newest):
                    for learner in learners:
                        learner.add(found)
                    read += 1
                size += [f"{read} records"]
        return 1 if (made.folder / "report.html").stat().st_size >= LARGEST else 0


if __name__ == "__main__":
    sys.exit(main())
