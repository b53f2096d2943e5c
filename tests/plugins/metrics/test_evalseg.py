"""hd95-evalseg against a plain transcription of the tool's scan, and its known bias."""

from __future__ import annotations

import numpy as np
import pytest
from masks import adversarial_cases, random_cases, tubes
from vbench_plugins.metrics.evalseg import Hausdorff95EvalSeg

from vbench import MaskPair, registry

CASES = [*adversarial_cases(), *random_cases(40, seed=5)]


def scan(pair: MaskPair, rng: np.random.Generator) -> float:
    """Scan voxel by voxel, taking queries of both lists in turn, as the tool does."""
    orders = {side: rng.permutation(len(pair.excess[side])) for side in (1, 0)}
    lists = {}
    for side in (1, 0):
        targets = pair.points(pair.index[1 - side])[rng.permutation(len(pair.index[1 - side]))]
        lists[side] = (pair.points(pair.excess[side][orders[side]]), targets)
    largest, kept = 0.0, []
    for turn in range(max(len(order) for order in orders.values())):
        for side in (1, 0):
            points, targets = lists[side]
            if turn >= len(points):
                continue
            smallest = np.inf
            for target in targets:
                distance = np.sqrt(((target - points[turn]) ** 2).sum())
                smallest = min(smallest, distance)
                if distance < largest * (1 - 1e-5):
                    break
            kept.append(smallest)
            largest = max(largest, smallest)
    kept.sort()
    return kept[int(0.95 * (len(kept) - 1))] if kept else 0.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_plain_scan(case):
    pair = MaskPair(case.prediction, case.truth, case.spacing, seed=7)
    metric = Hausdorff95EvalSeg(Hausdorff95EvalSeg.Params(shuffles=1))
    assert metric.score(pair).value == pytest.approx(scan(pair, np.random.default_rng(7)))


def test_the_seed_decides_and_shuffles_are_averaged():
    rng = np.random.default_rng(0)
    truth = tubes((20, 20, 12), rng, 4)
    prediction = np.roll(truth, 1, 0) | tubes(truth.shape, rng, 1)

    def value(seed: int, shuffles: int) -> float:
        params = Hausdorff95EvalSeg.Params(shuffles=shuffles)
        pair = MaskPair(prediction, truth, (0.5, 0.5, 0.8), seed=seed)
        return Hausdorff95EvalSeg(params).score(pair).value

    assert value(1, 4) == value(1, 4)
    assert len({value(seed, 1) for seed in range(6)}) > 1
    spread = [np.std([value(seed, k) for seed in range(12)]) for k in (1, 16)]
    assert spread[1] < spread[0]


def test_lies_near_the_maximum_where_the_true_quantile_is_a_voxel():
    # Vessels a voxel too thick everywhere, and one false voxel far away: the true 95 % distance
    # is a voxel; the tool's quantile is set by that single far voxel.
    rng = np.random.default_rng(2)
    truth = tubes((40, 40, 20), rng, 5)
    truth[-6:, -6:, -6:] = False
    prediction = truth | np.roll(truth, 1, 0)
    prediction[-1, -1, -1] = True
    pair = MaskPair(prediction, truth, (1, 1, 1))
    metrics = registry.default().metrics("segmentation")
    hd95, hd, tool = (metrics[n]().score(pair).value for n in ("hd95", "hd", "hd95-evalseg"))
    assert hd95 <= 1.5
    assert 0.7 * hd < tool < hd
