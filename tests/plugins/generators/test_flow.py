import numpy as np
import pytest
import torch
from torch import Tensor
from vbench_plugins.generators.flow import FlowNet, sample, sampling_times, shifted
from vbench_plugins.nn.seeding import INIT, torch_seed

SHAPES = {"width": 4, "levels": 2, "fine": 2}


def net(size: tuple[int, ...], kind: str = "image", seen: int = 0) -> FlowNet:
    with torch_seed(0, INIT):
        return FlowNet(size, kind, seen=seen, **SHAPES)


@pytest.mark.parametrize("size", [(16, 16, 16), (32, 32, 16), (8, 6, 3), (24, 20)])
@pytest.mark.parametrize("seen", [0, 1])
def test_any_size_with_an_even_extent_works(size: tuple[int, ...], seen: int) -> None:
    given = torch.zeros(2, seen, *size) if seen else None
    found = net(size, seen=seen)(torch.randn(2, 1, *size), torch.tensor([0.1, 0.9]), given)
    assert found.shape == (2, 1, *size)


def test_untrained_labels_are_what_independent_voxels_tell() -> None:
    """For ±1 seen through noise, the posterior mean is known: tanh(t x / (1 - t)²)."""
    x, t = torch.randn(3, 1, 8, 8), torch.tensor([0.0, 0.3, 0.7])
    found = net((8, 8), "binary").clean(x, t)
    at = t.view(-1, 1, 1, 1)
    likelihood = [torch.exp(-0.5 * ((x - at * v) / (1 - at)) ** 2) for v in (1, -1)]
    expected = (likelihood[0] - likelihood[1]) / (likelihood[0] + likelihood[1])
    assert torch.allclose(found, expected, atol=1e-4)


def test_the_image_loss_is_the_squared_error_of_the_velocity() -> None:
    data, noise = torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)
    loss = net((8, 8)).loss(data, noise, torch.full((4,), 0.5))
    assert torch.allclose(loss, (data - noise).square().mean())  # it says 0 at first


def test_what_the_last_step_cannot_know_is_followed() -> None:
    network = net((8, 8))
    assert float(network.unknown()) == 0
    for _ in range(20):
        data, noise = torch.zeros(2, 1, 8, 8), torch.full((2, 1, 8, 8), 0.5)
        network.loss(data, noise, torch.tensor([0.2, 0.95]))
    said = 0.9 * 0.025 / (0.95**2 + 0.05**2)  # an untrained network's, of 0.5 noise at 0.95
    assert float(network.unknown()) == pytest.approx((0.5 + said) * 0.08, rel=1e-4)


@pytest.mark.parametrize("time", [0.0, 0.3, 0.9])
def test_an_untrained_network_gives_the_best_linear_estimate_of_an_image(time: float) -> None:
    rng = np.random.default_rng(0)
    data, noise = torch.tensor(rng.standard_normal((2, 8, 1, 32, 32), dtype=np.float32))
    x = time * data + (1 - time) * noise
    found = net((32, 32)).clean(x, torch.full((8,), time)).detach()
    slope = float((data * x).mean() / (x * x).mean())  # of the data on what is seen
    assert torch.allclose(found, slope * x, atol=0.1)


def test_times_are_moved_to_the_noisy_end_and_stay_below_one() -> None:
    u = torch.linspace(0, 1, 5)
    assert torch.allclose(shifted(u, 1.0)[:4], u[:4])
    moved = shifted(u, 3.0)
    assert (moved[1:4] < u[1:4]).all()
    assert moved[0] == 0
    assert moved[-1] < 1


class Known(FlowNet):
    """Knows the velocity towards one image, whatever it is shown."""

    def forward(self, x: Tensor, t: Tensor, seen: Tensor | None = None) -> Tensor:
        at = t.view(-1, *[1] * (x.ndim - 1))
        return (torch.full_like(x, 0.3) - x) / (1 - at)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_path_of_a_known_velocity_ends_at_the_data(steps: int) -> None:
    rng = np.random.default_rng(0)
    network = Known((8, 8), "image", seen=0, **SHAPES)
    found = sample(
        network, lambda: torch.from_numpy(rng.standard_normal((2, 1, 8, 8), np.float32)), steps
    )
    assert torch.allclose(found, torch.full_like(found, 0.3), atol=1e-5)


class Bright(FlowNet):
    """Knows images of one brightness each, with spread 0.8, and white texture of spread 0.6."""

    def clean(self, x: Tensor, t: Tensor, seen: Tensor | None = None) -> Tensor:
        at, size = t.view(-1, *[1] * (x.ndim - 1)), x[0].numel()
        mean = x.mean(dim=tuple(range(1, x.ndim)), keepdim=True)

        def estimate(part: Tensor, power: float, noise: float) -> Tensor:
            return part * at * power / (at**2 * power + (1 - at) ** 2 * noise)

        shared = estimate(mean, 0.64 + 0.36 / size, 1 / size)
        return shared + estimate(x - mean, 0.36, 1.0)


@pytest.mark.parametrize("size", [(48, 48), (16, 16), (16, 16, 16), (64, 64, 32)])
def test_patches_differ_in_brightness_as_they_should(size: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    network = Bright(size, "image", seen=0, **SHAPES)
    shape = (64, 1, *size)
    found = sample(network, lambda: torch.from_numpy(rng.standard_normal(shape, np.float32)), 8)
    spread = found.flatten(1).mean(1).std() / 0.8  # 64 draws tell it to a tenth
    assert 0.8 < float(spread) < 1.2
    assert 0.9 < float(found.flatten(1).std(1).mean()) / 0.6 < 1.05


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_a_path_is_sampled_at_as_many_times_as_asked_for(steps: int) -> None:
    times = sampling_times(steps, 2304)
    assert len(times) == steps
    assert times[0] == 0
    assert times == sorted(times)
    assert times[-1] == (0 if steps == 1 else pytest.approx(0.92))
    odds = np.log(times[1:]) - np.log1p(-np.array(times[1:]))
    assert np.allclose(np.diff(odds, 2), 0)
