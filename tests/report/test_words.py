"""The sentences of the summary: each says what it rests on, and no more than was shown."""

from __future__ import annotations

import numpy as np
import pytest
from fabricate import fabricate

from vbench.analysis import build_leaderboard
from vbench.analysis.table import markdown
from vbench.report.words import summary

ARM = "synthetic/wgan-gp-sn"


def board_of(folder, **how):
    return build_leaderboard(fabricate(folder, **how).folder)


def sentence(board, start):
    return next(line for line in summary(board) if line.startswith(start))


def give(made, arm, values):
    """Give an arm these DSC, ``(seeds, subjects)``."""
    for seed, row in enumerate(values):
        cases = [case for case in made.cases(arm, seed) if case["metric"] == "dsc"]
        for case, value in zip(cases, row, strict=True):
            case["value"] = float(value)
    made.rewrite()


def test_each_score_says_how_many_subjects_and_seeds_it_rests_on(tmp_path):
    board = board_of(tmp_path)
    for start in ("Trained on real", "The best of the synthetic", "Real and synthetic", "The bar"):
        assert "(6 test subjects, 3 seeds)" in sentence(board, start)
    assert "(6 test subjects, 3 seeds)" in sentence(board, "With 1 patient")
    one = board_of(tmp_path / "one", seeds=(0,), n_test=1)
    assert "(1 test subject, 1 seed)" in sentence(one, "Trained on real")


def test_undefined_and_failed_cases_are_said_where_they_count(tmp_path):
    made = fabricate(tmp_path)
    cases = [case for case in made.cases("real") if case["metric"] == "dsc"]
    cases[0] |= {"value": None, "status": "failed"}
    cases[1] |= {"value": 0.0, "status": "undefined"}
    made.rewrite()
    board = build_leaderboard(made.folder)
    assert "3 seeds, 1 case undefined, 1 case failed)" in sentence(board, "Trained on real")
    assert sentence(board, "1 score failed and has no value")


def test_significant_is_said_only_where_the_sign_stands(tmp_path):
    """Trainings that shift all subjects alike: every subject agrees, and no sign stands."""
    made = fabricate(tmp_path, n_test=8, failed=None)
    subjects = np.linspace(0.80, 0.90, 8)
    noise = np.random.default_rng(0).normal(0, 0.002, (2, 3, 8))
    give(made, "real", subjects + noise[0] + np.array([[0.01], [0.03], [-0.02]]))
    give(made, ARM, subjects + noise[1] + np.array([[-0.03], [0.01], [-0.01]]))
    board = build_leaderboard(made.folder)
    row = next(row for row in board["rows"] if row["arm"] == ARM)
    assert row["versus"]["real"]["dsc"]["effect"] == -1.0
    line = next(line for line in markdown(board).splitlines() if f"| {ARM} |" in line)
    assert "*" not in line.split("|")[3]
    text = sentence(board, f"The best of the synthetic arms, {ARM}")
    assert "no difference that could be shown (p = " in text
    assert "significant" not in text


def test_a_difference_that_only_the_uncorrected_interval_shows_is_called_so(tmp_path):
    text = sentence(board_of(tmp_path), "Real and synthetic patches together")
    assert "which is not significant once corrected for all comparisons (p = 0.0" in text
    assert "a significant difference" not in text


@pytest.mark.parametrize(("seeds", "networks"), [((0,), True), ((0, 1, 2), False)])
def test_with_one_seed_the_sentences_are_about_these_networks(tmp_path, seeds, networks):
    board = board_of(tmp_path, seeds=seeds)
    text = sentence(board, "The best of the synthetic")
    assert "a significant difference" in text
    assert ("between these trained networks" in text) == networks
    assert any("not about the methods" in line for line in summary(board)) == networks


def test_one_subject_is_no_test(tmp_path):
    text = sentence(board_of(tmp_path, n_test=1), "The best of the synthetic")
    assert "which cannot be tested: it needs two test subjects" in text


def test_worth_says_when_it_is_not_known(tmp_path):
    text = " ".join(summary(board_of(tmp_path, n_test=1)))
    assert "How many patients that is worth cannot be said: fewer than two test subjects" in text


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """A board on which one arm leaks in one of two seeds, and one was not judged."""
    truth = {"real": 0.9, "synthetic/copy": 0.88, "synthetic/gan": 0.8, "synthetic/flow": 0.7}
    folder = tmp_path_factory.mktemp("out")
    made = fabricate(folder, truth=truth, seeds=(0, 1), n_test=2, failed=None)
    made.privacy("synthetic/copy", 1)["nn-ratio"] |= {
        "alarm": True,
        "patients": [{"subject": 3, "value": 0.75, "ci95": [0.6, 0.9]}],
    }
    made.records.remove(made.record(made.arm("synthetic/flow")["audit"]["1"]))
    made.rewrite()
    return build_leaderboard(made.folder)


def test_alarms_name_the_scores_and_the_seeds_and_the_rest_is_no_proof(leaking):
    assert sentence(leaking, "Privacy alarms") == (
        "Privacy alarms: synthetic/copy (nn-ratio in 1 of 2 seeds); see the privacy panel."
    )
    assert sentence(leaking, "No privacy alarm") == (
        "No privacy alarm in 1 other audited arm; that is no proof of privacy."
    )
    assert sentence(leaking, "Not judged").endswith("scores are missing: synthetic/flow.")


def test_the_worst_patient_is_named_only_where_that_is_asked_for(leaking):
    named = next(line for line in summary(leaking, named=True) if "most at risk" in line)
    assert "source-03, in synthetic/copy: 0.75 [0.60, 0.90] on a scale from 0 to 1" in named
    assert "(nn-ratio, seed 1)" in named
    assert named.endswith("Patients are named here: this report is for use in-house.")
    made_up = " ".join(summary(leaking, named=True, people=False))
    assert "source-03" in made_up
    assert "in-house" not in made_up
    plain = " ".join(summary(leaking))
    assert "most at risk is one in synthetic/copy: 0.75" in plain
    assert "source-03" not in plain + markdown(leaking)


def test_without_synthetic_arms_nothing_is_said_of_privacy(tmp_path):
    board = board_of(tmp_path, truth={"real": 0.9}, failed=None, seeds=(0,), n_test=1)
    assert "rivacy" not in " ".join(summary(board)) + markdown(board)


def test_the_summary_says_how_near_a_generator_comes_to_the_ceiling(tmp_path):
    truth = {"real": 0.9, "synthetic/weak": 0.8, "transfer/weak/n1": 0.8, "transfer/real/n1": 0.9}
    truth |= {"scratch/n1": 0.7, "scratch/n1/equal-steps": 0.7}
    board = board_of(tmp_path, truth=truth, failed=None)
    line = sentence(board, "Pre-training on weak reaches 0.8")
    assert "of the ceiling, transfer/real/n1, and " in line
    assert "% [" in line
    assert sentence(board, "With 1 patient of the second data set, pre-training on real patches")
