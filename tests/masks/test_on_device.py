"""Masks that are tensors: the same numbers as arrays give, wherever they are computed."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from masks import adversarial_cases, random_cases

from vbench import MaskPair, registry
from vbench.masks import on_device
from vbench.masks import pair as maskpair

CASES = [*adversarial_cases(), *random_cases(24, seed=3)]


def tensors(case, device="cpu"):
    return [torch.from_numpy(m.copy()).to(device) for m in (case.prediction, case.truth)]


@pytest.fixture
def searched(monkeypatch):
    """Search on a device that is the CPU, and everywhere; return how often that was done."""
    calls = []

    def nearest(*given, plain=on_device.nearest):
        calls.append(given)
        return plain(*given)

    monkeypatch.setattr(on_device, "accelerator", lambda masks: "cpu")
    monkeypatch.setattr(on_device, "nearest", nearest)
    monkeypatch.setattr(maskpair, "_DENSE_QUERY", 2)
    return calls


def by_tree(case, monkeypatch):
    with monkeypatch.context() as m:
        m.setattr(on_device, "accelerator", lambda masks: None)
        m.setattr(maskpair, "_DENSE_QUERY", 2)
        pair = MaskPair(case.prediction, case.truth, case.spacing)
        return [*pair.distances, *pair.excess_distances]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_distances_are_those_of_the_tree(case, searched, monkeypatch):
    pair = MaskPair(*tensors(case), case.spacing)
    for found, expected in zip(
        [*pair.distances, *pair.excess_distances], by_tree(case, monkeypatch), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert all(device == "cpu" for *_, device in searched)


def test_far_from_the_origin_no_digit_is_lost(searched):
    """Where a product of matrices would: places of 10⁵ mm, a micrometre apart."""
    points = np.random.default_rng(0).random((300, 3)) * 1e-3 + 1e5
    targets = np.random.default_rng(1).random((400, 3)) * 1e-3 + 1e5
    expected = np.sqrt(((points[:, None] - targets[None]) ** 2).sum(-1)).min(1)
    np.testing.assert_allclose(on_device.nearest(points, targets, "cpu"), expected, atol=1e-12)


def test_pieces_of_any_size_give_the_same_and_bound_what_is_held(monkeypatch):
    rng = np.random.default_rng(2)
    points, targets = rng.random((101, 2)), rng.random((57, 2))
    whole = on_device.nearest(points, targets, "cpu")
    held, plain = [], torch.cdist

    def cdist(a, b, **how):
        held.append(len(a) * len(b))
        return plain(a, b, **how)

    monkeypatch.setattr(torch, "cdist", cdist)
    for at_once, part in ((64, 10), (7, 57), (1, 1)):
        monkeypatch.setattr(on_device, "_AT_ONCE", at_once)
        monkeypatch.setattr(on_device, "_TARGETS", part)
        held.clear()
        assert on_device.nearest(points, targets, "cpu").tolist() == whole.tolist()
        assert max(held) <= max(at_once, part)
    assert on_device.nearest(points[:0], targets, "cpu").shape == (0,)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3)])
def test_empty_masks_search_nothing(shape, searched):
    empty, some = torch.zeros(shape, dtype=torch.bool), torch.zeros(shape, dtype=torch.bool)
    some[1:3, 1] = True
    for prediction, truth in ((empty, empty), (empty, some), (some, empty)):
        pair = MaskPair(prediction, truth, [0.5] * len(shape))
        arrays = MaskPair(prediction.numpy(), truth.numpy(), [0.5] * len(shape))
        for name, metric in registry.default().metrics("segmentation").items():
            assert str(metric().score(pair)) == str(metric().score(arrays)), name
    assert not searched


@pytest.mark.parametrize(
    "kind", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float64]
)
def test_tensors_of_any_type_are_masks(kind):
    case = CASES[4]
    prediction, truth = (m.to(kind) for m in tensors(case))
    if kind.is_floating_point:
        prediction.requires_grad_(True)
    mask = torch.ones(truth.shape, dtype=torch.bool)
    pair = MaskPair(prediction, truth, case.spacing, mask=mask)
    assert pair.n_both == np.count_nonzero(case.prediction & case.truth)


def test_tensors_are_held_to_what_arrays_are():
    cube = torch.zeros(3, 3, 3)
    with pytest.raises(ValueError, match=r"prediction has shape \(3, 3\)"):
        MaskPair(cube[0], cube, (1, 1, 1))
    with pytest.raises(ValueError, match="prediction holds fractions"):
        _ = MaskPair(cube + 0.5, cube, (1, 1, 1)).n_both


def test_arrays_and_tensors_of_the_host_are_searched_by_trees():
    cube = torch.ones(2, 2)
    assert on_device.accelerator([np.ones((2, 2)), None, cube]) is None


def test_arrays_import_no_torch():
    code = (
        "import sys, numpy as np; from vbench.masks.pair import MaskPair; "
        "t = np.zeros((9, 9, 9), bool); t[2:4, 3] = True; p = np.roll(t, 3, 0); "
        "assert MaskPair(p, t, (1, 1, 1)).distances[0].min() > 1; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.gpu
def test_distances_on_a_gpu_are_those_of_the_tree(monkeypatch):
    for case in CASES:
        expected = by_tree(case, monkeypatch)
        with monkeypatch.context() as m:
            m.setattr(maskpair, "_DENSE_QUERY", 2)
            pair = MaskPair(*tensors(case, "cuda"), case.spacing)
            found = [*pair.distances, *pair.excess_distances]
        assert pair._device == "cuda:0", case.name
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-9, err_msg=case.name)


def test_very_many_pairs_and_a_full_device_are_left_to_the_tree(searched, monkeypatch):
    case = CASES[-1]
    expected = by_tree(case, monkeypatch)

    def full(*given):
        raise torch.OutOfMemoryError("no memory")

    for name, value in (("MOST_PAIRS", 0), ("_compared", full)):
        with monkeypatch.context() as patched:
            patched.setattr(on_device, name, value)
            pair = MaskPair(*tensors(case), case.spacing)
            found = [*pair.distances, *pair.excess_distances]
        for mine, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda mask: mask.permute(2, 1, 0).contiguous().permute(2, 1, 0),
        lambda mask: mask.to_sparse(),
        lambda mask: mask.to(torch.float8_e4m3fn),
        lambda mask: mask.to(torch.uint16),
        lambda mask: torch._neg_view(-mask.float()),
    ],
    ids=["fortran", "sparse", "float8", "uint16", "negated"],
)
def test_tensors_however_they_are_stored_are_masks(disguise):
    case = next(case for case in CASES if case.truth.ndim == 3 and case.truth.any())
    plain = MaskPair(case.prediction, case.truth, case.spacing)
    pair = MaskPair(*map(disguise, tensors(case)), case.spacing)
    for found, expected in zip(pair.masks, plain.masks, strict=True):
        np.testing.assert_array_equal(found, expected)
