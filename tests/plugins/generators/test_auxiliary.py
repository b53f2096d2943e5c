"""Labels pulled towards what a segmenter says of their images, and labels cut for the critic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from vbench_plugins.generators.auxiliary import AuxiliarySegmenter
from vbench_plugins.generators.gan import Dcgan, Gan, WganGp, WganGpSn
from vbench_plugins.generators.training import GanTrainer
from vbench_plugins.nn.compute import Compute

from vbench.testing import ToyPatches
from vbench.types import Array, Setup

SIZE = (8, 8, 8)


def trainer(cls: type[Gan] = WganGp, **given: Any) -> GanTrainer:
    return GanTrainer(cls.Params(**{**cls.tiny, **given}), SIZE, Compute(), seed=0)


def agreement(**given: Any) -> AuxiliarySegmenter:
    found = trainer(**{"agreement": 1.0, **given}).auxiliary
    assert found is not None
    return found


def entered(n: int = 8) -> Array:
    """Real patches in the range that the GANs work in."""
    gan = WganGp(WganGp.Params(**WganGp.tiny), Setup(SIZE))
    return gan.prepare(ToyPatches(SIZE).take(np.arange(n)), np.random.default_rng(0))


def weights_after(cls: type[Gan], steps: int = 2, **given: Any) -> dict[str, Any]:
    method = trainer(cls, **given)
    for _ in range(steps):
        method.step(entered())
    return method.generator.state_dict()


@pytest.mark.parametrize("cls", [Dcgan, WganGp, WganGpSn])
def test_without_a_weight_nothing_is_trained_and_nothing_changes(cls: type[Gan]) -> None:
    assert trainer(cls).auxiliary is None
    plain = weights_after(cls)
    off = weights_after(cls, agreement=0.0)
    pulled = weights_after(cls, agreement=100.0)
    assert all(torch.equal(plain[name], off[name]) for name in plain)
    assert any(not torch.equal(plain[name], pulled[name]) for name in plain)


def test_the_pull_changes_what_the_last_layer_makes_of_a_label_and_nothing_else() -> None:
    method = trainer(agreement=1.0)
    assert method.auxiliary is not None
    made = method.fake(4, np.random.default_rng(0))
    label = method.generator.label(method._features, made.detach())
    assert torch.allclose(made[:, 1:], label)
    method.auxiliary.distance(made.detach(), label).backward()
    changed = {n: p.grad for n, p in method.generator.named_parameters() if p.grad is not None}
    last = f"layers.{len(method.generator.layers) - 2}"
    assert set(changed) == {f"{last}.weight", f"{last}.bias"}
    assert not changed[f"{last}.weight"][0].any()  # the image's
    assert changed[f"{last}.weight"][1].any()


def test_the_pull_changes_the_layers_of_the_label_where_it_has_its_own() -> None:
    method = trainer(agreement=1.0, label_layers=2, label_width=4)
    assert method.auxiliary is not None
    made = method.fake(4, np.random.default_rng(0))
    assert made.shape == (4, 2, *SIZE)
    label = method.generator.label(method._features, made.detach())
    assert torch.allclose(made[:, 1:], label, atol=1e-6)
    method.auxiliary.distance(made.detach(), label).backward()
    changed = {n for n, p in method.generator.named_parameters() if p.grad is not None}
    assert changed == {n for n, _ in method.generator.named_parameters() if n.startswith("head.")}


@pytest.mark.parametrize("size", [(8, 8), (8, 8, 4)])
@pytest.mark.parametrize("cls", [Dcgan, WganGp, WganGpSn])
def test_a_gan_with_layers_for_the_label_trains_samples_and_comes_back(
    cls: type[Gan], size: tuple[int, ...]
) -> None:
    params = cls.Params(**{**cls.tiny, "agreement": 1.0, "label_layers": 1})
    gan, other = cls(params, Setup(size)), cls(params, Setup(size))
    for _ in gan.fit(ToyPatches(size), seed=1):
        pass
    made = gan.sample(3, seed=2)
    assert made.shape == (3, 2, *size)
    assert set(np.unique(made[:, 1])) <= {0.0, 1.0}
    other.load_weights(gan.weights())
    assert np.array_equal(other.sample(3, seed=2), made)


def test_layers_for_the_label_need_features_at_full_resolution() -> None:
    with pytest.raises(ValueError, match='output = "conv", or label_layers = 0'):
        WganGp(WganGp.Params(label_layers=1, output="transposed"), Setup((16, 16)))


def test_labels_as_the_segmenter_says_are_nearest_and_saturated_ones_are_finite() -> None:
    judge = agreement()
    judge.average.module.load_state_dict(judge.network.state_dict())
    image = torch.from_numpy(entered(4)[:, :1])
    with torch.no_grad():
        said = (judge.average.module(image) > 0).float() * 2 - 1
    distance = [
        float(judge.distance(torch.cat([image, label], dim=1), label))
        for label in (said, torch.ones_like(said), -torch.ones_like(said))
    ]
    assert distance[0] == min(distance)
    assert np.isfinite(distance).all()


def test_the_segmenter_learns_what_real_labels_are() -> None:
    judge, real = agreement(), entered()
    before = real.copy()
    losses = [float(judge.learn(real, step, 1.0)) for step in range(1, 41)]
    assert losses[-1] < 0.7 * losses[0]
    assert np.array_equal(real, before)


def test_the_pull_grows_over_the_first_share_of_the_steps() -> None:
    judge = agreement(agreement=10.0)
    assert [judge.weight(done) for done in (0.0, 0.1, 0.2, 1.0)] == [0.0, 5.0, 10.0, 10.0]


@pytest.mark.parametrize(("label_range", "low"), [("-1..1", -1.0), ("0..1", 0.0)])
def test_the_critic_sees_cut_labels_and_lets_the_gradient_through(
    label_range: str, low: float
) -> None:
    method = trainer(critic_labels="hard", label_range=label_range, label_threshold=0.3)
    fake = (torch.rand(4, 2, *SIZE) * 2 - 1).requires_grad_(True)
    shown = method.shown(fake)
    assert set(shown[:, 1].detach().unique().tolist()) == {low, 1.0}
    assert torch.equal(shown[:, 1] > low, fake[:, 1] > 0.3)
    assert torch.equal(shown[:, 0], fake[:, 0])
    (gradient,) = torch.autograd.grad(shown.sum(), fake)
    assert torch.equal(gradient, torch.ones_like(fake))
    assert trainer().shown(fake) is fake


def test_a_training_with_agreement_resumes_where_it_was() -> None:
    given = {**WganGpSn.tiny, "steps": 4, "agreement": 5.0, "critic_labels": "hard"}
    methods = [WganGpSn(WganGpSn.Params(**given), Setup(SIZE)) for _ in range(3)]
    whole, first, second = methods
    for progress in whole.fit(ToyPatches(SIZE), seed=1):
        assert {"agreement", "auxiliary_loss"} <= set(progress.metrics)
    steps = first.fit(ToyPatches(SIZE), seed=1)
    next(steps), next(steps)
    state = first.state()
    steps.close()
    assert state is not None
    second.load_state(state)
    for _ in second.fit(ToyPatches(SIZE), seed=1):
        pass
    for name, value in whole.weights().items():
        assert np.array_equal(value, second.weights()[name]), name
    assert not any("agreement" in name for name in whole.weights())  # it goes nowhere


def test_it_works_on_slices() -> None:
    given = {**Dcgan.tiny, "agreement": 1.0}
    gan = Dcgan(Dcgan.Params(**given), Setup((16, 12)))
    for _ in gan.fit(ToyPatches((16, 12)), seed=0):
        pass
    assert gan.sample(2, seed=0).shape == (2, 2, 16, 12)


# Labels by the segmenter


def labelled(size: tuple[int, ...] = SIZE, cls: type[Gan] = WganGpSn, **given: Any) -> Gan:
    params = cls.Params(**{**cls.tiny, "steps": 4, "label_by": "segmenter", **given})
    return cls(params, Setup(size))


def fitted(gan: Gan, seed: int = 1) -> Gan:
    for _ in gan.fit(ToyPatches(gan.setup.size), seed=seed):
        pass
    return gan


@pytest.mark.parametrize("cls", [Dcgan, WganGp, WganGpSn])
@pytest.mark.parametrize(("label_range", "cut"), [("-1..1", 0.0), ("0..1", 0.5)])
def test_labels_are_what_the_segmenter_says_of_the_images(
    cls: type[Gan], label_range: str, cut: float
) -> None:
    gan = fitted(labelled(cls=cls, label_range=label_range, label_threshold=cut))
    made = gan.sample(5, seed=2)
    said = gan._trainer.auxiliary.average.module(torch.from_numpy(made[:, :1]))
    assert np.array_equal(made[:, 1] == 1, (said > 0).numpy()[:, 0])
    assert not any(
        name.startswith("head") and weight.requires_grad
        for name, weight in gan._trainer.generator.named_parameters()
    )


@pytest.mark.parametrize("size", [(16, 12), (8, 8, 4)])
def test_a_gan_that_labels_by_a_segmenter_comes_back_and_resumes(size: tuple[int, ...]) -> None:
    whole, first, second, other = (labelled(size, critic_labels="hard") for _ in range(4))
    made = fitted(whole).sample(3, seed=2)
    other.load_weights(whole.weights())
    assert np.array_equal(other.sample(3, seed=2), made)
    steps = first.fit(ToyPatches(size), seed=1)
    next(steps), next(steps)
    state = first.state()
    steps.close()
    assert state is not None
    second.load_state(state)
    assert np.array_equal(fitted(second).sample(3, seed=2), made)


def test_what_a_critic_says_of_a_label_reaches_the_image_and_not_the_segmenter() -> None:
    method = trainer(label_by="segmenter", critic_labels="hard")
    made = method.fake(4, np.random.default_rng(0))
    method.shown(made)[:, 1].sum().backward()
    found = {
        n for n, p in method.generator.named_parameters() if p.grad is not None and p.grad.any()
    }
    assert found
    assert not any(name.startswith("head.") for name in found)
    method.generator.train()
    assert isinstance(method.generator.head, torch.nn.Module)
    assert not any(part.training for part in method.generator.head.modules())


@pytest.mark.parametrize("given", [{"agreement": 1.0}, {"label_layers": 2}])
def test_what_a_segmenter_leaves_without_effect_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="leave both at 0"):
        labelled(**given)
