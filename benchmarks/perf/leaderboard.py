"""What the whole leaderboard of a benchmark of the paper's size takes, since a run rebuilds it.

Also: the interval of a mean and the comparison of two arms in closed form, beside a bootstrap that
resamples seeds and subjects in a loop. 3 seeds × 14 subjects, interleaved rounds, medians.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS, DRAWS = 5, 4000
SEEDS, SUBJECTS, ARMS, METRICS = 3, 14, 20, 12
NEEDED = 10.0


def plain(values: np.ndarray) -> float:
    """Return the mean of the bootstrap, drawn in a loop."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(DRAWS):
        rows = rng.integers(len(values), size=len(values))
        columns = rng.integers(values.shape[1], size=values.shape[1])
        means.append(values[np.ix_(rows, columns)].mean())
    return float(np.mean(means))


def write_folder(folder: Path) -> None:
    """Write a benchmark folder with random scores."""
    rng = np.random.default_rng(0)
    subjects = [f"s{i:02d}" for i in range(SUBJECTS)]
    names = [f"m{i:02d}" for i in range(METRICS)]
    arms, records = [], []
    inputs = {
        "plugin": {"name": "p"},
        "trials": [],
        "test": [],
        "size": [16, 16, 16],
        "metrics": [],
        "higher_is_better": True,
        "seed": 0,
    }
    for arm in ["real", *(f"synthetic/g{i}" for i in range(ARMS - 1))]:
        evaluate = {str(seed): f"{arm}-{seed}" for seed in range(SEEDS)}
        arms.append({"arm": arm, "regime": arm.split("/")[0], "evaluate": evaluate})
        for key in evaluate.values():
            cases = [
                {"subject": s, "metric": m, "value": float(rng.random()), "status": "ok"}
                for s in subjects
                for m in names
            ]
            result = {"trial": 0, "threshold": 0.5, "validation_score": 0.5, "cases": cases}
            record = {"key": key, "stage": "evaluate", "status": "ok"}
            records.append(json.dumps({**record, "inputs": inputs, "result": result}))
    data = {
        "source": {"plugin": "p", "fingerprint": "f", "subjects": {"test": subjects}},
        "target": None,
    }
    metrics = {m: {"family": "segmentation", "id": f"{m}@1"} for m in names}
    plan = {"benchmark": "b", "data": data, "arms": arms, "metrics": metrics}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "records.jsonl").write_text("\n".join(records))


def main() -> None:
    from vbench.analysis import build_leaderboard
    from vbench.analysis.compare import versus
    from vbench.analysis.scores import ArmScores, MetricInfo
    from vbench.analysis.uncertainty import mean_interval

    values = np.random.default_rng(1).normal(0.8, 0.1, (2, SEEDS, SUBJECTS))
    subjects = tuple(map(str, range(SUBJECTS)))
    one, two = (ArmScores(v, np.isnan(v), tuple(range(SEEDS)), subjects) for v in values)
    calls = {
        "bootstrap of one mean, in a loop": lambda: plain(values[0]),
        "interval of one mean": lambda: mean_interval(values[0]),
        "comparison of two arms": lambda: versus(one, two, MetricInfo("m", "m@1", "", True)),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_folder(folder)
        build_leaderboard(folder)
        start = time.perf_counter()
        build_leaderboard(folder)
        whole = time.perf_counter() - start
    loop, closed, _ = middle = [statistics.median(taken) for taken in times.values()]
    for name, seconds in zip(calls, middle, strict=True):
        print(f"{name:34} {seconds * 1e3:9.2f} ms")
    print(f"leaderboard of {ARMS} arms × {METRICS} metrics × {SEEDS} seeds: {whole:.2f} s")
    if loop / closed < NEEDED:
        raise SystemExit(f"expected at least {NEEDED} times as fast")


if __name__ == "__main__":
    main()
