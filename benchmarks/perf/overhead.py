"""What the harness itself costs: wall time of a run that is not spent in jobs.

A smoke run with one worker: everything but the jobs' own seconds is planning, starting workers,
handing out, publishing to disk, the leaderboard, the report and MLflow. At the scale of the paper
the fixed part stays and the part per job grows with the jobs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
#: Records of the paper benchmark, where it was run: the scale that the share is computed for.
PAPER = BENCHMARKS.parent / "results" / "paper" / "records.jsonl"


def run(spec: Path, out: Path) -> float:
    """Run a spec with one worker; return wall seconds."""
    begun = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "vbench",
        "run",
        str(spec),
        "--out",
        str(out),
        "--workers",
        "1",
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def seconds_of(records: Path) -> list[float]:
    """Return the seconds of each job."""
    return [json.loads(line)["seconds"] for line in records.read_text().splitlines()]


def main() -> None:
    """Print the overhead of a smoke run, and its share at paper scale."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        wall = run(BENCHMARKS / "smoke.toml", out)
        jobs = seconds_of(out / "smoke" / "records.jsonl")
        cached = run(BENCHMARKS / "smoke.toml", out)
    overhead = wall - sum(jobs)
    print(f"smoke: {wall:.1f} s wall, {sum(jobs):.1f} s in {len(jobs)} jobs")
    print(f"overhead: {overhead:.1f} s ({overhead / wall:.1%}); a fully cached run {cached:.1f} s")
    if PAPER.is_file():
        paper = seconds_of(PAPER)
        each = max(0.0, overhead - cached) / len(jobs)
        scaled = cached + each * len(paper)
        share = scaled / (scaled + sum(paper))
        print(f"paper scale: {len(paper)} jobs of {sum(paper):.0f} s: {share:.1%} (bound: 5 %)")
    else:
        print("paper scale: run `make paper` first")


if __name__ == "__main__":
    main()
