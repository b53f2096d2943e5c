"""Scores of label maps: by hand, and as the evaluation code of TopCoW and TopBrain has them.

The literal values below were computed once with that code, on the cases that :func:`drawn` draws:
TopCoW_Eval_Metrics at commit 25ca839 (``dice_coefficient_all_classes``,
``betti_number_error_all_classes``, ``detection_grp2_labels``, ``get_dect_avg``) and
TopBrain_Eval_Metrics at commit ba4252a (``invalid_neighbors_all_classes`` with the track MR), both
of github.com/CoWBenchmark, with SimpleITK 2.5 and scikit-image 0.26. Nothing of it is here.
"""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label as components_of
from searching import examples
from vbench_plugins.metrics.named_vessels import InvalidNeighbours, SideRoads, average_f1
from vbench_plugins.metrics.overlap import Detection, Dice
from vbench_plugins.metrics.topology import ComponentsError, ComponentsMatchingError

from vbench import MapPair, MaskPair, Score, SegmentationMetric
from vbench.types import Array

#: TopCoW's classes by value, and its names.
VALUES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15)
NAMES = (
    "BA", "R-PCA", "L-PCA", "R-ICA", "R-MCA", "L-ICA", "L-MCA", "R-Pcom", "L-Pcom", "Acom", "R-ACA",
    "L-ACA", "3rd-A2",
)  # fmt: skip
#: Which of these may touch, as TopBrain lists it for MR.
VALID = {
    1: (2, 3), 2: (4, 8, 11), 3: (6, 9, 12), 4: (5, 8, 11), 6: (7, 9, 12), 10: (11, 12, 15),
    11: (12, 15), 12: (15,),
}  # fmt: skip


def drawn(seed: int) -> tuple[Array, Array]:
    """Blobs of nine classes, and a prediction that is shifted, takes one for another, and dots."""
    rng = np.random.default_rng(seed)
    shape = (14, 13, 12)
    truth = np.zeros(shape, np.uint8)
    for value in rng.permutation(VALUES)[:9]:
        start = rng.integers(1, np.array(shape) - 3)
        size = rng.integers(1, 5, 3)
        truth[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] = value
    prediction = np.roll(truth, rng.integers(-1, 2, 3), (0, 1, 2))
    swap = rng.permutation(VALUES)[:2]
    prediction = np.where(prediction == swap[0], swap[1], prediction).astype(np.uint8)
    prediction[rng.random(shape) < 0.01] = rng.choice(VALUES)
    return prediction, truth


def maps(seed: int) -> MapPair:
    index = np.zeros(16, np.uint8)
    index[list(VALUES)] = np.arange(1, len(VALUES) + 1)
    prediction, truth = drawn(seed)
    return MapPair(index[prediction], index[truth], (1.0, 1.0, 1.0), NAMES)


def by_class(metric: SegmentationMetric, pair: MapPair) -> dict[str, float]:
    """The score of each class that one of the two maps has."""
    return {
        pair.labels[index - 1]: Score.of(metric.score(pair.of(index))).value
        for index in pair.either
    }


# Parity

#: By seed: class-average and merged Dice, class-average and merged error of components, mean number
#: of invalid neighbours, and what became of R-Pcom, L-Pcom, Acom and 3rd-A2.
CHALLENGE = {
    0: (0.08955105105105106, 0.32926829268292684, 2.8, 20, 2.2222222222222223, "FN TN TN FN"),
    1: (0.17663120567375887, 0.41509433962264153, 2.0, 11, 1.5555555555555556, "FN FN FN FN"),
    2: (0.8008890750826234, 0.9471264367816091, 2.2222222222222223, 13, 2.5, "TP TN TP TP"),
    3: (0.2574683000214915, 0.4720496894409938, 2.375, 15, 2.25, "TP TN TN FN"),
    4: (0.10342146927674951, 0.2459546925566343, 2.5, 19, 2.2222222222222223, "FN FN FN FN"),
    5: (0.12142857142857141, 0.3583061889250814, 2.3, 11, 2.2, "FN TN FN FN"),
}  # fmt: skip
SIDE = ("R-Pcom", "L-Pcom", "Acom", "3rd-A2")


def test_the_drawn_cases_are_those_that_the_challenges_code_scored() -> None:
    digest = hashlib.sha256(b"".join(a.tobytes() for s in range(6) for a in drawn(s)))
    assert digest.hexdigest()[:16] == "ead6f85c3b9e26ec"


