"""nnU-Net's adapter; what trains is skipped where the extra `nnunet` is not installed."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
from vbench_plugins.segmenters.nnunet import Nnunet, NnunetParams

from vbench.errors import MissingExtraError
from vbench.testing import SegmenterSuite, ToyPatches
from vbench.testing.toys import imaged, tubes
from vbench.types import Setup

installed = pytest.mark.skipif(
    importlib.util.find_spec("nnunetv2") is None, reason="needs the extra `nnunet`"
)


class TestNnunet(SegmenterSuite):
    plugin = Nnunet


@pytest.mark.parametrize("size", [(8, 8, 8), (16, 3, 16), (8, 8)])
def test_sizes_that_it_cannot_plan_for_are_refused(size):
    with pytest.raises(ValueError, match="nnU-Net needs 4 voxels or more along every axis"):
        Nnunet.check(NnunetParams(), Setup(size))


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vbench\[nnunet\]'"):
        Nnunet.check(NnunetParams(), Setup((16, 16, 16)))


@installed
def test_the_plans_are_nnunets_and_travel_with_the_weights():
    method = Nnunet(NnunetParams(**{**Nnunet.tiny, "batch_size": 0}), Setup((16, 16, 16)))
    list(method.fit(ToyPatches((16, 16, 16)), seed=1))
    plans = json.loads(bytes(method.weights()["plans"]))
    planned = plans["configurations"]["3d_fullres"]
    assert planned["patch_size"] == [16, 16, 16]
    assert planned["batch_size"] == 2  # nnU-Net's least; it takes a twentieth of the data set
    assert planned["architecture"]["arch_kwargs"]["features_per_stage"] == [2, 4, 8]
    assert planned["normalization_schemes"] == ["NoNormalization"]


@installed
@pytest.mark.parametrize(
    ("size", "configuration", "planned"),
    [((16, 16, 16), "3d_fullres", [0.8, 0.6, 0.5]), ((16, 16), "2d", [0.6, 0.5])],
)
def test_it_plans_with_the_spacing_of_its_setup(size, configuration, planned):
    setup = Setup(size, spacing=(0.5, 0.6, 0.8))
    method = Nnunet(NnunetParams(**Nnunet.tiny), setup)
    list(method.fit(ToyPatches(size), seed=1))
    plans = json.loads(bytes(method.weights()["plans"]))
    assert plans["configurations"][configuration]["spacing"] == planned  # z, y, x
    # Scans of that spacing are predicted on their own grid.
    image = np.zeros((18, 20, 17), np.float32)
    assert method.predict(image, np.ones(image.shape, bool)).shape == image.shape


@installed
def test_it_learns_bright_tubes():
    params = {**Nnunet.tiny, "steps": 300, "cases": 24, "width": 8, "batch_size": 8, "overlap": 0.5}
    method = Nnunet(NnunetParams(**params), Setup((16, 16, 16), spacing=(0.5, 0.5, 0.7)))
    list(method.fit(ToyPatches((16, 16, 16)), seed=1))
    rng = np.random.default_rng(5)
    truth = tubes((20, 24, 18), rng)  # of unequal extents, so that a mistaken axis shows
    found = method.predict(imaged(truth, rng), np.ones_like(truth)) > 0.5
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9


@installed
def test_a_thin_volume_lies_in_a_patch_as_in_training():
    method = Nnunet(NnunetParams(**Nnunet.tiny), Setup((16, 16, 16), spacing=(0.5, 0.5, 0.5)))
    list(method.fit(ToyPatches((16, 16, 16)), seed=1))
    rng = np.random.default_rng(2)
    thin = rng.uniform(-1, 1, (20, 7, 18)).astype(np.float32)
    whole = np.pad(thin, ((0, 0), (5, 4), (0, 0)), constant_values=-1)
    found, wanted = (method.predict(image, np.ones(image.shape, bool)) for image in (thin, whole))
    np.testing.assert_allclose(found, wanted[:, 5:12], atol=1e-6)
