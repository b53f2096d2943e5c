from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from vbench_plugins.segmenters.network import Unet
from vbench_plugins.segmenters.training import loss_function
from vbench_plugins.segmenters.unet import Unet3d

from vbench.testing import ToyPatches
from vbench.types import Array, Setup

SIZE = (8, 8, 8)


def build(size: tuple[int, ...] = SIZE, **given: Any) -> Unet3d:
    return Unet3d(Unet3d.Params(**{**Unet3d.tiny, **given}), Setup(size))


def fit(unet: Unet3d, seed: int = 0) -> list[float]:
    reports = list(unet.fit(ToyPatches(unet.setup.size), seed=seed))
    return [report.metrics["loss"] for report in reports if "loss" in report.metrics]


def image_and_mask() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (12, 11, 10)).astype(np.float16), np.ones((12, 11, 10), bool)


def test_the_half_u_net_has_the_published_size() -> None:
    with torch.device("meta"):
        network = Unet((96, 96), Unet3d.Params(preset="livne2019-half"))
    count = sum(p.numel() for p in network.parameters())
    assert round(count / 1e6, 2) == 7.85
    assert not any("Norm" in type(m).__name__ for m in network.modules())


@pytest.mark.parametrize("size", [(8, 8, 8), (16, 16, 4), (6, 10, 3), (16, 24), (7, 9)])
@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest"])
def test_any_patch_size_and_norm_works(size: tuple[int, ...], norm: str, upsampling: str) -> None:
    p = Unet3d.Params(width=4, depth=3, norm=norm, upsampling=upsampling, dropout=0.1)
    assert Unet(size, p)(torch.rand(2, 1, *size)).shape == (2, 1, *size)


def test_dice_over_the_batch_is_one_minus_the_overlap() -> None:
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 1, 6, 6, generator=rng)
    labels = (torch.rand(4, 1, 6, 6, generator=rng) > 0.7).float()
    labels[0] = 0  # an empty patch adds no term
    p = torch.sigmoid(logits)
    dice = 1 - 2 * (p * labels).sum() / (p.sum() + labels.sum())
    assert torch.allclose(loss_function("dice")(logits, labels), dice, atol=1e-5)
    both = dice + F.binary_cross_entropy_with_logits(logits, labels)
    assert torch.allclose(loss_function("dice+ce")(logits, labels), both, atol=1e-5)


def test_the_cldice_loss_prefers_an_unbroken_vessel() -> None:
    labels = torch.zeros(1, 1, 16, 16)
    labels[..., 7:10, :] = 1
    whole = 20 * labels - 10
    broken, thinner = whole.clone(), whole.clone()
    broken[..., 6:8] = -10  # both lose 6 voxels
    thinner[..., 7, :6] = -10
    loss = loss_function("cldice")
    assert loss(whole, labels) < loss(thinner, labels) < loss(broken, labels)


@pytest.mark.parametrize("size", [(8, 8, 8), (16, 16)])
def test_it_learns(size: tuple[int, ...]) -> None:
    losses = fit(build(size, steps=30, batch_size=8, lr=1e-2))
    assert losses[-1] < 0.7 * losses[0]


def test_given_weights_are_where_training_starts() -> None:
    source = build(steps=20)
    fit(source)
    fine, scratch = build(steps=1), build(steps=1)
    fine.load_weights(source.weights())
    assert fit(fine)[0] < 0.9 * fit(scratch)[0]


def test_the_best_weights_can_be_put_back() -> None:
    unet, (image, mask) = build(steps=6), image_and_mask()
    for progress in unet.fit(ToyPatches(SIZE), seed=0):
        if progress.step == 3:
            kept, predicted = unet.weights(), unet.predict(image, mask)
    assert not np.array_equal(unet.predict(image, mask), predicted)
    unet.load_weights(kept)
    assert np.array_equal(unet.predict(image, mask), predicted)


@pytest.mark.parametrize("given", [{"dropout": 0.3}, {"precision": "bfloat16"}, {"ema": 0.0}])
def test_a_resumed_fit_ends_where_an_uninterrupted_one_does(given: dict[str, Any]) -> None:
    whole = build(steps=4, **given)
    fit(whole)
    first, second = build(steps=4, **given), build(steps=4, **given)
    steps = first.fit(ToyPatches(SIZE), seed=0)
    next(steps), next(steps)
    second.load_state(first.state())
    steps.close()
    fit(second)
    for name, value in whole.weights().items():
        assert np.array_equal(value, second.weights()[name]), name


def test_standardising_uses_the_moments_of_the_training_patches() -> None:
    unet = build(standardise=True)
    fit(unet)
    images = ToyPatches(SIZE).take(np.arange(24))[:, 0]
    mean, sd = unet.weights()["moments"]
    assert mean == pytest.approx(images.mean(), abs=0.05)
    assert sd == pytest.approx(images.std(), abs=0.05)


def test_dropout_and_warps_of_the_papers_preset_run_in_2d() -> None:
    unet = build((16, 16), preset="livne2019-half", depth=3)
    assert np.isfinite(fit(unet)).all()
    image, mask = image_and_mask()
    assert unet.predict(image, mask).shape == image.shape


def test_too_thin_patches_and_odd_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="2 or more"):
        Unet3d.check(Unet3d.Params(), Setup((16, 16, 1)))
    with pytest.raises(ValueError, match="multiple of 4"):
        Unet3d.check(Unet3d.Params(norm="group", width=6), Setup(SIZE))
