"""Scores by subgroup: who is in which group, when they are tested, and where they are shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from fabricate import Fabricated, fabricate

from vbench.analysis.folder import read_results
from vbench.analysis.leaderboard import leaderboard
from vbench.analysis.merge import merge_folders
from vbench.analysis.subgroups import SMALLEST, rules, subgroup_sections, welch
from vbench.cli import cli
from vbench.report.page import render

TRUTH = {"real": 0.9, "baseline/threshold": 0.55}


def grouped(out: Path, of: dict[str, list[str]], **changes: Any) -> Fabricated:
    """A benchmark of 12 test subjects; ``of`` has the group of each, "" for none, by column."""
    made = fabricate(out, n_test=12, failed=None, audit=False, truth=TRUTH, trials=1, **changes)
    subjects = made.plan["data"]["source"]["subjects"]["test"]
    made.plan["data"]["source"]["subgroups"] = {
        column: {s: value for s, value in zip(subjects, values, strict=True) if value}
        for column, values in of.items()
    }
    made.rewrite()
    return made


def lower(made: Fabricated, arm: str, column: str, group: str, by: float) -> None:
    """Lower an arm's DSC in one group."""
    value_of = made.plan["data"]["source"]["subgroups"][column]
    for seed in (0, 1, 2):
        for case in made.cases(arm, seed):
            if case["metric"] == "dsc" and value_of.get(case["subject"]) == group:
                case["value"] -= by
    made.rewrite()


SIX = ["A"] * 6 + ["B"] * 6


def row(board: dict[str, Any], arm: str = "real") -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in board["rows"] if row["arm"] == arm)
    return found


def test_the_means_are_of_the_subjects_of_each_group(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"scanner": [*SIX[:11], ""]})
    board = leaderboard(read_results(made.folder))
    about = board["subgroups"]["source"]["scanner"]
    value_of = made.plan["data"]["source"]["subgroups"]["scanner"]
    assert {v: len(s) for v, s in about["groups"].items()} == {"A": 6, "B": 5}
    assert len(about["unknown"]) == 1
    for group in "AB":
        values = [
            case["value"]
            for seed in (0, 1, 2)
            for case in made.cases("real", seed)
            if case["metric"] == "dsc" and value_of.get(case["subject"]) == group
        ]
        entry = row(board)["subgroups"]["scanner"]["groups"][group]["dsc"]
        assert entry["mean"] == pytest.approx(np.mean(values))
        assert entry["n"] == len(values)
    assert any("1 test subject has no value" in line for line in rules(board))


def test_a_difference_is_found_and_none_is_not(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"scanner": SIX})
    lower(made, "real", "scanner", "B", 0.3)
    board = leaderboard(read_results(made.folder))
    gap = row(board)["subgroups"]["scanner"]["gaps"]["dsc"]
    assert (gap["lowest"], gap["highest"], gap["tested"]) == ("B", "A", ["A", "B"])
    assert gap["gap"] == pytest.approx(0.3, abs=0.1)
    assert gap["p_raw"] < 0.001
    assert gap["p"] == min(1.0, 2 * gap["p_raw"])  # of two arms
    assert row(board, "baseline/threshold")["subgroups"]["scanner"]["gaps"]["dsc"]["p"] > 0.05


def test_a_group_that_is_too_small_is_shown_and_not_tested(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"scanner": ["A"] * (13 - SMALLEST) + ["B"] * (SMALLEST - 1)})
    lower(made, "real", "scanner", "B", 0.3)
    board = leaderboard(read_results(made.folder))
    gap = row(board)["subgroups"]["scanner"]["gaps"]["dsc"]
    assert (gap["tested"], gap["p_raw"], gap["p"]) == ([], None, None)
    assert gap["gap"] > 0.2
    section = next(subgroup_sections(board))
    assert "smallest group 4 test subjects" in section.title
    assert section.header == ("arm", "A (n=8)", "B (n=4)", "gap", "p")
    assert {line[-1].text for line in section.lines} == {"–"}
    assert any(f"fewer than {SMALLEST}" in line for line in rules(board))


