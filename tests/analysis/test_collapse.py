"""How a generator that collapsed is told: once, and in the row of its arm."""

from __future__ import annotations

from typing import Any

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.analysis.collapse import collapse_notes
from vbench.analysis.table import latex, markdown


def previews(*steps: int, seed: int = 0, recovered: bool = False) -> list[dict[str, Any]]:
    about = {"generator": "gan", "seed": seed, "fault": "all labels are empty"}
    return [{**about, "step": step, "recovered": recovered} for step in steps]


@pytest.mark.parametrize(
    ("collapsed", "note"),
    [
        (previews(50, recovered=True), "gan collapsed: seed 0, step 50: all labels are empty (it"),
        (previews(50, 100), "∅ gan collapsed: seed 0, step 50 and step 100: all labels are empty"),
        (previews(*range(10, 100, 10)), "seed 0, 9 previews from step 10 to 90: all labels are"),
        (previews(5, 6) + previews(5, seed=1), "; seed 1, step 5: all labels are empty"),
    ],
)
def test_previews_that_are_alike_are_told_once(collapsed: list[Any], note: str) -> None:
    (told,) = collapse_notes([{"generator": "gan", "collapsed": collapsed}] * 2)
    assert note in told
    assert told.startswith("∅ ") != bool(collapsed[0]["recovered"])


def test_a_generator_that_ended_collapsed_stands_in_its_row(tmp_path: Any) -> None:
    board = build_leaderboard(fabricate(tmp_path, truth={"real": 0.9, "synthetic/gan": 0.8}).folder)
    row = next(row for row in board["rows"] if row["arm"] == "synthetic/gan")
    for recovered, sign in ((True, False), (False, True)):
        row["collapsed"] = previews(1, 2, 3, recovered=recovered)
        line = next(each for each in markdown(board).splitlines() if "| synthetic/gan" in each)
        assert ("∅" in line) == sign
        assert ("$^{\\emptyset}$" in latex(board)) == sign
