"""How time and memory grow: ``python benchmarks/perf/growth.py [--only KIND]…``.

Each point runs in a process of its own, with one thread: processor time of the work, and by how
much it raises the peak of resident memory. A straight line through the logarithms gives the
exponent: 1 is linear. Writes ``results/growth.json``, ``growth.md`` and ``growth.svg``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
import numpy as np

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "results" / "growth.json"
#: What a point prepares; the call that it returns is measured.
Prepare = Callable[[int, Path], Callable[[], Any]]


def subjects(n: int, folder: Path) -> Callable[[], Any]:
    """Draw 200 patches of each of n prepared subjects, and take every one once."""
    import volumes

    from vbench.data.patches import VolumePatches
    from vbench.data.prepare import open_volume, prepare_subject

    for made in volumes.subjects(n, (96, 96, 64)):
        prepare_subject(made, folder / made.id)
    opened = [open_volume(folder / name) for name in sorted(path.name for path in folder.iterdir())]

    def work() -> None:
        pool = VolumePatches(opened, size=(16, 16, 16), per_subject=200, seed=0)
        for part in np.array_split(np.arange(len(pool)), max(1, len(pool) // 32)):
            pool.take(part)

    return work


def block_voxels(n: int, folder: Path) -> Callable[[], Any]:
    """Do two steps of the U-net on blocks with n voxels."""
    return unet_steps((round(n ** (1 / 3)),) * 3)


def slice_pixels(n: int, folder: Path) -> Callable[[], Any]:
    """Do two steps of the U-net on slices with n pixels."""
    return unet_steps((round(n ** (1 / 2)),) * 2)


def unet_steps(size: tuple[int, ...]) -> Callable[[], Any]:
    """Do two steps of the U-net on patches of a size."""
    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.segmenters.training import PatchTrainer, build, loss_function
    from vbench_plugins.segmenters.unet_params import UnetParams

    from vbench.types import Setup

    params = UnetParams(steps=10, batch_size=4, depth=2)
    compute = Compute("cpu", "float32", "channels_last")
    network = build(Setup(size), params, 0)
    trainer = PatchTrainer(params, network, compute, 0, loss_function(params.loss))
    drawn = np.random.default_rng(0).random((4, 2, *size), np.float32)

    def work() -> None:
        for _ in range(2):
            trainer.step(drawn)

    return work


def jobs(n: int, folder: Path) -> Callable[[], Any]:
    """Plan, explain, run with a stub and note n jobs."""
    from harnessed import measure

    measure(50)
    return lambda: measure(n)


def records(n: int, folder: Path) -> Callable[[], Any]:
    """Read n records of a store and learn what jobs cost."""
    from harnessed import place, planned, record_of

    from vbench.engine.costs import Costs
    from vbench.engine.store import Store
    from vbench.registry import default

    store = Store(folder / "store")
    store.create()
    plan = planned(100, default())
    known = list(plan.jobs.values())
    for number in range(n):
        job = known[number % len(known)]
        place(store, record_of(job, key=f"{number:08d}{job.key}"))
    return lambda: Costs(store.records())


def cases(n: int, folder: Path) -> Callable[[], Any]:
    """Build the leaderboard of n cases: ever more arms."""
    from lines.leaderboard import write_folder

    from vbench.analysis import build_leaderboard

    write_folder(folder, max(1, n // (3 * 14 * 12)), 14, 12)
    return lambda: build_leaderboard(folder)


def released(n: int, folder: Path) -> Callable[[], Any]:
    """Audit n patches against as many training patches of 12 and two thirds as many of 8 others."""
    from lines.audit import HELD, TRAINED, audit_of

    return audit_of(n, n // TRAINED, TRAINED, HELD)


#: What grows, where it is measured, and the work.
KINDS: dict[str, tuple[tuple[int, ...], Prepare]] = {
    "subjects": ((1, 5, 10, 20, 41), subjects),
    "voxels of a block": ((16**3, 24**3, 32**3, 48**3, 64**3), block_voxels),
    "pixels of a slice": ((96**2, 128**2, 192**2, 256**2), slice_pixels),
    "jobs in the plan": ((100, 300, 1000, 3000, 10_000), jobs),
    "records": ((100, 1000, 10_000, 30_000, 100_000), records),
    "cases": ((1008, 5040, 20160, 50400), cases),
    "patches in an audit": ((1200, 4800, 12_000, 41_000), released),
}


def point(kind: str, n: int) -> dict[str, float]:
    """Measure one point, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        work = KINDS[kind][1](n, Path(folder))
        begun = time.process_time()
        risen = machine.risen(work)
        return {"n": n, "seconds": time.process_time() - begun, "megabytes": risen / 2**20}


