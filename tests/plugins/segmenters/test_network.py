"""The U-net's block: outside training its normalisation is part of its convolution."""

import pytest
import torch
from torch import nn
from vbench_plugins.segmenters.network import Convolution

SIZES = {2: (5, 8), 3: (6, 4, 3)}


def block(ndim: int, norm: str) -> Convolution:
    """A block that has seen data: its statistics, scales and shifts are not those of a new one."""
    torch.manual_seed(0)
    made = Convolution(ndim, 3, 4, norm, dropout=0.3)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    for _ in range(3):
        made(2 + 3 * torch.randn(7, 3, *SIZES[ndim]))
    return made.eval()


def plainly(made: Convolution, x: torch.Tensor) -> torch.Tensor:
    """Layer after layer."""
    out: torch.Tensor = nn.Sequential.forward(made, x)
    return out


@pytest.mark.parametrize("norm", ["batch", "instance", "group", "none"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_outside_training_it_is_what_its_layers_are_and_so_are_its_gradients(
    ndim: int, norm: str
) -> None:
    made = block(ndim, norm)
    found, expected = [], []
    for gone, way in ((found, made), (expected, lambda x: plainly(made, x))):
        x = torch.randn(2, 3, *SIZES[ndim], generator=torch.Generator().manual_seed(1))
        out = way(x.requires_grad_())
        gone += [out, *torch.autograd.grad((out**2).sum(), [x, *made.parameters()])]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ndim", [2, 3])
def test_in_training_the_batch_counts_and_statistics_move(ndim: int) -> None:
    made = block(ndim, "batch").train()
    norm = made.get_submodule("adn.N")
    before = norm.running_mean.clone()
    x = torch.randn(2, 3, *SIZES[ndim])
    torch.manual_seed(5)
    out = made(x)
    assert not torch.equal(before, norm.running_mean)
    torch.manual_seed(5)
    torch.testing.assert_close(out, plainly(made, x))


@pytest.mark.parametrize("ndim", [2, 3])
def test_it_keeps_weights_and_the_memory_format(ndim: int) -> None:
    last = {2: torch.channels_last, 3: torch.channels_last_3d}[ndim]
    made = block(ndim, "batch").to(memory_format=last)
    before = {name: value.clone() for name, value in made.state_dict().items()}
    out = made(torch.randn(2, 3, *SIZES[ndim]).to(memory_format=last))
    assert out.is_contiguous(memory_format=last)
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_under_autocast_it_computes_in_half_precision() -> None:
    made, x = block(3, "batch"), torch.randn(2, 3, *SIZES[3])
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        out = made(x)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), made(x), rtol=0.05, atol=0.3)