@pytest.mark.parametrize("seed", CHALLENGE)
def test_as_the_challenges_score_a_subject(seed: int) -> None:
    dice, merged, b0, merged_b0, neighbours, outcomes = CHALLENGE[seed]
    pair = maps(seed)
    assert np.mean(list(by_class(Dice(), pair).values())) == pytest.approx(dice, abs=1e-12)
    assert Dice().score(pair.merged).value == pytest.approx(merged, abs=1e-12)
    assert np.mean(list(by_class(ComponentsError(), pair).values())) == pytest.approx(b0)
    assert ComponentsError().score(pair.merged).value == merged_b0
    assert SideRoads().outcomes(pair) == dict(zip(SIDE, outcomes.split(), strict=True))
    named = dict(zip(VALUES, NAMES, strict=True))
    valid = [(named[a], named[b]) for a, others in VALID.items() for b in others]
    metric = InvalidNeighbours(InvalidNeighbours.Params(valid=valid))
    assert metric.score_map(pair).value == pytest.approx(neighbours)


def test_as_the_challenges_score_each_class() -> None:
    dice = by_class(Dice(), maps(3))
    assert {name: round(value, 6) for name, value in dice.items()} == {
        "BA": 0.0, "R-PCA": 0.0, "L-PCA": 0.454545, "R-MCA": 0.0, "L-MCA": 0.444444,
        "R-Pcom": 0.444444, "L-ACA": 0.382979, "3rd-A2": 0.333333,
    }  # fmt: skip
    assert by_class(ComponentsError(), maps(3)) == {
        "BA": 0, "R-PCA": 0, "L-PCA": 0, "R-MCA": 19, "L-MCA": 0, "R-Pcom": 0, "L-ACA": 0,
        "3rd-A2": 0,
    }  # fmt: skip


def test_as_the_challenge_averages_f1_over_subjects() -> None:
    found = average_f1(SideRoads().outcomes(maps(seed)) for seed in CHALLENGE)
    assert found == pytest.approx(
        {
            "R-Pcom": 0.5, "L-Pcom": 0.0, "Acom": 0.4, "3rd-A2": 0.2857142857142857,
            "mean": 0.29642857142857143,
        }
    )  # fmt: skip


# Side roads


def two(prediction: Any, truth: Any, labels: tuple[str, ...] = ("R-Pcom", "BA")) -> MapPair:
    return MapPair(np.atleast_2d(prediction), np.atleast_2d(truth), (1.0, 1.0), labels)


@pytest.mark.parametrize(
    ("prediction", "truth", "value", "defined"),
    [
        ([1, 1, 0, 2], [1, 1, 0, 2], 1.0, True),
        ([1, 0, 0, 0], [1, 1, 1, 1], 1.0, True),  # a quarter is enough
        ([1, 0, 0, 0, 0], [1, 1, 1, 1, 1], 0.0, True),
        ([1, 0, 2], [0, 0, 2], 0.0, True),
        ([0, 0, 2], [1, 0, 2], 0.0, True),
        ([0, 0, 2], [0, 2, 2], 1.0, False),
    ],
)
def test_a_side_road_is_found_missed_or_made_up(
    prediction: list[int], truth: list[int], value: float, defined: bool
) -> None:
    score = SideRoads().score_map(two(prediction, truth))
    assert (score.value, score.defined) == (value, defined)


def test_side_roads_are_those_named_so_those_of_the_parameter_or_all() -> None:
    maps = two([1, 2, 3], [1, 2, 3], ("L-SCA", "BA", "3rd-A3"))
    assert set(SideRoads().outcomes(maps)) == {"L-SCA", "3rd-A3"}
    chosen = SideRoads(SideRoads.Params(classes=("BA",)))
    assert set(chosen.outcomes(maps)) == {"BA"}
    others = two([1, 2, 0], [1, 2, 0], ("artery", "vein"))
    assert SideRoads().outcomes(others) == {"artery": "TP", "vein": "TP"}


def test_of_nobody_the_average_is_zero() -> None:
    assert average_f1([]) == {"mean": 0.0}
    assert average_f1([{"Acom": "TN"}]) == {"Acom": 0.0, "mean": 0.0}


@pytest.mark.parametrize(
    ("overlap", "value"), [((4, 4), 1.0), ((4, 1), 1.0), ((5, 1), 0.0), ((4, 0), 0.0)]
)
def test_one_class_is_detected_from_a_quarter_on(overlap: tuple[int, int], value: float) -> None:
    truth = np.arange(8) < overlap[0]
    pair = MaskPair((np.arange(8) < overlap[1])[None], truth[None], (1.0, 1.0))
    assert Detection().score(pair) == Score(value)


