"""The transfer curve: area and worth, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from fabricate import fabricate
from hypothesis import given
from hypothesis import strategies as st

from vbench.analysis import build_leaderboard
from vbench.analysis.transfer import area, worth

N = np.array([1.0, 2.0, 4.0])


def test_area_is_the_mean_gain_over_the_range():
    """Trapezoids: (0.2 + 0.1) / 2 × 1 + (0.1 + 0) / 2 × 2 = 0.25, over a range of 3."""
    assert area(N, np.array([[0.2, 0.1, 0.0]]))[0] == pytest.approx(0.25 / 3)


def test_area_of_a_single_point_is_its_gain():
    assert area(np.array([1.0]), np.array([[0.2]]))[0] == 0.2


def test_worth_by_hand():
    """From scratch 0.8 is reached at n = 1, 0.9 at 2, 1.0 at 4; so 0.95 needs 3 patients."""
    found = worth(N, np.array([0.95, 0.95, 1.0]), np.array([0.8, 0.9, 1.0]))
    np.testing.assert_allclose(found, [2.0, 1.0, 0.0])


def test_worth_is_open_where_no_measured_n_is_enough_or_few_enough():
    found = worth(N, np.array([0.99, 0.7, 0.9]), np.array([0.8, 0.9, 0.9]))
    assert found.tolist() == [np.inf, -np.inf, -2.0]


def test_worth_reads_a_curve_that_falls_as_if_it_stayed():
    """Scratch 0.8, 0.7, 0.9 counts as 0.8, 0.8, 0.9; 0.85 lies half-way from n = 2 to 4."""
    found = worth(N, np.array([0.85, 0.8, 0.9]), np.array([0.8, 0.7, 0.9]))
    np.testing.assert_allclose(found, [2.0, -1.0, 0.0])


@given(st.lists(st.floats(0.1, 0.9), min_size=3, max_size=3))
def test_worth_of_equal_rising_curves_is_nothing(values):
    curve = np.array(sorted(set(values)))
    n = np.arange(1.0, len(curve) + 1)
    np.testing.assert_allclose(worth(n, curve, curve), 0, atol=1e-9)


def test_the_leaderboard_has_a_curve_for_each_generator_and_metric(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    curves = {(c["generator"], c["metric"]): c for c in board["transfer"]}
    assert set(curves) == {("wgan-gp-sn", m) for m in ("dsc", "hd95", "cldice")}
    dsc = curves["wgan-gp-sn", "dsc"]
    assert dsc["n"] == [1, 2, 4]
    assert dsc["gain"][0] == pytest.approx(0.07, abs=0.01)
    assert dsc["gain_ci95"][0][0] > 0
    assert dsc["area_ci95"][0] <= dsc["area"] <= dsc["area_ci95"][1]
    assert dsc["worth"][0] == pytest.approx(2.7, abs=0.4)
    assert dsc["worth_limit"] == [3, 2, 0]
    assert curves["wgan-gp-sn", "hd95"]["gain"][0] > 0, "gains are positive for distances too"


def test_a_failed_point_is_left_out_of_the_curve(tmp_path):
    made = fabricate(tmp_path, failed="scratch/n2")
    curve = next(c for c in build_leaderboard(made.folder)["transfer"] if c["metric"] == "dsc")
    assert curve["n"] == [1, 4]


def test_a_gain_is_the_difference_that_the_row_reports(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    rows = {row["arm"]: row for row in board["rows"]}
    curve = next(c for c in board["transfer"] if c["metric"] == "dsc")
    against = rows["transfer/wgan-gp-sn/n1"]["versus"]["scratch"]["dsc"]
    assert curve["gain"][0] == pytest.approx(against["difference"])
    assert curve["gain_ci95"][0] == pytest.approx(against["ci95"])


def test_ends_of_the_interval_of_worth_stay_within_what_was_measured():
    """An end that is beyond the measured n is open on its own side, and a bound on the other."""
    from vbench.analysis.transfer import _worth_interval

    assert _worth_interval(np.full(9, np.inf), 0, 3) == [3.0, None]
    assert _worth_interval(np.full(9, -np.inf), 0, 3) == [None, 0.0]
    assert _worth_interval(np.array([1.0, 2.0]), 0, 3) == [1.0, 2.0]
