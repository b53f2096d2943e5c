"""BDE issue 84: "variance over 5 independent runs", and a reader cannot tell of what.

MTEB issue 5208: neighbours of a leaderboard that no test can tell apart are read as an order. The
table says what its intervals are over, and which arms are not told apart from the best.
"""

import json

import pytest
from command_line import vbench
from fabricate import fabricate

TRUTH = {"real": 0.85, "synthetic/a": 0.849, "synthetic/b": 0.60}


@pytest.mark.parametrize(
    ("seeds", "claim", "words"),
    [
        ((3,), "networks", "[95 % interval over test subjects, for these networks]"),
        ((0, 1, 2), "methods", "[95 % interval over new trainings and subjects]"),
    ],
)
def test_the_table_says_what_its_intervals_are_over(tmp_path, seeds, claim, words):
    fabricate(tmp_path, truth=TRUTH, seeds=seeds, failed=None, audit=False)
    text = vbench("leaderboard", "--out", tmp_path).out
    assert words in text
    assert ("not about the methods" in text) == (claim == "networks")
    board = json.loads(vbench("leaderboard", "--out", tmp_path, "--format", "json").out)
    assert board["claim"] == claim
    against = [row["versus"]["real"]["dsc"] for row in board["rows"] if row["versus"].get("real")]
    assert {entry["claim"] for entry in against} == {claim}


def test_arms_that_are_not_told_apart_from_the_best_are_marked(tmp_path):
    fabricate(tmp_path, truth=TRUTH, failed=None, audit=False)
    rows = vbench("leaderboard", "--out", tmp_path).out.splitlines()
    (second,) = (line for line in rows if line.lstrip().startswith("2 "))
    (third,) = (line for line in rows if line.lstrip().startswith("3 "))
    assert "≈" in second
    assert "≈" not in third
