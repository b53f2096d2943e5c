import pytest
import torch
from torch import nn
from vbench_plugins.generators.gan_params import DcganParams, WganGpParams, WganGpSnParams
from vbench_plugins.generators.networks import (
    Critic,
    GeneratorNet,
    MinibatchDiscrimination,
    initialise,
)
from vbench_plugins.nn.seeding import INIT, torch_seed

from vbench.interfaces import Params

ALL = [DcganParams, WganGpParams, WganGpSnParams]
SIZES = [(16, 16, 16), (32, 32, 16), (32, 16, 8), (96, 96), (24, 32), (12, 20, 5)]


def millions(module: nn.Module) -> float:
    return round(sum(p.numel() for p in module.parameters()) / 1e6, 1)


def small(cls: type[Params], **given: object) -> Params:
    return cls(**{"width": 4, "critic_width": 4, "latent": 6, **given})


@pytest.mark.parametrize(
    ("cls", "generator", "critic"),
    [(DcganParams, 43.0, 11.0), (WganGpParams, 44.1, 39.2), (WganGpSnParams, 44.1, 39.2)],
)
def test_the_authors_networks_have_the_published_sizes(
    cls: type[Params], generator: float, critic: float
) -> None:
    p = cls(preset="authors")
    with torch.device("meta"):
        assert millions(GeneratorNet((96, 96), p)) == generator
        assert millions(Critic((96, 96), p)) == critic


def test_the_follow_ups_generator_starts_at_an_eighth_with_512_channels() -> None:
    p = WganGpSnParams(preset="subramaniam2022")
    with torch.device("meta"):
        generator, critic = GeneratorNet((128, 128, 64), p), Critic((128, 128, 64), p)
    assert generator.start == (16, 16, 8)
    assert generator.unfold.out_features == 16 * 16 * 8 * 512
    assert critic.head[1].in_features == 8 * 8 * 4 * 512


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("size", SIZES)
def test_networks_fit_patches_of_any_divisible_size(
    cls: type[Params], size: tuple[int, ...]
) -> None:
    p = small(cls)
    patches = GeneratorNet(size, p)(torch.randn(3, 6))
    assert patches.shape == (3, 2, *size)
    assert patches.abs().max() <= 1
    assert Critic(size, p)(patches).shape == (3,)
    pooled = Critic(size, small(cls, critic_head="pool"))
    assert pooled(patches).shape == (3,)
    assert pooled.head[-1].weight.shape[1] == pooled.see(patches).shape[1]


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("preset", ["authors", "subramaniam2022"])
@pytest.mark.parametrize("size", [(32, 32), (16, 16, 16)])
def test_presets_fit_small_patches_with_fewer_levels(
    cls: type[Params], preset: str, size: tuple[int, ...]
) -> None:
    p = small(cls, preset=preset, levels=2, critic_levels=2)
    patches = GeneratorNet(size, p)(torch.randn(3, 6))
    assert patches.shape == (3, 2, *size)
    assert Critic(size, p)(patches).shape == (3,)


def test_spectral_norm_is_at_most_one() -> None:
    with torch_seed(0, INIT):
        critic = Critic((16, 16, 16), small(WganGpSnParams)).train()
        for _ in range(300):  # a power iteration each
            critic(torch.rand(1, 2, 16, 16, 16))
    convolutions = [m for m in critic.modules() if isinstance(m, nn.Conv3d)]
    assert convolutions
    for conv in convolutions:
        largest = torch.linalg.matrix_norm(conv.weight.flatten(1), ord=2)
        assert largest <= 1 + 1e-3


@pytest.mark.parametrize(
    ("cls", "kind"), [(WganGpParams, nn.InstanceNorm3d), (DcganParams, nn.BatchNorm3d)]
)
def test_each_critic_has_its_own_norm(cls: type[Params], kind: type[nn.Module]) -> None:
    critic = Critic((16, 16, 16), small(cls))
    assert any(isinstance(m, kind) for m in critic.modules())


def test_minibatch_discrimination_matches_a_loop() -> None:
    with torch_seed(0, INIT):
        layer = MinibatchDiscrimination(5, 3, 4)
        x = torch.randn(6, 5)
    projected = (x @ layer.weight).view(6, 3, 4)
    expected = torch.zeros(6, 3)
    for i in range(6):
        for j in range(6):
            if i != j:
                expected[i] += torch.exp(-(projected[i] - projected[j]).abs().sum(1))
    found = layer(x)
    assert torch.equal(found[:, :5], x)
    assert torch.allclose(found[:, 5:], expected, atol=1e-5)


@pytest.mark.parametrize("faulty", [False, True])
def test_batch_norm_gains_start_around_one_unless_faulty(faulty: bool) -> None:
    with torch_seed(0, INIT):
        network = GeneratorNet((16, 16, 16), WganGpParams(width=64))
        initialise(network, 0.05, zero_mean_gains=faulty)
    gains = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm3d)])
    assert gains.mean().item() == pytest.approx(0.0 if faulty else 1.0, abs=0.01)
    assert gains.std().item() == pytest.approx(0.05, rel=0.15)
