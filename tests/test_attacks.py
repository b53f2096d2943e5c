"""Attacks on made-up scores: seldom an alarm where nothing leaks, one where something does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from vbench.audit.attacks import dice, label_inference, membership
from vbench.audit.canaries import canary_epsilon, epsilon_bound
from vbench.audit.verdict import verdict

PATCHES = 12


def games(members: int, strangers: int, shadows: int, rng: np.random.Generator) -> Any:
    """Who is in the audited game, and in shadows that leave out as many each."""
    everyone = members + strangers
    inside = np.ones((1 + shadows, everyone), bool)
    inside[0, members:] = False
    order = rng.permutation(everyone)
    for k in range(shadows):
        inside[k + 1, order[(k * strangers + np.arange(strangers)) % everyone]] = False
    return inside


def scores(
    inside: Any, rng: np.random.Generator, leak: Any = 0.0, luck: Any = None, subjects: float = 1.0
) -> tuple[Any, Any]:
    """Scores of patches: the subject's own, what the training makes of it, and the leak."""
    persons = inside.shape[1]
    person = np.repeat(np.arange(persons), PATCHES)
    own = rng.normal(0, subjects, persons)[person] + rng.normal(size=len(person))
    chance = rng.normal(size=inside.shape) if luck is None else luck(inside.shape)
    noise = rng.normal(0, 0.5, (len(inside), len(person)))
    return own + (0.3 * chance + leak * inside)[:, person] + noise, person


@pytest.mark.parametrize(
    ("shadows", "tails", "subjects"),
    [(0, False, 1.0), (0, False, 5.0), (4, False, 1.0), (4, True, 1.0), (4, False, 5.0)],
    ids=["one game", "subjects differ", "shadows", "heavy tails", "shadows, subjects differ"],
)
def test_where_nothing_leaks_alarms_are_rare(shadows: int, tails: bool, subjects: float) -> None:
    rng = np.random.default_rng(3)
    luck = (lambda shape: rng.standard_t(3, shape)) if tails else None
    alarms = 0
    for seed in range(60):
        inside = games(12, 11, shadows, rng)
        made, person = scores(inside, rng, luck=luck, subjects=subjects)
        alarms += membership(made, person, inside, seed=seed)["alarm"]
    assert alarms <= 1


@pytest.mark.parametrize(("shadows", "leak"), [(0, 4.0), (4, 1.0)])
def test_a_leak_of_all_patients_is_found(shadows: int, leak: float) -> None:
    rng = np.random.default_rng(4)
    found = []
    for seed in range(10):
        inside = games(12, 11, shadows, rng)
        made, person = scores(inside, rng, leak=leak)
        found.append(membership(made, person, inside, seed=seed))
    assert sum(entry["alarm"] for entry in found) >= 9
    assert np.mean([entry["value"] for entry in found]) > 0.9
    assert np.mean([entry["tpr"] for entry in found]) > 0.5
    assert all(entry["fpr"] <= 0.01 for entry in found)
    assert all(entry["ci95"][0] <= entry["value"] <= entry["ci95"][1] for entry in found)


def test_one_patient_that_leaks_is_found_and_named() -> None:
    rng = np.random.default_rng(5)
    for seed in range(10):
        inside = games(12, 11, 4, rng)
        leak = np.where(np.arange(23) == 7, 6.0, 0.0)
        made, person = scores(inside, rng, leak=leak)
        entry = membership(made, person, inside, seed=seed)
        worst = verdict({"shadow-mia": entry}).worst
        assert entry["alarm"]
        assert worst is not None
        assert worst.subject == 7
        assert worst.value > 0.9
        assert worst.interval is not None
        assert worst.interval[0] <= worst.value <= worst.interval[1]


def test_without_a_leak_hardly_anyone_is_at_risk() -> None:
    rng = np.random.default_rng(6)
    worst = []
    for seed in range(20):
        inside = games(12, 11, 4, rng)
        made, person = scores(inside, rng)
        entry = membership(made, person, inside, seed=seed)
        assert [patient["subject"] for patient in entry["patients"]] == list(range(12))
        worst.append(max(patient["value"] for patient in entry["patients"]))
    assert np.median(worst) < 0.1


def test_an_attack_that_only_tells_subjects_apart_raises_its_controls() -> None:
    rng = np.random.default_rng(7)
    inside = games(12, 11, 0, rng)
    made, person = scores(inside, rng, subjects=20.0)
    apart = membership(made, person, inside, seed=0)
    made, person = scores(inside, rng, subjects=0.0)
    alike = membership(made, person, inside, seed=0)
    for control in ("control_members", "control_strangers"):
        assert apart[control] > alike[control] > 0.5
    assert not apart["alarm"]


