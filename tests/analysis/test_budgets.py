"""Budgets and controls on the leaderboard: counted, shown, and in every sentence about transfer."""

from __future__ import annotations

import csv
import io

import pytest
from fabricate import TRUTH, fabricate

from vbench.analysis import build_leaderboard
from vbench.analysis.budgets import budget_text
from vbench.analysis.controls import explained, more_than_training
from vbench.analysis.table import markdown, to_csv
from vbench.figures.transfer import transfer
from vbench.report.words import summary


def sentences(board):
    captions = [figure.caption for figure in transfer(board, ["dsc"])]
    return " ".join([*summary(board), *captions])


def test_a_transfer_arm_counts_what_it_starts_from(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    budgets = {row["arm"]: row["budget"] for row in board["rows"]}
    assert budget_text(budgets["transfer/wgan-gp-sn/n1"]) == "100+100 · 3.2k · 2×2+2"
    assert budget_text(budgets["scratch/n1/equal-steps"]) == "200 · 3.2k · 2"
    assert budget_text(budgets["mixed/wgan-gp-sn"]) == "100 · 1.6k · 2×2+2"
    assert budget_text(budgets["baseline/threshold"]) == "– · 0 · 2"
    assert "100+100 · 3.2k · 2×2+2" in markdown(board)
    line = next(
        row
        for row in csv.DictReader(io.StringIO(to_csv(board)))
        if (row["arm"], row["metric"]) == ("transfer/wgan-gp-sn/n1", "dsc")
    )
    assert (line["budget_steps"], line["control_arm"]) == ("200", "scratch/n1/equal-steps")


def test_records_of_earlier_versions_have_an_unknown_budget(tmp_path):
    made = fabricate(tmp_path)
    for record in made.records:
        for name in ("budget", "start", "samples"):
            (record["result"] or {}).pop(name, None)
    for arm in made.plan["arms"]:
        arm.pop("control")
    made.rewrite()
    board = build_leaderboard(made.folder)
    assert {row["budget"]["steps"] for row in board["rows"]} == {None}
    assert "budget" not in markdown(board)


def test_scratch_is_never_taken_for_its_control(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    for row in board["rows"]:
        if row["regime"] == "transfer":
            n = row["n_subjects"]
            assert row["versus"]["scratch"]["dsc"]["arm"] == f"scratch/n{n}"
            assert row["versus"]["control"]["dsc"]["arm"] == f"scratch/n{n}/equal-steps"


def test_a_gain_that_equal_training_gives_is_not_called_pretrainings(tmp_path):
    equal = {**TRUTH, "scratch/n1/equal-steps": 0.912, "scratch/n2/equal-steps": 0.917}
    text = sentences(build_leaderboard(fabricate(tmp_path, truth=equal, n_test=11).folder))
    assert "so no gain over longer training could be shown" in text
    assert "cannot be put down to pre-training" in text
    assert "pre-training does more" not in text


def test_a_gain_that_stands_against_the_control_is(tmp_path):
    better = {**TRUTH, "scratch/n1/equal-steps": 0.85}
    text = sentences(build_leaderboard(fabricate(tmp_path, truth=better, n_test=11).folder))
    assert "so pre-training does more than longer training" in text


def test_without_a_control_the_words_say_that_it_was_not_tested(tmp_path):
    none = {name: mean for name, mean in TRUTH.items() if not name.endswith("equal-steps")}
    board = build_leaderboard(fabricate(tmp_path, truth=none, n_test=11).folder)
    assert [c["control"] for c in board["transfer"]] == [[None] * 3] * 3
    text = sentences(board)
    assert "whether longer training does as much by itself was not tested" in text
    assert "cannot be put down to pre-training" in text
    assert "pre-training does more" not in text


@pytest.mark.parametrize(
    ("gain", "ci", "p", "words", "is_more"),
    [
        (0.05, [0.02, 0.08], 0.01, "pre-training does more", True),
        (-0.05, [-0.08, -0.02], 0.01, "longer training does more", False),
        (0.05, [-0.01, 0.11], 0.01, "no gain", False),
        (0.05, [0.02, 0.08], 0.2, "no gain", False),
        (0.05, None, 0.01, "no gain", False),
    ],
)
def test_both_test_and_interval_have_to_stand(gain, ci, p, words, is_more):
    entry = {"arm": "c", "gain": gain, "ci95": ci, "p": p}
    assert words in explained(entry)
    assert more_than_training(entry) is is_more
