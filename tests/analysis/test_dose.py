"""The dose curve: scores by the number of synthetic patches, and what the report says of them."""

from __future__ import annotations

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.analysis.dose import dose_table
from vbench.analysis.folder import read_results
from vbench.figures.dose import dose
from vbench.report import write_report
from vbench.report.summary import write_summary
from vbench.report.words import summary

TRUTH = {
    "real": 0.89,
    "synthetic/gan/x0.25": 0.70,
    "synthetic/gan": 0.80,
    "synthetic/gan/x4": 0.86,
    "mixed/gan": 0.90,
    "mixed/gan/x4": 0.90,
    "synthetic/other": 0.7,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fabricate(tmp_path_factory.mktemp("dose"), truth=TRUTH, failed=None).folder


@pytest.fixture(scope="module")
def board(folder):
    return build_leaderboard(folder)


def curve_of(board, regime, metric="dsc"):
    return next(c for c in board["dose"] if (c["regime"], c["metric"]) == (regime, metric))


def test_there_is_a_curve_for_each_regime_generator_and_metric(board):
    found = {(c["regime"], c["generator"], c["metric"]) for c in board["dose"]}
    metrics = ("dsc", "hd95", "cldice")
    assert found == {(regime, "gan", m) for regime in ("synthetic", "mixed") for m in metrics}
    assert {row["arm"]: row.get("dose") for row in board["rows"]}["synthetic/other"] is None


def test_a_curve_is_in_the_order_of_doses_and_compared_with_dose_1_and_real(board):
    curve = curve_of(board, "synthetic")
    assert curve["dose"] == [0.25, 1, 4]
    assert curve["arm"] == ["synthetic/gan/x0.25", "synthetic/gan", "synthetic/gan/x4"]
    assert curve["change"][0] == pytest.approx(-0.1, abs=0.02)
    assert curve["change"][1] is None
    assert curve["change"][2] == pytest.approx(0.06, abs=0.02)
    assert curve["ratio"][2] == pytest.approx(0.86 / 0.89, abs=0.02)
    assert curve["p"][2] < 0.05
    low, high = curve["change_ci95"][2]
    assert low < curve["change"][2] < high


def test_a_change_is_the_difference_of_the_two_rows(board):
    rows = {row["arm"]: row["metrics"]["dsc"]["mean"] for row in board["rows"]}
    change = curve_of(board, "synthetic")["change"][2]
    assert change == pytest.approx(rows["synthetic/gan/x4"] - rows["synthetic/gan"])


def test_a_failed_dose_is_left_out_of_the_curve(tmp_path):
    made = fabricate(tmp_path, truth=TRUTH, failed="synthetic/gan/x0.25")
    assert curve_of(build_leaderboard(made.folder), "synthetic")["dose"] == [1, 4]


def test_the_summary_names_the_best_dose_and_what_was_shown(board):
    lines = [line for line in summary(board) if line.startswith("Trained on patches of gan")]
    assert len(lines) == 1
    assert "best at 4, +0.056" in lines[0]
    assert "a significant change (p" in lines[0]


def test_report_and_summary_have_figure_and_table(folder, board, tmp_path):
    (figure, _) = dose(board, ["dsc", "hd95"])
    points = figure.chart["datasets"]["points"]
    assert {p["series"] for p in points} == {
        "patches of gan",
        "real patches and those of gan",
        "real patches only",
    }
    header, rows = dose_table(board, ["dsc"])
    assert len(rows) == 5
    assert all(len(row) == len(header) for row in rows)
    page = write_report(folder).read_text()
    assert "Dose of synthetic patches" in page
    text = write_summary(folder, tmp_path).read_text()
    assert "| patches of gan | DSC | 0.25 |" in text
    assert (tmp_path / "dose-dose-curve-dsc.svg").is_file()


def test_without_doses_there_is_no_section(tmp_path):
    folder = fabricate(tmp_path).folder
    assert build_leaderboard(folder)["dose"] == []
    assert dose(build_leaderboard(folder), ["dsc"]) == []
    assert 'id="dose"' not in write_report(folder).read_text()
    assert not any("dose" in row for row in build_leaderboard(folder)["rows"])
    assert not any(arm.dose for arm in read_results(folder).arms)
