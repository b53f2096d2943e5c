"""Results of one benchmark from several folders."""

from __future__ import annotations

import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard, merge_folders


def by_arm(board):
    return {row["arm"]: row for row in board["rows"]}


def test_the_same_results_twice_are_one(tmp_path):
    first = fabricate(tmp_path / "a")
    second = fabricate(tmp_path / "b")
    merged = merge_folders([first.folder, second.folder])
    assert merged == build_leaderboard(first.folder)


def test_seeds_of_two_machines_are_put_together(tmp_path):
    first = fabricate(tmp_path / "a", seeds=(0, 1), failed=None)
    second = fabricate(tmp_path / "b", seeds=(2, 3), failed=None)
    board = merge_folders([first.folder, second.folder])
    rows = by_arm(board)
    assert rows["real"]["seeds"] == 4
    assert rows["real"]["cases"] == 24
    assert set(rows["real"]["best_params"]) == {"0", "1", "2", "3"}
    assert len(rows) == len(first.plan["arms"])


def test_arms_that_only_one_folder_has_are_compared_with_the_real_arm_of_the_other(tmp_path):
    first = fabricate(tmp_path / "a", truth={"real": 0.9}, failed=None)
    second = fabricate(tmp_path / "b", truth={"synthetic/new": 0.8}, failed=None)
    rows = by_arm(merge_folders([first.folder, second.folder]))
    assert rows["synthetic/new"]["versus"]["real"]["dsc"]["ratio"] == pytest.approx(8 / 9, abs=0.01)


def test_a_finished_result_replaces_a_failed_one_of_the_same_key(tmp_path):
    first = fabricate(tmp_path / "a", failed=None)
    second = fabricate(tmp_path / "b", failed="synthetic/dcgan")
    for folders in ((first, second), (second, first)):
        rows = by_arm(merge_folders([made.folder for made in folders]))
        assert rows["synthetic/dcgan"]["status"] == "ok"


def test_other_data_is_another_experiment(tmp_path):
    first = fabricate(tmp_path / "a", failed=None)
    second = fabricate(tmp_path / "b", failed=None)
    second.plan["data"]["source"]["fingerprint"] = "another"
    second.rewrite()
    board = merge_folders([first.folder, second.folder])
    rows = by_arm(board)
    assert rows["real @b"]["cohort"] == "source @b"
    assert rows["synthetic/dcgan @b"]["versus"]["real"]["dsc"]["arm"] == "real @b"
    assert rows["real"]["metrics"]["dsc"]["rank"] == 2
    assert list(board["cohorts"]) == ["source", "target", "source @b"]


def test_two_finished_results_of_one_seed_under_two_keys_are_both_shown(tmp_path):
    first = fabricate(tmp_path / "a", failed=None)
    second = fabricate(tmp_path / "b", failed=None)
    old = second.arm("real")["evaluate"]["0"]
    second.record(old)["key"] = second.arm("real")["evaluate"]["0"] = "0" * 32
    second.rewrite()
    rows = by_arm(merge_folders([first.folder, second.folder]))
    assert rows["real"]["seeds"] == rows["real @b"]["seeds"] == 3
    assert rows["real @b"]["cohort"] == "source"
