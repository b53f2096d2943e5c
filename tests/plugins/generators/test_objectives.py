import numpy as np
import pytest
import torch
import torch.nn.functional as F
from vbench_plugins.generators.gan_params import (
    DcganParams,
    R3GanParams,
    WganGpParams,
    WganGpSnParams,
)
from vbench_plugins.generators.networks import Critic
from vbench_plugins.generators.objectives import (
    CrossEntropy,
    Relativistic,
    Wasserstein,
    gradient_penalty,
    objective_of,
)
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.seeding import INIT, torch_seed

SIZE = (8, 8, 8)


def critic_and_patches(cls: type = WganGpParams, **given: object) -> tuple[object, ...]:
    p = cls(**{"critic_width": 4, "norm_critic": "none", "batch_size": 5, **given})
    with torch_seed(0, INIT):
        critic = Critic(SIZE, p)
        real, fake = torch.rand(2, 5, 2, *SIZE) * 2 - 1
    return p, critic, real, fake


def norms_by_hand(critic: Critic, mixed: torch.Tensor) -> torch.Tensor:
    norms = []
    for patch in mixed:
        one = patch[None].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(critic(one).sum(), one)
        norms.append(gradient.square().sum().sqrt())
    return torch.stack(norms)


def test_the_penalty_is_that_of_a_loop_over_samples() -> None:
    _, critic, real, fake = critic_and_patches()
    found, norm = gradient_penalty(critic, real, fake, "sample", np.random.default_rng(7))
    weight = torch.from_numpy(np.random.default_rng(7).random((5, 1, 1, 1, 1), np.float32))
    assert weight.unique().numel() == 5
    norms = norms_by_hand(critic, weight * real + (1 - weight) * fake)
    assert torch.allclose(found, ((norms - 1) ** 2).mean(), rtol=1e-4)
    assert torch.allclose(norm, norms.mean(), rtol=1e-4)


def test_the_faulty_penalty_has_one_norm_and_one_weight_for_all() -> None:
    _, critic, real, fake = critic_and_patches()
    found, _ = gradient_penalty(critic, real, fake, "batch", np.random.default_rng(7))
    weight = float(np.random.default_rng(7).random((1, 1, 1, 1, 1), np.float32).item())
    norms = norms_by_hand(critic, weight * real + (1 - weight) * fake)
    whole = norms.square().sum().sqrt()
    assert torch.allclose(found, (whole - 1) ** 2, rtol=1e-4)


def test_the_penalty_reaches_the_critics_weights() -> None:
    _, critic, real, fake = critic_and_patches()
    penalty, _ = gradient_penalty(critic, real, fake, "sample", np.random.default_rng(0))
    penalty.backward()
    assert all(p.grad is not None for name, p in critic.named_parameters() if "weight" in name)


@pytest.mark.parametrize("cls", [WganGpParams, WganGpSnParams])
def test_one_joint_pass_scores_like_two(cls: type) -> None:
    p, critic, real, fake = critic_and_patches(cls, penalty_weight=0.0)
    loss, watched = Wasserstein(p, Compute()).critic(
        critic.eval(), real, fake, np.random.default_rng(0)
    )
    apart = critic(real).mean() - critic(fake).mean()
    assert torch.allclose(watched["wasserstein"], apart, atol=1e-6)
    assert torch.allclose(loss, -apart, atol=1e-6)


def test_the_penalty_may_look_at_some_samples_only() -> None:
    p, critic, real, fake = critic_and_patches(penalty_samples=2)
    objective = Wasserstein(p, Compute())
    _, watched = objective.critic(critic, real, fake, np.random.default_rng(3))
    expected, _ = gradient_penalty(critic, real[:2], fake[:2], "sample", np.random.default_rng(3))
    assert torch.allclose(watched["penalty"], expected)


def test_each_real_patch_is_compared_with_a_generated_one() -> None:
    p, critic, real, fake = critic_and_patches(R3GanParams, penalty_weight=0.0)
    objective = Relativistic(p, Compute())
    loss, _ = objective.critic(critic, real, fake, np.random.default_rng(0))
    pairs = [critic(a[None]) - critic(b[None]) for a, b in zip(real, fake, strict=True)]
    assert torch.allclose(loss, F.softplus(-torch.cat(pairs)).mean(), atol=1e-6)
    made = objective.generator(critic, fake, real)
    assert torch.allclose(made, F.softplus(torch.cat(pairs)).mean(), atol=1e-6)


@pytest.mark.parametrize("samples", [0, 2])
def test_both_penalties_are_squared_lengths_of_gradients(samples: int) -> None:
    p, critic, real, fake = critic_and_patches(
        R3GanParams, penalty_weight=3.0, penalty_samples=samples
    )
    rng = np.random.default_rng(0)
    loss, watched = Relativistic(p, Compute()).critic(critic, real, fake, rng)
    count = samples or 5
    for name, patches in (("r1", real), ("r2", fake)):
        expected = norms_by_hand(critic, patches[:count]).square().mean()
        assert torch.allclose(watched[name], expected, rtol=1e-4)
    alone = F.softplus(critic(fake) - critic(real)).mean()
    assert torch.allclose(loss, alone + 1.5 * (watched["r1"] + watched["r2"]), rtol=1e-4)
    loss.backward()
    assert all(w.grad is not None for name, w in critic.named_parameters() if "weight" in name)


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (DcganParams, CrossEntropy),
        (WganGpSnParams, Wasserstein),
        (WganGpParams, Wasserstein),
        (R3GanParams, Relativistic),
    ],
)
def test_the_parameters_say_which_loss(cls: type, kind: type) -> None:
    assert type(objective_of(cls(), Compute())) is kind


def test_targets_are_drawn_from_the_named_ranges() -> None:
    p, critic, real, fake = critic_and_patches(
        DcganParams, target_real=(1.0, 1.0), target_fake=(0.0, 0.0)
    )
    loss, _ = CrossEntropy(p, Compute()).critic(critic, real, fake, np.random.default_rng(0))
    expected = F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()
    assert torch.allclose(loss, expected, atol=1e-6)


def test_generator_losses_of_dcgan() -> None:
    losses = {}
    for kind in ("adversarial", "adversarial+means", "paired-features"):
        p, critic, real, fake = critic_and_patches(DcganParams, generator_loss=kind)
        losses[kind] = CrossEntropy(p, Compute()).generator(critic, fake, real)
    real_features, fake_features = critic.see(real), critic.see(fake)
    adversarial = F.softplus(-critic(fake)).mean()
    means = (real_features.mean(0) - fake_features.mean(0)).abs().mean()
    pairs = (real_features - fake_features).abs().mean() / 100
    assert torch.allclose(losses["adversarial"], adversarial, atol=1e-6)
    assert torch.allclose(losses["adversarial+means"], adversarial + means, atol=1e-6)
    assert torch.allclose(losses["paired-features"], pairs, atol=1e-6)
