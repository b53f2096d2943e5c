"""The model of uncertainty: by hand, against Student, Welch and Fieller, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples

from vbench.analysis.compare import compare, mark_ranks, versus
from vbench.analysis.folder import Arm
from vbench.analysis.leaderboard import summary
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.uncertainty import (
    claim_of,
    complete,
    estimate,
    mean_interval,
    ratio_interval,
    trainings,
)
from vbench.analysis.wording import signs

NAN = np.nan
DSC = MetricInfo("dsc", "dsc@1", "", True)
RNG = np.random.default_rng(1)


def scores(values) -> ArmScores:
    values = np.asarray(values, float)
    names = tuple(map(str, range(values.shape[1])))
    return ArmScores(values, np.zeros(values.shape, bool), tuple(range(len(values))), names)


def made(experiments, seeds, subjects, between_seeds, interaction=0.0, seed=0):
    """Return two equal arms ``(experiments, seeds, subjects)`` on the same subjects."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0.85, 0.03, (experiments, 1, subjects))
    return [
        shared
        + rng.normal(0, interaction, (experiments, 1, subjects))
        + rng.normal(0, between_seeds, (experiments, seeds, 1))
        + rng.normal(0, 0.01, (experiments, seeds, subjects))
        for _ in range(2)
    ]


def test_the_table_of_two_seeds_and_three_subjects_by_hand():
    """Seeds' means 3 and 5 (variance 2), subjects' means 2, 3.5, 6.5 (variance 5.25).

    Residuals 0, -0.5, 0.5 and 0, 0.5, -0.5: sum of squares 1 on 2 degrees of freedom.
    """
    table = np.array([[1.0, 2.0, 6.0], [3.0, 5.0, 7.0]])
    found = estimate(table)
    assert found.value == pytest.approx(4)
    assert found.by_subjects == pytest.approx(5.25 / 3)
    assert found.by_seeds == pytest.approx(2 / 2 - 0.5 * 0.5 / 6), "of two seeds, half the noise"
    # Student's t of 0.975 with 2 and 1 degrees of freedom: 4.302653 and 12.706205.
    squared = 4.302653**2 * 5.25 / 3 + 12.706205**2 * (1 - 0.5 * 0.5 / 6)
    assert found.half_width() == pytest.approx(np.sqrt(squared), rel=1e-5)


def test_three_seeds_are_less_all_of_the_noise_by_hand():
    """Seeds' means 1, 2, 6 (variance 7); residuals ±0.5, 0, ∓0.5: 1 on 2 degrees of freedom."""
    table = np.array([[0.5, 1.5], [2.0, 2.0], [6.5, 5.5]])
    assert trainings(table) == pytest.approx(7 / 3 - 0.5 / 6)


def test_noise_of_cases_alone_is_no_spread_of_trainings():
    """Equal means of seeds: 0 less what noise explains is not below 0."""
    assert trainings(np.array([[1.0, 2.0], [2.0, 1.0]])) == 0


def test_with_one_seed_it_is_the_paired_t_test():
    from scipy.stats import ttest_rel

    a, b = RNG.normal(size=(2, 1, 9))
    theirs = ttest_rel(a[0], b[0])
    found = estimate(a, b)
    assert float(found.p()) == pytest.approx(theirs.pvalue)
    assert found.interval() == pytest.approx(list(theirs.confidence_interval()))


def test_with_subjects_alike_it_is_welchs_t_test_of_seeds():
    from scipy.stats import ttest_ind

    subjects = RNG.normal(size=(1, 7))
    a, b = RNG.normal(size=(4, 1)), 0.3 * RNG.normal(size=(3, 1)) + 1
    theirs = ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    found = estimate(a + subjects, b + subjects)
    assert float(found.p()) == pytest.approx(theirs.pvalue, rel=1e-6)
    assert found.interval() == pytest.approx(list(theirs.confidence_interval()))


def test_p_is_where_the_interval_just_reaches_zero():
    a, b = made(200, 3, 8, 0.01)
    found = estimate(a, b)
    np.testing.assert_allclose(found.half_width(found.p()), np.abs(found.value), rtol=1e-6)
    np.testing.assert_array_equal(found.p() < 0.05, np.abs(found.value) > found.half_width())


def test_a_ratio_at_an_end_of_its_interval_can_just_be_told_from_the_truth():
    a, b = RNG.normal(0.8, 0.1, (2, 1, 6))
    for end in ratio_interval(estimate(a, b), a, b):
        at_end = estimate(a, end * b)
        assert at_end.half_width() == pytest.approx(abs(float(at_end.value)))


def test_a_reference_that_may_be_zero_has_no_interval_of_the_ratio():
    found = versus(scores([[1.0, 2.0, 3.0]]), scores([[-1.0, 0.1, 1.0]]), DSC)
    assert found["ratio_ci95"] is None
    assert versus(scores([[1.0, 2.0]]), scores([[0.0, 0.0]]), DSC)["ratio"] is None