# Neighbours


def test_neighbours_are_invalid_where_the_reference_has_none() -> None:
    labels = ("a", "b", "c")
    truth = np.array([[1, 2, 0, 3, 3], [1, 2, 0, 3, 3]])
    metric = InvalidNeighbours()
    assert metric.score_map(two(truth, truth, labels)).value == 0
    # b and c touch by a corner: one each of three classes.
    corner = np.array([[1, 2, 0, 3, 3], [1, 2, 3, 0, 3]])
    assert metric.score_map(two(corner, truth, labels)).value == pytest.approx(2 / 3)
    # What is missing touches nobody, and what is made up may touch none.
    assert metric.score_map(two(np.zeros_like(truth), truth, labels)).value == 0
    assert metric.score_map(two(truth, np.zeros_like(truth), labels)).value == pytest.approx(2 / 3)
    allowed = InvalidNeighbours(metric.Params(valid=[("c", "b"), ("a", "b"), ("a", "elsewhere")]))
    assert allowed.score_map(two(corner, truth, labels)).value == 0


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 10_000), ndim=st.sampled_from([2, 3]))
def test_touching_is_what_looking_at_each_pair_of_voxels_finds(seed: int, ndim: int) -> None:
    rng = np.random.default_rng(seed)
    array = rng.choice([0, 0, 0, 1, 2, 3], (4, 5, 3)[:ndim]).astype(np.uint8)
    pair = MapPair(array, np.zeros_like(array), (1.0,) * ndim, ("a", "b", "c"))
    places = np.argwhere(array)
    near = abs(places[:, None] - places[None]).max(-1) == 1
    expected = {
        (int(a), int(b))
        for a, b in ((array[tuple(p)], array[tuple(q)]) for p, q in _pairs(places, near))
        if a < b
    }
    assert set(pair.touching[0]) == expected
    assert not pair.touching[1]


def _pairs(places: Array, near: Array) -> list[tuple[Array, Array]]:
    return [(places[i], places[j]) for i, j in np.argwhere(near)]


def test_outside_of_the_mask_nothing_touches_and_nothing_is_there() -> None:
    array = np.array([[1, 2, 0], [0, 0, 3]])
    mask = np.array([[True, False, True], [True, True, True]])
    pair = MapPair(array, array, (1.0, 1.0), ("a", "b", "c"), mask)
    assert pair.either == (1, 3)
    assert pair.touching == (frozenset(), frozenset())
    assert pair.of(2).n_truth == 0


def test_maps_of_two_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 2\), truth has \(3, 2\)"):
        MapPair(np.zeros((2, 2)), np.zeros((3, 2)), (1.0, 1.0), ("a",))


# Components, matched


@pytest.mark.parametrize(
    ("prediction", "truth", "error"),
    [
        ([1, 1, 0, 0, 1], [1, 0, 0, 0, 1], 0),
        ([1, 0, 0, 0, 0], [0, 0, 0, 0, 1], 2),  # missed and made up: the numbers are equal
        ([1, 0, 1, 0, 1], [1, 1, 1, 1, 1], 2),  # broken into three
        ([1, 1, 1, 1, 1], [1, 0, 0, 0, 1], 1),  # two joined
        ([0, 0, 0, 0, 0], [1, 0, 1, 0, 1], 3),
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], 0),
        ([0, 1, 0, 0, 0], [1, 0, 0, 0, 0], 0),  # they touch, so they are one in the union
    ],
)
def test_components_without_a_partner(
    prediction: list[int], truth: list[int], error: float
) -> None:
    pair = MaskPair(np.array([prediction]), np.array([truth]), (1.0, 1.0))
    assert ComponentsMatchingError().score(pair) == Score(error)


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 10_000))
def test_matching_bounds_the_difference_of_numbers_and_is_symmetric(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, t = rng.random((2, 6, 5, 4)) < 0.15
    found = ComponentsMatchingError().score(MaskPair(p, t, (1.0, 1.0, 1.0))).value
    assert found == ComponentsMatchingError().score(MaskPair(t, p, (1.0, 1.0, 1.0))).value
    assert found >= ComponentsError().score(MaskPair(p, t, (1.0, 1.0, 1.0))).value
    cube = np.ones((3, 3, 3))
    union, _ = components_of(p | t, cube)
    shared = len(set(union[p].tolist()) & set(union[t].tolist()))
    assert found == components_of(p, cube)[1] + components_of(t, cube)[1] - 2 * shared