def exponent(points: list[dict[str, Any]], name: str) -> float:
    """Return the slope of the logarithms, over the larger half of the points."""
    kept = points[-3:]
    x, y = (np.log([max(p[of], 1e-6) for p in kept]) for of in ("n", name))
    return float(np.polyfit(x, y, 1)[0])


def save(table: dict[str, list[dict[str, Any]]]) -> None:
    """Write numbers, page and figure."""
    import altair as alt
    import pandas as pd

    before = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    usual = before.get("machine", machine.name())
    RESULTS.write_text(json.dumps({"machine": usual, "points": table}, indent=1) + "\n")
    others = {p["machine"] for points in table.values() for p in points if "machine" in p}
    elsewhere = [
        f"On {where}: "
        + ", ".join(k for k, points in table.items() if points[-1].get("machine") == where)
        + ".\n"
        for where in sorted(others - {usual})
    ]
    rows = [
        "# Growth\n",
        "`make growth`: processor time of one thread, and by how much the peak of resident memory",
        "rises. *Exponent*: the slope of the logarithms over the three largest",
        "points; 1 is linear, less is what a fixed part leaves. An audit compares every released",
        "patch with every real one, so its time grows with the square.\n",
        f"Machine: {usual}.\n",
        *elsewhere,
        "![time and memory against what grows](growth.svg)\n",
        "| what grows | from – to | seconds | exponent | MB | exponent |",
        "|---|---|---|---|---|---|",
    ]
    for kind, points in table.items():
        first, last = points[0], points[-1]
        rows.append(
            f"| {kind} | {first['n']:,} – {last['n']:,} | "
            f"{first['seconds']:.3g} – {last['seconds']:.3g} | {exponent(points, 'seconds'):.2f} | "
            f"{first['megabytes']:.3g} – {last['megabytes']:.3g} | "
            f"{exponent(points, 'megabytes'):.2f} |"
        )
    RESULTS.with_suffix(".md").write_text("\n".join(rows) + "\n")
    long = pd.DataFrame([
        {"kind": kind, "n": p["n"], "what": what, "value": max(p[what], 1e-3)}
        for kind, points in table.items() for p in points for what in ("seconds", "megabytes")
    ])  # fmt: skip
    panels = [
        alt.Chart(long[long.kind == kind], title=kind)
        .mark_line(point=True)
        .encode(
            alt.X("n:Q", scale=alt.Scale(type="log"), title=None),
            alt.Y("value:Q", scale=alt.Scale(type="log"), title=None),
            alt.Color("what:N", title=None),
        )
        .properties(width=180, height=140)
        for kind in table
    ]
    alt.hconcat(*panels).save(str(RESULTS.with_suffix(".svg")))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", default=[], choices=list(KINDS))
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.point:
        print(json.dumps(point(chosen.point[0], int(chosen.point[1]))))
        return
    table = json.loads(RESULTS.read_text())["points"] if RESULTS.is_file() else {}
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
    for kind in chosen.only or KINDS:
        points = []
        for n in KINDS[kind][0]:
            done = subprocess.run(
                [sys.executable, __file__, "--point", kind, str(n)],
                check=True, capture_output=True, text=True, env={**os.environ, **one},
            )  # fmt: skip
            points.append(json.loads(done.stdout.splitlines()[-1]) | {"machine": machine.name()})
        table[kind] = points
        print(f"{kind}: time ~ n^{exponent(points, 'seconds'):.2f}, "
              f"memory ~ n^{exponent(points, 'megabytes'):.2f}", flush=True)  # fmt: skip
        save({name: table[name] for name in KINDS if name in table})


if __name__ == "__main__":
    main()