def test_seeds_that_shift_all_subjects_alike_are_no_difference_of_methods():
    """Two methods whose trainings differ by ±0.03: every subject agrees, and nothing is shown."""
    subjects = np.linspace(0.7, 0.9, 8) + RNG.normal(0, 0.002, (2, 3, 8))
    ours = subjects[0] + np.array([[0.03], [0.00], [0.02]])
    theirs = subjects[1] + np.array([[-0.03], [0.01], [-0.01]])
    found = versus(scores(ours), scores(theirs), DSC)
    assert found["effect"] == 1.0, "every subject is better"
    assert found["p_raw"] > 0.05
    assert found["ci95"][0] < 0 < found["ci95"][1]


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("subjects", [4, 8, 14])
@pytest.mark.parametrize("between_seeds", [0, 0.005, 0.01, 0.03])
@pytest.mark.parametrize("interaction", [0, 0.02])
def test_equal_methods_are_called_different_in_5_of_100_at_most(
    seeds, subjects, between_seeds, interaction
):
    """Of 4000; the former permutation of subjects did so in up to 80 of 100."""
    found = estimate(*made(4000, seeds, subjects, between_seeds, interaction))
    wrong = np.mean(np.abs(found.value) > found.half_width())
    assert 0.005 <= wrong <= 0.06


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("between_seeds", [0, 0.01, 0.03])
def test_the_interval_of_a_mean_holds_the_truth_as_often_as_it_says(seeds, between_seeds):
    ours, _ = made(4000, seeds, 8, between_seeds)
    found = estimate(ours)
    held = np.mean(np.abs(found.value - 0.85) <= found.half_width())
    assert 0.93 <= held <= 0.985


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("between_seeds", [0.005, 0.01, 0.03])
def test_any_sign_of_a_table_of_equal_methods_is_as_rare(seeds, between_seeds):
    """Four methods against one: the least p of four, times four, in 4000 tables."""
    rng = np.random.default_rng(5)
    arms = rng.normal(0.85, 0.03, (4000, 1, 1, 8)) + rng.normal(0, 0.01, (4000, 5, seeds, 8))
    arms += rng.normal(0, between_seeds, (4000, 5, seeds, 1))
    p = [estimate(arms[:, i], arms[:, 0]).p() for i in range(1, 5)]
    assert np.mean(4 * np.min(p, axis=0) < 0.05) <= 0.06


def test_arms_whose_trainings_differ_unequally_keep_the_level():
    calm, _ = made(4000, 3, 8, 0.0)
    wild = calm.mean(axis=1, keepdims=True) + made(4000, 3, 8, 0.03, seed=1)[0]
    wild -= made(4000, 3, 8, 0.03, seed=1)[0].mean(axis=(1, 2), keepdims=True)
    wild += np.random.default_rng(2).normal(0, 0.03, (4000, 3, 1))
    found = estimate(wild, calm)
    assert np.mean(np.abs(found.value) > found.half_width()) <= 0.065


def test_one_seed_speaks_of_networks_and_hardly_holds_the_methods_mean():
    ours, _ = made(2000, 1, 8, 0.03)
    found = estimate(ours)
    assert found.claim == "networks"
    assert np.mean(np.abs(found.value - 0.85) <= found.half_width()) < 0.8
    one, two = np.ones((1, 3)), np.ones((2, 3))
    assert (claim_of(one), claim_of(two), claim_of(two, one)) == ("networks", "methods", "networks")
    assert claim_of(np.array([[1.0, 2.0], [NAN, NAN]])) == "networks", "the other seed failed"


def test_what_failed_is_filled_with_what_its_seed_and_subject_let_expect():
    table = np.array([[0.1], [0.4]]) + np.array([[0.0, 0.2, 0.5]])
    holes = table.copy()
    holes[1, 2] = holes[0, 0] = NAN
    np.testing.assert_allclose(complete(holes), table, atol=1e-6)


def test_a_hard_subject_that_failed_once_makes_no_difference():
    """Without it the arm's mean is higher; the arms are the same."""
    table = np.array([[0.0], [0.01], [0.02]]) + np.array([[0.2, 0.8, 0.85, 0.9]])
    ours = table.copy()
    ours[0, 0] = NAN
    found = versus(scores(ours), scores(table), DSC)
    assert found["difference"] == pytest.approx(0, abs=1e-6)
    assert found["p_raw"] > 0.9


def test_two_subjects_give_the_interval_of_student():
    """Mean 2, standard error 1, one degree of freedom: 2 ± 12.706."""
    assert mean_interval(np.array([[1.0, 3.0]])) == pytest.approx(
        [2 - 12.706, 2 + 12.706], rel=1e-4
    )


