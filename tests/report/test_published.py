"""Published figures stand beside ours, each pair of arms once."""

from __future__ import annotations

from typing import Any

from vbench.report.reference import comparison


def _row(arm: str, mean: float, **versus: Any) -> dict[str, Any]:
    return {
        "arm": arm,
        "status": "ok",
        "metrics": {"dsc": {"mean": mean, "ci95": [mean - 0.01, mean + 0.01]}},
        "versus": versus,
    }


def test_a_pair_is_compared_once_where_the_best_arm_is_the_reference() -> None:
    against = {
        "dsc": {
            "arm": "real",
            "difference": -0.1,
            "ci95": [-0.2, 0.0],
            "ratio": 0.9,
            "ratio_ci95": [0.8, 1.0],
        }
    }
    board = {
        "primary": "dsc",
        "rows": [_row("real", 0.9), _row("synthetic/a", 0.8, reference=against, best=against)],
    }
    values = {"real": {"dsc": 0.89}, "synthetic/a": {"dsc": 0.85}}
    spec = {"reference": {"citation": "A", "url": "", "note": "", "values": values}}
    found = comparison(spec, board)
    assert found is not None
    assert [row[0] for row in found.rows] == [
        "real",
        "synthetic/a",
        "synthetic/a less real",
        "synthetic/a / real",
    ]
    assert found.rows[3][1:3] == ["0.955", "0.900 [0.800, 1.000]"]