def test_the_games_may_have_different_scales() -> None:
    rng = np.random.default_rng(8)
    inside = games(12, 11, 4, rng)
    made, person = scores(inside, rng, leak=1.5)
    other = made * np.array([[1.0], [50.0], [0.01], [3.0], [7.0]]) + np.arange(5)[:, None]
    first, second = (membership(table, person, inside, seed=0) for table in (made, other))
    assert first["value"] == second["value"]
    assert first["p"] == second["p"]


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_scores_that_are_all_the_same_say_nothing(value: float) -> None:
    inside = games(6, 6, 2, np.random.default_rng(0))
    person = np.repeat(np.arange(12), PATCHES)
    entry = membership(np.full((3, len(person)), value), person, inside, seed=0)
    assert entry["value"] == 0.5
    assert not entry["alarm"]
    assert all(patient["value"] == 0 for patient in entry["patients"])


@pytest.mark.parametrize(("members", "strangers"), [(1, 1), (2, 2), (3, 2), (12, 1)])
def test_too_few_patients_are_not_judged(members: int, strangers: int) -> None:
    inside = games(members, strangers, 0, np.random.default_rng(0))
    person = np.repeat(np.arange(members + strangers), PATCHES)
    entry = membership(np.where(person < members, 9.0, 0.0), person, inside, seed=0)
    assert entry["value"] is None
    assert f"{members} training and {strangers} held-out patients are too few" in entry["fault"]
    assert verdict({"white-box-mia": entry}).word == "not judged"


def test_perfect_separation_has_an_interval_all_the_same() -> None:
    inside = games(6, 6, 0, np.random.default_rng(0))
    person = np.repeat(np.arange(12), PATCHES)
    entry = membership((person < 6).astype(float), person, inside, seed=0)
    assert entry["value"] == 1
    assert entry["ci95"][1] == 1
    assert 0.6 < entry["ci95"][0] < 0.9
    assert entry["alarm"]


def test_label_inference_measures_the_advantage() -> None:
    rng = np.random.default_rng(9)
    person = np.repeat(np.arange(16), PATCHES)
    for gain, alarm in ((0.0, False), (0.3, True)):
        overlap = rng.normal(0.5, 0.1, len(person)) + gain * (person < 8)
        entry = label_inference(overlap, person, np.arange(16) < 8, seed=0)
        assert entry["value"] == pytest.approx(gain, abs=0.05)
        assert entry["ci95"][0] < entry["value"] < entry["ci95"][1]
        assert entry["alarm"] is alarm
        assert max(p["value"] for p in entry["patients"]) == pytest.approx(gain, abs=0.1)


def test_label_inference_of_few_patients_has_a_value_and_no_alarm() -> None:
    person = np.repeat(np.arange(4), PATCHES)
    entry = label_inference(np.where(person < 2, 0.9, 0.4), person, np.arange(4) < 2, seed=0)
    assert entry["value"] == pytest.approx(0.5)
    assert entry["ci95"] is None
    assert not entry["alarm"]


def test_dice_of_labels_one_by_one() -> None:
    first = np.array([[[1, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 0], [0, 0]], [[0, 0], [0, 1]]])
    second = np.array([[[1, 1], [0, 0]], [[0, 0], [0, 0]], [[1, 1], [0, 0]], [[0, 0], [0, 0]]])
    assert dice(first, second).tolist() == [1.0, 1.0, pytest.approx(2 / 3), 0.0]


@pytest.mark.parametrize("canaries", [8, 16, 32])
def test_canaries_that_show_prove_what_so_many_can(canaries: int) -> None:
    planted = np.arange(canaries) % 2 == 0
    entry = canary_epsilon(np.where(planted, 4.0, 1.0), planted)
    assert entry["correct"] == canaries
    assert entry["value"] == entry["ceiling"] == pytest.approx(epsilon_bound(canaries, canaries))
    right = math.exp(entry["value"]) / (1 + math.exp(entry["value"]))
    assert binom.sf(canaries - 1, canaries, right) == pytest.approx(0.05)
    assert entry["alarm"]


def test_the_bound_holds_for_a_mechanism_whose_epsilon_is_known() -> None:
    """Randomised response with ε = 1: the bound is above it in at most 5 % of all runs."""
    rng = np.random.default_rng(10)
    truthful = math.e / (1 + math.e)
    bounds = []
    for _ in range(400):
        planted = rng.random(24) < 0.5
        answer = np.where(rng.random(24) < truthful, planted, ~planted)
        bounds.append(canary_epsilon(answer.astype(float), planted)["value"])
    assert np.mean(np.array(bounds) > 1) <= 0.05
    assert np.mean(bounds) > 0.1


def test_canaries_that_do_not_show_prove_nothing() -> None:
    rng = np.random.default_rng(11)
    found = [canary_epsilon(rng.normal(size=16), rng.random(16) < 0.5) for _ in range(600)]
    assert np.mean([entry["value"] > 0 for entry in found]) <= 0.05
    assert np.mean([entry["alarm"] for entry in found]) <= 0.02


@pytest.mark.parametrize(
    ("correct", "guesses", "bound"), [(0, 8, 0.0), (4, 8, 0.0), (8, 8, 0.789), (32, 32, 2.322)]
)
def test_what_so_many_right_guesses_prove(correct: int, guesses: int, bound: float) -> None:
    assert epsilon_bound(correct, guesses) == pytest.approx(bound, abs=1e-3)
