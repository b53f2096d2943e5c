import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from vbench_plugins.segmenters.network import Convolution, Unet
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


@pytest.mark.parametrize(("name", "theirs"), [("dice", "DiceLoss"), ("dice+ce", "DiceCELoss")])
@pytest.mark.parametrize("size", [(6, 6), (5, 4, 6)])
def test_losses_and_their_gradients_are_monai_s_to_the_last_digit(
    name: str, theirs: str, size: tuple[int, ...]
) -> None:
    from monai import losses

    rng = torch.Generator().manual_seed(1)
    logits = torch.randn(4, 1, *size, generator=rng)
    labels = (torch.rand(4, 1, *size, generator=rng) > 0.7).float()
    found = []
    for loss in (loss_function(name), getattr(losses, theirs)(sigmoid=True, batch=True)):
        given = logits.clone().requires_grad_()
        value = loss(given, labels)
        value.backward()
        found.append((value.detach(), given.grad))
    (ours, our_slope), (monai_s, monai_slope) = found
    assert torch.equal(ours, monai_s)
    assert torch.equal(our_slope, monai_slope)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("dropout", [0.0, 0.2])
@pytest.mark.parametrize(
    ("norm", "theirs"),
    [
        ("batch", "BATCH"),
        ("instance", "INSTANCE"),
        ("group", ("GROUP", {"num_groups": 4})),
        ("none", None),
    ],
)
def test_a_convolution_is_monai_s_block_name_by_name(
    ndim: int, dropout: float, norm: str, theirs: Any
) -> None:
    from monai.networks.blocks.convolutions import Convolution as Block

    torch.manual_seed(0)
    ours = Convolution(ndim, 2, 8, norm, dropout)
    torch.manual_seed(0)
    shared: Any = {"act": "RELU", "norm": theirs, "adn_ordering": "NAD", "bias": theirs is None}
    block = Block(ndim, 2, 8, dropout=dropout or None, **shared)
    assert [(k, str(v)) for k, v in ours.named_modules() if not any(v.children())] == [
        (k, str(v)) for k, v in block.named_modules() if not any(v.children())
    ]
    assert ours.state_dict().keys() == block.state_dict().keys()
    assert all(torch.equal(v, block.state_dict()[k]) for k, v in ours.state_dict().items())
    x = torch.rand(3, 2, *(6,) * ndim)
    torch.manual_seed(1)
    given = ours(x)
    torch.manual_seed(1)
    assert torch.equal(given, block(x))


def test_fitting_and_predicting_import_no_monai() -> None:
    code = (
        "import sys\nimport numpy as np\n"
        "from vbench_plugins.segmenters.unet import Unet3d\n"
        "from vbench.testing import ToyPatches\nfrom vbench.types import Setup\n"
        "unet = Unet3d(Unet3d.Params(**{**Unet3d.tiny, 'steps': 1}), Setup((8, 8)))\n"
        "list(unet.fit(ToyPatches((8, 8)), seed=0))\n"
        "unet.predict(np.zeros((8, 8, 2), np.float32), np.ones((8, 8, 2), bool))\n"
        "print([name for name in ('monai', 'mlflow', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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


def test_a_loss_of_ones_own_is_what_is_trained_with() -> None:
    class Own(Unet3d):
        """Its loss is larger where the sum of logits is."""

        name = "own-loss"

        def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            assert logits.shape == labels.shape
            assert logits.dtype == torch.float32
            return (logits**2).mean() + 7

    params = Unet3d.Params(**{**Unet3d.tiny, "steps": 2})
    own, plain = (cls(params, Setup((8, 8, 8))) for cls in (Own, Unet3d))
    said = [progress.metrics["loss"] for progress in own.fit(ToyPatches((8, 8, 8)), seed=0)]
    for _ in plain.fit(ToyPatches((8, 8, 8)), seed=0):
        pass
    assert min(said) > 7
    assert any(not np.array_equal(a, b) for a, b in both(own.weights(), plain.weights()))


def both(one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    return ((np.asarray(one[name]), np.asarray(other[name])) for name in one)
