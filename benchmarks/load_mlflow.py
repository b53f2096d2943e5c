"""Measures MLflow with the runs of a large benchmark: the mirror, and what its pages ask for.

    python benchmarks/load_mlflow.py [--arms 20]

Fabricates a benchmark (tests/fabricate.py) of 20 arms, three seeds and 16 trials, which are about
1,000 runs; mirrors it, mirrors it again, opens `vbench ui`, and asks what the browser does: the
first page, the list of experiments, and the experiment's runs, sorted as vbench's view sorts them.
Prints processor time, of all processes, as Markdown; exit code 1 when an answer is not the one
that was mirrored.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "plugins")]

from fabricate import fabricate  # noqa: E402 - needs the path
from load import megabytes, row  # noqa: E402
from vbench_plugins.tracking.mirror import sync  # noqa: E402

from vbench import read_result  # noqa: E402

TRIALS, SEEDS = 16, (0, 1, 2)
#: What MLflow's page of an experiment asks for at a time.
PAGE = 100
#: As vbench's view of an experiment filters it.
ARMS = "tags.level = 'arm'"


def spent(process: psutil.Process) -> float:
    """Return the processor time of a process and of all below it."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(each.cpu_times()[:2])
    return total


def fetch(url: str, asked: Any = None) -> bytes:
    """Return what a page, or with a question MLflow's API, answers."""
    body = None if asked is None else json.dumps(asked).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        content: bytes = answer.read()
    return content


@contextlib.contextmanager
def served(out: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Open ``vbench ui``; give its address and its process."""
    command = [sys.executable, "-m", "vbench", "ui", "--out", str(out), "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"MLflow UI on (http://\S+);", line):
                yield found[1], psutil.Process(process.pid)
                break
        else:
            raise SystemExit("vbench ui did not start")
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--arms", type=int, default=20)
    arms = parser.parse_args().arms
    names = ["real", *(f"synthetic/g{i}" for i in range(1, arms))]
    truth = {name: 0.8 + 0.001 * i for i, name in enumerate(names)}
    wrong: list[str] = []
    print("| what | processor time | peak memory so far | size |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="vbench-load-") as place:
        out = Path(place)
        made = fabricate(out, seeds=SEEDS, trials=TRIALS, truth=truth, failed=None)
        result = read_result(made.folder)
        means = {arm.name: arm.row["metrics"]["dsc"]["mean"] for arm in result.arms}
        ranked = sorted(means, key=means.__getitem__, reverse=True)
        runs = arms * (1 + len(SEEDS) * TRIALS)
        for what in (f"mirror {runs} runs into MLflow", "mirror them again: nothing changed"):
            with row(what) as size:
                sync(result)
                size += [megabytes(out / "mlflow.db")]
        with served(out) as (base, server):
            api = f"{base}/ajax-api/2.0/mlflow"

            def asked(what: str, path: str, question: Any = None) -> Any:
                before = spent(server)
                content = fetch(path, question)
                took = spent(server) - before
                size = f"{len(content) / 1e6:.3f} MB"
                print(f"| {what} | {took:.1f} s | | {size} |", flush=True)
                return content if question is None else json.loads(content)

            first = asked("`vbench ui`, once it answers: first page", base).decode()
            for name in re.findall(r'<script[^>]* src="([^"]+)"', first):
                asked("its script", f"{base}/{name.lstrip('./')}")
            found = asked(
                "list of experiments",
                f"{api}/experiments/search",
                {"max_results": PAGE, "order_by": ["last_update_time DESC"]},
            )
            ids = {e["name"]: e["experiment_id"] for e in found["experiments"]}
            view = {
                "experiment_ids": [ids["demo"]],
                "run_view_type": "ACTIVE_ONLY",
                "order_by": ["metrics.`dsc` DESC"],
                "max_results": PAGE,
            }
            search = f"{api}/runs/search"
            page = asked("page of an experiment: its arms", search, {**view, "filter": ARMS})
            best = [run["info"]["run_name"] for run in page["runs"]]
            if best != ranked:
                wrong.append(f"the page shows {best}, the leaderboard has {ranked}")
            page = asked("page of an experiment: any 100 runs", search, view)
            if len(page["runs"]) != min(PAGE, runs):
                wrong.append(f"the first page has {len(page['runs'])} runs")
            page = asked(f"all {runs} runs at once", search, {**view, "max_results": runs})
            if len(page["runs"]) != runs:
                wrong.append(f"MLflow has {len(page['runs'])} runs of {runs}")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
