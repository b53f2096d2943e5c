"""Tubes of every width, direction and spacing through the scores of centrelines and radii."""

from __future__ import annotations

import numpy as np
import pytest
from masks import straight
from vbench_plugins.metrics import morphology

from vbench import MaskPair, registry

METRICS = registry.default().metrics("segmentation")
CLASSES = ("recall-below-1mm", "recall-1-2mm", "recall-above-2mm")
DIRECTIONS = [(1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1), (0.3, 0.9, 0.5)]


def score(name, prediction, truth, spacing=(1, 1, 1)):
    return METRICS[name]().score(MaskPair(prediction, truth, spacing))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("width", range(1, 9))
def test_cldice_sees_a_missed_tube_of_any_width(width, axis, order):
    truth = np.zeros((22, 12, 60), bool)
    truth[2 : 2 + width, 2 : 2 + width, 5:55] = True
    truth[18, 6, 5:55] = True
    prediction = truth.copy()
    prediction[:12] = False
    masks = [np.array(np.moveaxis(m, 2, axis), order=order) for m in (prediction, truth)]
    expected = 2 / 3  # precision 1, recall one half
    assert score("cldice", *masks).value == pytest.approx(expected, abs=0.06)
    assert score("cldice", *masks[::-1]).value == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("spacing", [(1, 1, 1), (0.47, 0.47, 0.8), (1, 1, 3)], ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
@pytest.mark.parametrize("width", range(2, 9))
def test_cldice_of_half_a_tube(width, direction, spacing):
    rng = np.random.default_rng(width)
    radius = width / 2 * max(spacing)
    truth, along = straight(radius, direction, spacing, rng, 10 * radius)
    assert score("cldice", truth, truth, spacing).value == 1
    half = truth & (along < 0)
    assert 0.5 < score("cldice", half, truth, spacing).value < 0.85


@pytest.mark.parametrize("width", range(1, 9))
def test_cldice_in_2d_sees_a_missed_band_of_any_width(width):
    truth = np.zeros((60, 30), bool)
    truth[5:55, 2 : 2 + width] = True
    truth[5:55, 20] = True
    prediction = truth & (np.arange(30) > 15)
    assert score("cldice", prediction, truth, (1, 1)).value == pytest.approx(2 / 3, abs=0.06)


@pytest.mark.parametrize("spacing", [(0.35,) * 3, (0.3, 0.3, 0.5), (0.2, 0.4, 0.3)], ids=str)
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
@pytest.mark.parametrize(("radius", "place"), [(0.7, 0), (1.2, 1), (1.5, 1), (1.8, 1), (2.3, 2)])
def test_a_tube_is_in_its_own_class_of_radius(radius, place, direction, spacing):
    truth, _ = straight(radius, direction, spacing, np.random.default_rng(0), 14)
    radii = MaskPair(truth, truth, spacing).truth_radius
    inside = np.digitize(radii, (1, 2)) == place
    assert inside.mean() > 0.85
    empty = np.zeros_like(truth)
    assert score(CLASSES[place], empty, truth, spacing).value == 0
    assert score(CLASSES[place], empty, truth, spacing).defined


@pytest.mark.parametrize("spacing", [2.0, 2 * (1 - 1e-7)])
def test_a_radius_on_the_edge_of_a_class_is_in_the_upper_one(spacing):
    truth = np.zeros((5, 5, 20), bool)
    truth[2, 2, 2:18] = True  # half a voxel: 1 mm
    empty = np.zeros_like(truth)
    assert score("recall-1-2mm", empty, truth, (spacing,) * 3).defined
    assert not score("recall-below-1mm", empty, truth, (spacing,) * 3).defined


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("width", range(1, 9))
def test_morphology_measures_a_tube_of_any_width(width, ndim):
    label = np.zeros((1, 14, 14, 40)[: 1 + ndim] if ndim == 3 else (1, 14, 40), np.uint8)
    label[0, 3 : 3 + width, ..., 4:36] = 1
    if ndim == 3:
        label[0, :, :3] = label[0, :, 3 + width :] = 0
    found = morphology.measure(label)
    assert found["components"].tolist() == [1]
    assert len(found["length"]) == 1
    assert found["length"][0] >= 32 - width
    expected = width / np.sqrt(np.pi) if ndim == 3 else width / 2
    assert np.median(found["radius"]) == pytest.approx(expected, abs=0.15)


def test_morphology_sees_the_difference_between_even_widths():
    def tube(width):
        label = np.zeros((1, 14, 14, 40), np.uint8)
        label[0, 3 : 3 + width, 3 : 3 + width, 4:36] = 1
        return morphology.measure(label)["radius"]

    assert np.median(tube(4)) - np.median(tube(2)) == pytest.approx(2 / np.sqrt(np.pi), abs=0.1)
