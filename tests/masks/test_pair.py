"""MaskPair: what it hands over, that it computes it once, and that either road is exact."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import numpy as np
import pytest
from masks import adversarial_cases, random_cases, tubes
from scipy import ndimage

from vbench import MaskPair, SegmentationMetric, registry
from vbench.masks import pair as maskpair
from vbench.masks import places, radius, thinning, voxels

CASES = [*adversarial_cases(), *random_cases(40, seed=1)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_distances_are_those_of_a_distance_transform(case):
    pair = MaskPair(case.prediction, case.truth, case.spacing)
    masks = [np.pad(m, 1) for m in (case.prediction, case.truth)]
    borders = [m & ~ndimage.binary_erosion(m) for m in masks]
    for side in (0, 1):
        from_border = ndimage.distance_transform_edt(~borders[1 - side], sampling=case.spacing)
        np.testing.assert_allclose(pair.distances[side], from_border[borders[side]], atol=1e-9)
        from_mask = ndimage.distance_transform_edt(~masks[1 - side], sampling=case.spacing)
        excess = masks[side] & ~masks[1 - side]
        np.testing.assert_allclose(pair.excess_distances[side], from_mask[excess], atol=1e-9)


@pytest.mark.parametrize("limit", [0, 2], ids=["transform", "tree"])
def test_both_roads_to_a_distance_agree(limit, monkeypatch):
    monkeypatch.setattr(maskpair, "_DENSE_QUERY", limit)
    for case in CASES:
        pair = MaskPair(case.prediction, case.truth, case.spacing)
        other = MaskPair(case.prediction, case.truth, case.spacing)
        monkeypatch.setattr(maskpair, "_DENSE_QUERY", 2 - limit)
        expected = other.distances
        monkeypatch.setattr(maskpair, "_DENSE_QUERY", limit)
        for side in (0, 1):
            np.testing.assert_allclose(pair.distances[side], expected[side], atol=1e-9)


class Work:
    """Counts the calls of all that costs time, by what is called."""

    PARTS: ClassVar = {
        places: ("find", "joint_box", "crop"),
        voxels: ("border", "components", "betti"),
        thinning: ("skeleton",),
        radius: ("along",),
        MaskPair: ("_border_distances", "_excess_distances", "_nearest", "_tree"),
    }

    def __init__(self, monkeypatch):
        self.calls = Counter()
        for owner, names in self.PARTS.items():
            for name in names:
                monkeypatch.setattr(owner, name, self.counted(name, getattr(owner, name)))

    def counted(self, name, function):
        def call(*args, **kwargs):
            self.calls[name] += 1
            return function(*args, **kwargs)

        return call


def two_trees(ndim: int) -> MaskPair:
    truth = tubes((24, 22, 20)[:ndim], np.random.default_rng(0), 3)
    return MaskPair(np.roll(truth, 2, 0), truth, (0.5, 0.7, 0.9)[:ndim])


METRICS = registry.default().metrics("segmentation")


@pytest.mark.parametrize("ndim", [2, 3])
def test_a_subjects_scores_are_one_pass(monkeypatch, ndim):
    work = Work(monkeypatch)
    pair = two_trees(ndim)
    assert not work.calls  # nothing before it is asked for
    for metric in METRICS.values():
        metric().score(pair)
    # Once a mask; the four ways of distances; a tree of each border where one is searched (in 3D),
    # and for the radii that of the truth's centreline.
    assert {**work.calls, "_tree": 0} == {
        "find": 2, "joint_box": 1, "crop": 2, "border": 2, "components": 2, "betti": 2,
        "skeleton": 2, "along": 1, "_border_distances": 2, "_excess_distances": 2, "_nearest": 4,
        "_tree": 0,
    }  # fmt: skip
    assert work.calls["_tree"] <= 3


@pytest.mark.parametrize("name", sorted(METRICS))
def test_adding_a_score_recomputes_nothing(monkeypatch, name):
    work = Work(monkeypatch)
    pair = two_trees(3)
    for other, metric in METRICS.items():
        if other != name:
            metric().score(pair)
    before = Counter(work.calls)
    METRICS[name]().score(pair)
    assert work.calls == before
    alone = Work(monkeypatch)
    METRICS[name]().score(two_trees(3))
    assert alone.calls  # the counters see what a score costs that comes alone


def test_a_third_partys_score_on_shared_parts_costs_nothing_more(monkeypatch):
    class Mine(SegmentationMetric):
        """Far border voxels that are on no centreline."""

        name = "mine"

        def score(self, pair):
            far = pair.borders[0][pair.distances[0] > 0]
            return float(np.mean(~np.isin(far, pair.skeletons[0]))) + pair.betti[0][0]

    work = Work(monkeypatch)
    pair = two_trees(3)
    for metric in METRICS.values():
        metric().score(pair)
    before = Counter(work.calls)
    assert Mine().score(pair) > 0
    assert work.calls == before


def test_a_mask_to_score_in_hides_what_is_outside():
    rng = np.random.default_rng(0)
    prediction, truth, inside = (rng.random((7, 8, 9)) < p for p in (0.3, 0.3, 0.5))
    pair = MaskPair(prediction, truth, (1, 1, 1), mask=inside)
    assert pair.n_prediction == np.count_nonzero(prediction & inside)
    assert pair.n_truth == np.count_nonzero(truth & inside)
    assert pair.n_both == np.count_nonzero(prediction & truth & inside)


def test_type_order_and_place_in_the_volume_change_nothing():
    rng = np.random.default_rng(3)
    truth = tubes((12, 11, 10), rng)
    prediction = np.roll(truth, 2, 1) | tubes(truth.shape, rng, 1)
    spacing = (0.5, 0.7, 1.1)
    reference = MaskPair(prediction, truth, spacing)
    wide = [np.pad(m, ((7, 2), (0, 5), (3, 3))) for m in (prediction, truth)]
    variants = [
        [m.astype(np.float32) for m in (prediction, truth)],
        [3 * m.astype(np.int16) for m in (prediction, truth)],
        [np.asfortranarray(m) for m in (prediction, truth)],
        [m[::-1][::-1] for m in (prediction, truth)],
        wide,
    ]
    for masks in variants:
        pair = MaskPair(*masks, spacing)
        assert pair.distances[0].tolist() == pytest.approx(reference.distances[0].tolist())
        assert pair.n_both == reference.n_both
        assert pair.betti == reference.betti
        assert [len(s) for s in pair.skeletons] == [len(s) for s in reference.skeletons]


def test_radius_of_a_cylinder_is_its_radius():
    spacing = (0.25, 0.25, 0.5)
    x, y, _ = np.meshgrid(
        *(s * np.arange(n) for s, n in zip(spacing, (41, 41, 20), strict=True)), indexing="ij"
    )
    for true in (0.8, 1.5, 2.6):
        truth = np.hypot(x - 5, y - 5) <= true
        found = MaskPair(truth, truth, spacing).truth_radius
        assert len(found) == np.count_nonzero(truth)
        disc = np.sqrt(truth[..., 0].sum() * 0.25**2 / np.pi)  # what the voxels make of it
        assert disc == pytest.approx(true, abs=0.06)
        assert np.median(found) == pytest.approx(disc, abs=0.05)


def test_a_vessel_along_the_edge_of_the_volume_is_not_thin_for_that():
    truth = np.zeros((10, 9, 9), bool)
    truth[:, :4] = True
    assert MaskPair(truth, truth, (1, 1, 1)).truth_radius.max() > 1.4
    assert np.isinf(MaskPair(truth | ~truth, truth | ~truth, (1, 1, 1)).truth_radius).all()


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3)])
def test_empty_masks_have_empty_properties(shape):
    empty, some = np.zeros(shape, bool), np.zeros(shape, bool)
    some[1:3, 1] = True
    for prediction, truth in ((empty, empty), (empty, some), (some, empty)):
        pair = MaskPair(prediction, truth, [1.0] * len(shape))
        assert pair.n_both == 0
        assert [len(s) > 0 for s in pair.skeletons] == [prediction.any(), truth.any()]
        assert [b[0] for b in pair.betti] == [int(prediction.any()), int(truth.any())]
        assert len(pair.truth_radius) == truth.sum()
        assert [len(e) for e in pair.excess] == [prediction.sum(), truth.sum()]


def test_what_cannot_be_scored_is_refused():
    cube = np.zeros((3, 3, 3), bool)
    with pytest.raises(ValueError, match=r"prediction has shape \(3, 3\)"):
        MaskPair(cube[0], cube, (1, 1, 1))
    with pytest.raises(ValueError, match="mask has shape"):
        MaskPair(cube, cube, (1, 1, 1), mask=cube[0])
    with pytest.raises(ValueError, match="3 positive lengths"):
        MaskPair(cube, cube, (1, 1))
    with pytest.raises(ValueError, match="3 positive lengths"):
        MaskPair(cube, cube, (1, 0, 1))
    with pytest.raises(ValueError, match="2 or 3 axes"):
        MaskPair(cube[0, 0], cube[0, 0], (1,))
    with pytest.raises(ValueError, match="prediction holds fractions"):
        _ = MaskPair(cube + 0.5, cube, (1, 1, 1)).n_both
