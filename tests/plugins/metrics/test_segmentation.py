"""Segmentation metrics: values that can be checked by hand, rules for empty masks, invariances."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from masks import tubes
from searching import examples

from vbench import MaskPair, Score, registry

METRICS = registry.default().metrics("segmentation")
SPACING = (0.5, 1.0, 2.0)
DISTANCES = ["hd95", "hd", "hd95-pooled", "hd95-evalseg", "assd", "avd", "bavd"]


def score(name: str, prediction: np.ndarray, truth: np.ndarray, spacing=SPACING, **params) -> Score:
    cls = METRICS[name]
    metric = cls(cls.Params(**params))
    given = Score(*metric.score(MaskPair(prediction, truth, spacing)))
    assert isinstance(given.value, float)
    # The order in memory changes nothing: nibabel reads files in Fortran order.
    fortran = MaskPair(np.asfortranarray(prediction), np.asfortranarray(truth), spacing)
    assert Score(*metric.score(fortran)) == given
    return given


def box(*sides: slice, shape=(12, 10, 8)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[sides] = True
    return mask


def test_the_whole_table_is_there():
    expected = {
        "dsc", "precision", "recall", "recall-below-1mm", "recall-1-2mm", "recall-above-2mm",
        *DISTANCES, "nsd", "cldice", "betti0-error", "betti1-error", "volume-error",
    }  # fmt: skip
    assert expected <= set(METRICS)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_docstring_says_unit_direction_and_empty_mask_rule(name):
    cls = METRICS[name]
    text = inspect.getdoc(cls)
    assert ("higher is better" in text) == (cls.higher_is_better is True)
    assert ("lower is better" in text) == (cls.higher_is_better is False)
    assert "mpty" in text or "No true voxel" in text
    assert "mm" in text or not cls.unit


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_perfect_prediction(name):
    mask = tubes((12, 10, 8), np.random.default_rng(0))
    assert score(name, mask, mask).value == (1.0 if METRICS[name].higher_is_better else 0.0)


DIAGONAL = float(np.sqrt(6**2 + 10**2 + 16**2))
EMPTY_RULES = {
    # both empty, prediction empty, truth empty: value and whether it is defined
    "dsc": ((1, True), (0, True), (0, True)),
    "nsd": ((1, True), (0, True), (0, True)),
    "cldice": ((1, True), (0, True), (0, True)),
    "precision": ((1, True), (0, False), (0, True)),
    "recall": ((1, True), (0, True), (0, False)),
    "recall-below-1mm": ((1, False), (0, True), (1, False)),
    "volume-error": ((0, True), (1, True), (1, False)),
    "betti0-error": ((0, True), (1, True), (1, True)),
    "betti1-error": ((0, True), (0, True), (0, True)),
    **dict.fromkeys(DISTANCES, ((0, True), (DIAGONAL, False), (DIAGONAL, False))),
}


@pytest.mark.parametrize("name", EMPTY_RULES)
def test_rule_for_empty_masks(name):
    empty, some = box(slice(0, 0)), box(slice(2, 4), slice(2, 3), slice(2, 3))
    found = [score(name, *pair) for pair in ((empty, empty), (empty, some), (some, empty))]
    assert [(s.value, s.defined) for s in found] == [
        (pytest.approx(value), defined) for value, defined in EMPTY_RULES[name]
    ]


def test_overlap_by_hand():
    truth = box(slice(0, 4), slice(0, 5), slice(0, 5))  # 100 voxels
    prediction = box(slice(0, 4), slice(2, 5), slice(0, 5))  # 60 of them
    assert score("dsc", prediction, truth).value == pytest.approx(120 / 160)
    assert score("precision", prediction, truth).value == 1
    assert score("recall", prediction, truth).value == pytest.approx(0.6)
    assert score("volume-error", prediction, truth).value == pytest.approx(0.4)


def test_a_single_voxel_moved_by_two_is_two_spacings_away():
    one = box(slice(3, 4), slice(3, 4), slice(3, 4))
    for axis in range(3):
        for name in DISTANCES:
            assert score(name, np.roll(one, 2, axis), one).value == pytest.approx(2 * SPACING[axis])
        assert score("nsd", np.roll(one, 2, axis), one, tolerance=2 * SPACING[axis]).value == 1
        assert score("nsd", np.roll(one, 2, axis), one, tolerance=1.9 * SPACING[axis]).value == 0


def test_a_line_against_a_plane_by_hand():
    # Truth: a row of ten voxels; prediction: the first voxel of it. Spacing 1 mm along the row.
    truth = box(slice(0, 1), slice(0, 10), slice(0, 1))
    prediction = box(slice(0, 1), slice(0, 1), slice(0, 1))
    assert score("hd", prediction, truth).value == 9
    assert score("hd95", prediction, truth).value == pytest.approx(np.percentile(np.arange(10), 95))
    pooled = np.percentile([0, *range(10)], 95)
    assert score("hd95-pooled", prediction, truth).value == pytest.approx(pooled)
    assert score("assd", prediction, truth).value == pytest.approx(45 / 11)
    assert score("avd", prediction, truth).value == pytest.approx((45 / 10 + 0) / 2)
    assert score("bavd", prediction, truth).value == pytest.approx(45 / 20)
    assert score("nsd", prediction, truth, tolerance=4).value == pytest.approx(6 / 11)


def test_balanced_distance_divides_both_sums_by_the_truth():
    # Ten voxels too many, at 1 to 10 mm from the true one.
    prediction, truth = box(0, slice(0, 10), 0), box(0, slice(0, 1), 0)
    assert score("avd", prediction, truth).value == pytest.approx((0 + 45 / 10) / 2)
    assert score("bavd", prediction, truth).value == pytest.approx(45 / 2)


def test_centreline_dice_by_hand():
    truth = box(5, slice(1, 9), 4)  # a row of 8, its own centreline
    prediction = box(5, slice(1, 5), 4)  # half of it
    assert score("cldice", prediction, truth).value == pytest.approx(2 * 1 * 0.5 / 1.5)
    thick = box(slice(4, 7), slice(0, 10), slice(3, 6))
    assert score("cldice", thick, truth).value > score("dsc", thick, truth).value


def test_betti_errors_by_hand():
    ring = box(slice(2, 7), slice(2, 7), 3) & ~box(slice(3, 6), slice(3, 6), 3)
    dot = box(slice(10, 11), slice(8, 9), slice(6, 7))
    assert score("betti0-error", ring | dot, ring).value == 1
    assert score("betti1-error", ring | dot, ring).value == 0
    assert score("betti1-error", ring & ~box(4, 2, 3), ring).value == 1
    assert score("betti1-error", ring.any(2), dot.any(2), (1, 1)).value == 1


def test_recall_counts_each_radius_on_its_own():
    spacing = (0.25, 0.25, 0.5)
    grid = np.meshgrid(
        *(s * np.arange(n) for s, n in zip(spacing, (120, 40, 12), strict=True)), indexing="ij"
    )
    thin, middle, thick = (
        np.hypot(grid[0] - x, grid[1] - 5) <= radius for x, radius in ((3, 0.6), (10, 1.5), (22, 3))
    )
    truth = thin | middle | thick
    missed_thin = middle | thick
    names = ("recall-below-1mm", "recall-1-2mm", "recall-above-2mm")
    assert [score(n, missed_thin, truth, spacing).value for n in names] == [0, 1, 1]
    assert [score(n, thin | middle, truth, spacing).value for n in names] == [1, 1, 0]
    assert not score(names[2], thin, thin, spacing).defined


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(40))
def test_symmetry_units_and_bounds(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(3, 12, size=rng.integers(2, 4)))
    first, second = tubes(shape, rng, 2, 1.0), tubes(shape, rng, 2, 1.0)
    spacing = rng.uniform(0.3, 2, len(shape))
    if not (first.any() and second.any()):
        return
    for name in (
        "dsc",
        "hd95",
        "hd",
        "hd95-pooled",
        "assd",
        "avd",
        "nsd",
        "cldice",
        "betti0-error",
    ):
        forth, back = score(name, first, second, spacing), score(name, second, first, spacing)
        assert forth.value == pytest.approx(back.value)
    for name in DISTANCES:  # twice the spacing, twice the distance
        once, twice = (score(name, first, second, f * spacing).value for f in (1, 2))
        assert twice == pytest.approx(2 * once)
    hd, hd95, pooled = (
        score(n, first, second, spacing).value for n in ("hd", "hd95", "hd95-pooled")
    )
    assert max(pooled, hd95) <= hd + 1e-9
    assert score("hd95-evalseg", first, second, spacing).value >= 0
    swapped = score("precision", first, second, spacing).value
    assert swapped == score("recall", second, first, spacing).value