def test_the_interval_of_equal_values_is_that_value():
    assert mean_interval(np.full((2, 5), 0.7)) == pytest.approx([0.7, 0.7])


@pytest.mark.parametrize(
    "values", [[[0.7]], [[NAN, NAN]], [[0.7], [0.8]], [[0.7, NAN], [0.8, NAN]]]
)
def test_a_single_subject_has_no_interval(values):
    assert mean_interval(np.array(values)) is None


def test_a_single_subject_cannot_be_tested():
    found = versus(scores([[0.9], [0.91]]), scores([[0.1], [0.11]]), DSC)
    assert (found["ci95"], found["ratio_ci95"]) == (None, None)
    assert (found["p_raw"], found["p_smallest"], found["n"]) == (1.0, 1.0, 1)


def test_arms_without_a_subject_in_common_are_not_compared():
    assert versus(scores([[0.9, NAN]]), scores([[NAN, 0.1]]), DSC) is None


def test_differences_without_spread_count_as_a_sign_test():
    """Five subjects that all differ by 1: 2 / 2⁵ is not below 0.05; six are."""
    few = versus(scores([[1.0] * 5]), scores([[2.0] * 5]), DSC)
    assert (few["p_raw"], few["ci95"], few["ratio_ci95"]) == (2 / 32, None, None)
    many = versus(scores([[1.0] * 6]), scores([[2.0] * 6]), DSC)
    assert (many["p_raw"], many["ci95"]) == (2 / 64, [-1.0, -1.0])


def test_what_only_rounding_tells_apart_is_equal():
    table = RNG.normal(0.8, 0.1, (3, 6))
    found = versus(scores(table), scores(table + 1e-16), DSC)
    assert found["p_raw"] == 1.0
    assert found["ci95"][0] <= 0 <= found["ci95"][1]


CELL = st.one_of(
    st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.floats(0, 1), st.just(NAN), st.floats(0.8, 0.8001)
)


@st.composite
def benchmarks(draw):
    """Draw arms on the same subjects: few seeds, holes, ties, equal arms, no spread, shifts."""
    subjects = draw(st.integers(1, 6))
    tables = []
    for _ in range(draw(st.integers(2, 5))):
        kind = draw(st.sampled_from(["any", "constant", "same", "shifted"]))
        seeds = draw(st.integers(1, 3))
        if kind in ("same", "shifted") and tables:
            table = tables[-1] + (draw(st.floats(-0.5, 0.5)) if kind == "shifted" else 0)
        elif kind == "constant":
            table = np.full((seeds, subjects), draw(st.sampled_from([0.0, 0.3, 1.0])))
        else:
            cells = st.lists(CELL, min_size=subjects, max_size=subjects)
            table = np.array([draw(cells) for _ in range(seeds)])
        tables.append(table)
    return tables


@settings(max_examples=examples(300), deadline=None)
@given(benchmarks(), st.booleans())
def test_no_sign_stands_beside_an_interval_that_says_otherwise(tables, higher):
    info = MetricInfo("m", "m@1", "", higher)
    plan = [("real", None), ("synthetic/a", None), ("scratch/n1", 1), ("transfer/a/n1", 1)]
    plan += [("synthetic/b", None)]
    arms = [
        Arm(name, name.partition("/")[0], "a", n, "unet", "source", {})
        for (name, n), _ in zip(plan, tables, strict=False)
    ]
    found = {arm.name: {"m": scores(t)} for arm, t in zip(arms, tables, strict=True)}
    rows = {
        arm.name: {"status": "ok", "metrics": {"m": summary(found[arm.name]["m"])}, "versus": {}}
        for arm in arms
    }
    compare(rows, arms, found, {"m": info})
    mark_ranks(rows, arms, found, {"m": info})
    for row in rows.values():
        shown = signs(row, "m")
        for reference, sign in (("real", "*"), ("scratch", "†"), ("best", "≈")):
            entry = row["versus"].get(reference, {}).get("m")
            assert entry is not None or sign not in shown or sign == "≈"
            if entry is None:
                continue
            ci, ratio = entry["ci95"], entry["ratio_ci95"]
            apart = ci is not None and not ci[0] <= 0 <= ci[1]
            assert apart == (entry["p_raw"] < 0.05)
            assert entry["p"] >= entry["p_raw"] * (1 - 1e-12)
            if sign != "≈" and sign in shown:
                assert apart
                assert ratio is None or not ratio[0] <= 1 <= ratio[1]
            if ratio is not None and ci is not None and not apart:
                assert ratio[0] <= 1 + 1e-9
                assert ratio[1] >= 1 - 1e-9
            if sign == "≈" and row["metrics"]["m"].get("like_best"):
                assert not apart
                assert ci is not None
