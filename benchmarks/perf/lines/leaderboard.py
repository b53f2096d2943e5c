"""The leaderboard and report of 10,000 cases, and its statistics beside a bootstrap in a loop."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
from harness import Found, fine_seconds, in_turn, line

SEEDS, DRAWS = 3, 4000


def write_folder(folder: Path, arms: int, subjects: int, metrics: int) -> int:
    """Write a benchmark folder with random scores; return the number of cases."""
    rng = np.random.default_rng(0)
    people = [f"s{i:02d}" for i in range(subjects)]
    names = [f"m{i:02d}" for i in range(metrics)]
    shown, records = [], []
    inputs = {"plugin": {"name": "p"}, "trials": [], "test": [], "size": [16, 16, 16],
              "metrics": [], "higher_is_better": True, "seed": 0}  # fmt: skip
    for number, arm in enumerate(["real", *(f"synthetic/g{i}" for i in range(arms - 1))]):
        evaluate = {str(seed): f"{number:04d}-{seed}" for seed in range(SEEDS)}
        shown.append({"arm": arm, "regime": arm.split("/")[0], "evaluate": evaluate})
        for key in evaluate.values():
            cases = [
                {"subject": s, "metric": m, "value": float(rng.random()), "status": "ok"}
                for s in people
                for m in names
            ]
            result = {"trial": 0, "threshold": 0.5, "validation_score": 0.5, "cases": cases}
            record = {"key": key, "stage": "evaluate", "status": "ok"}
            records.append(json.dumps({**record, "inputs": inputs, "result": result}))
    source = {"plugin": "p", "fingerprint": "f", "subjects": {"test": people}}
    about = {m: {"family": "segmentation", "id": f"{m}@1"} for m in names}
    plan = {"benchmark": "b", "data": {"source": source, "target": None}, "arms": shown,
            "metrics": about}  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "records.jsonl").write_text("\n".join(records))
    return arms * SEEDS * subjects * metrics


@line("leaderboard of 10,000 cases", goal=10, rounds=3)
def board(rounds: int) -> Found:
    from vbench.analysis import build_leaderboard

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = write_folder(folder, 20, 14, 12)
        rows = build_leaderboard(folder)
        spent = [fine_seconds(lambda: build_leaderboard(folder)) for _ in range(rounds)]
        assert rows == build_leaderboard(folder)
    return Found(f"{count:,} cases: 20 arms, 12 scores, 3 seeds, 14 subjects", "the same again",
                 spent)  # fmt: skip


@line("interval of a mean", peer="a bootstrap of 4,000 draws in a loop, numpy",
      distribution="numpy", goal=10, quick=True)  # fmt: skip
def interval(rounds: int) -> Found:
    from vbench.analysis.uncertainty import mean_interval

    values = np.random.default_rng(1).normal(0.8, 0.1, (SEEDS, 14))

    def loop() -> tuple[float, float]:
        rng, means = np.random.default_rng(0), []
        for _ in range(DRAWS):
            rows = rng.integers(len(values), size=len(values))
            columns = rng.integers(values.shape[1], size=values.shape[1])
            means.append(values[np.ix_(rows, columns)].mean())
        low, high = np.percentile(means, [2.5, 97.5])
        return float(low), float(high)

    low, high = loop()
    found = mean_interval(values)
    assert found is not None
    assert all(end[0] < values.mean() < end[1] for end in ((low, high), found))
    taken, peer = in_turn(lambda: mean_interval(values), loop, rounds)
    text = f"[{found[0]:.3f}, {found[1]:.3f}] and [{low:.3f}, {high:.3f}]: two models of one mean"
    return Found("3 seeds × 14 subjects", text, taken, peer)
