"""The score by the steps of the segmenter: each arm beside the real arm of as many steps."""

from __future__ import annotations

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.figures.steps import steps
from vbench.report import write_report
from vbench.report.summary import write_summary
from vbench.report.words import summary

#: A weak generator reaches 0.95 of real after 100 steps, and 0.80 after 400.
TRUTH = {
    "real": 0.80,
    "synthetic/weak": 0.76,
    "transfer/weak/n1": 0.85,
    "scratch/n1": 0.80,
    "scratch/n1/equal-steps": 0.80,
    "real/steps=400": 0.90,
    "synthetic/weak/steps=400": 0.72,
    "transfer/weak/n1/steps=400": 0.85,
    "scratch/n1/steps=400": 0.85,
    "scratch/n1/equal-steps/steps=400": 0.85,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("steps"), truth=TRUTH, failed=None).folder


@pytest.fixture(scope="module")
def board(folder):
    return build_leaderboard(folder)


def test_an_arm_is_compared_with_real_of_as_many_steps(board):
    rows = {row["arm"]: row for row in board["rows"]}
    for end in ("", "/steps=400"):
        assert rows[f"synthetic/weak{end}"]["versus"]["real"]["dsc"]["arm"] == f"real{end}"
        assert (
            rows[f"transfer/weak/n1{end}"]["versus"]["scratch"]["dsc"]["arm"] == f"scratch/n1{end}"
        )
    curve = next(c for c in board["steps"] if (c["base"], c["metric"]) == ("synthetic/weak", "dsc"))
    assert curve["steps"] == [100, 400]
    assert curve["ratio"] == pytest.approx([0.95, 0.80], abs=0.02)


def test_the_transfer_curve_and_the_verdicts_are_those_of_the_specs_own_length(board):
    (curve,) = (c for c in board["transfer"] if c["metric"] == "dsc")
    assert curve["gain"][0] == pytest.approx(0.05, abs=0.02)
    assert {row["arm"] for row in board["rows"] if row["verdict"]} == {"synthetic/weak"}


def test_summary_and_report_show_both_lengths(folder, board, tmp_path):
    lines = summary(board)
    assert any(line.startswith("With 100 and 400 optimiser steps, real reaches") for line in lines)
    assert any("synthetic/weak reaches 0.9" in line for line in lines)
    assert sum(line.startswith("Trained on real patches") for line in lines) == 1
    titles = [figure.title for figure in steps(board, ["dsc"])]
    assert titles == [
        "DSC by steps of the segmenter, source data",
        "DSC by steps of the segmenter, target data",
    ]
    assert 'id="steps"' in write_report(folder).read_text()
    assert "### Steps of the segmenter" in write_summary(folder, tmp_path).read_text()


def test_without_other_lengths_there_is_no_section(tmp_path):
    folder = fabricate(tmp_path).folder
    board = build_leaderboard(folder)
    assert board["steps"] == []
    assert not any("steps" in row for row in board["rows"])
    assert 'id="steps"' not in write_report(folder).read_text()