def test_a_person_in_two_groups_counts_in_both_and_keeps_them_from_a_test(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"side": ["left", "right"] * 6})
    subjects = made.plan["data"]["source"]["subjects"]["test"]
    people = {subject: f"p{i // 2}" for i, subject in enumerate(subjects)}
    made.plan["data"]["source"]["groups"] = people
    made.rewrite()
    board = leaderboard(read_results(made.folder))
    groups = board["subgroups"]["source"]["side"]["groups"]
    assert groups["left"] == groups["right"] == [f"p{i}" for i in range(6)]
    assert row(board)["subgroups"]["side"]["gaps"]["dsc"]["p_raw"] is None


def test_two_groups_are_welchs_t_test_and_equal_ones_differ_in_5_of_100() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(0)
    a, b = rng.normal(0.8, 0.1, 7), rng.normal(0.9, 0.03, 12)
    assert welch([a, b]) == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    drawn = [[rng.normal(0.8, sd, n) for n, sd in ((5, 0.03), (9, 0.01), (20, 0.02))]
             for _ in range(300)]  # fmt: skip
    assert np.mean([(welch(groups) or 0) < 0.05 for groups in drawn]) <= 0.07
    assert welch([np.full(5, 0.8), b]) is None


def test_without_columns_nothing_is_written(tmp_path: Path) -> None:
    made = fabricate(tmp_path, failed=None, audit=False, truth=TRUTH, trials=1)
    board = leaderboard(read_results(made.folder))
    assert "subgroups" not in board
    assert all("subgroups" not in row for row in board["rows"])
    assert list(subgroup_sections(board)) == []


def test_a_board_of_two_folders_keeps_them(tmp_path: Path) -> None:
    first = grouped(tmp_path / "a", {"scanner": SIX}, seeds=(0, 1))
    second = grouped(tmp_path / "b", {"scanner": SIX}, seeds=(2,))
    board = merge_folders([first.folder, second.folder])
    assert row(board)["seeds"] == 3
    assert set(row(board)["subgroups"]["scanner"]["groups"]) == {"A", "B"}


def call(made: Fabricated, *words: str) -> Any:
    out = ["--out", str(made.folder.parent)]
    return CliRunner().invoke(cli, ["leaderboard", made.folder.name, *out, *words])


def test_the_command_shows_them_in_every_format(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"Scanner": SIX, "sex": ["f", "m"] * 6})
    shown = call(made, "--by", "scanner", "--metric", "dsc").output
    assert "by Scanner" in shown
    assert "by sex" not in shown
    assert "A (n=6)" in shown
    assert "| A (n=6) |" in call(made, "--by", "scanner", "--format", "md").output
    assert "by Scanner" in call(made, "--by", "scanner", "--format", "latex").output
    lines = list(csv.DictReader(io.StringIO(call(made, "--by", "sex", "--format", "csv").output)))
    assert {(line["column"], line["group"], line["subjects"]) for line in lines} == {
        ("sex", "f", "6"),
        ("sex", "m", "6"),
    }
    board = json.loads(call(made, "--format", "json").output)
    assert (
        float(lines[0]["mean"])
        == board["rows"][0]["subgroups"]["sex"]["groups"]["f"]["dsc"]["mean"]
    )


def test_a_column_that_the_spec_does_not_name(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"scanner": SIX})
    found = call(made, "--by", "scaner")
    assert found.exit_code != 0
    assert "subgroups here are scanner; did you mean 'scanner'?" in str(found.exception)


def test_the_report_has_them_and_escapes_them(tmp_path: Path) -> None:
    made = grouped(tmp_path, {"<b>site": ["<i>x"] * 6 + ["y"] * 6}, seeds=(0,))
    results = read_results(made.folder)
    page = render(results, leaderboard(results), made.folder)
    assert "DSC ↑ by &lt;b&gt;site" in page
    assert "&lt;i&gt;x (n=6)" in page
    assert "<i>x" not in page.split("<script")[0]
