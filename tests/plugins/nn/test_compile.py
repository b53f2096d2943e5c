"""``compile``: which networks are compiled; numbers stay, and weights keep their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from vbench_plugins.generators.dp_wgan import DpWgan
from vbench_plugins.generators.gan import Dcgan, R3Gan, WganGp, WganGpSn
from vbench_plugins.segmenters.unet import Unet3d

from vbench.types import Setup

SETUP = Setup(size=(16, 16), device="cpu", spacing=(1.0, 1.0))


def trainer(cls: Any, **given: Any) -> Any:
    method = cls(cls.Params(**{**cls.tiny, **given}), SETUP)
    return method.trainer(method.computing(), seed=0), method


def steps(made: Any, method: Any, n: int = 2) -> list[dict[str, float]]:
    rng = np.random.default_rng(0)
    shape = method.entered(method.drawn())
    return [
        {name: float(v) for name, v in made.step(rng.random(shape, np.float32)).items()}
        for _ in range(n)
    ]


#: Pieces of networks that ran as compiled.
RAN: list[Any] = []


def as_traced(graph: Any, _: Any) -> Any:
    """Run what was traced as it is: a compiler that takes no time."""

    def run(*given: Any) -> Any:
        RAN.append(graph)
        return graph.forward(*given)

    return run


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Compile by :func:`as_traced`; return what was asked to be compiled."""
    RAN.clear()
    asked: list[Any] = []
    plain: Callable[..., Any] = torch.compile

    def cheap(model: Any, *given: Any, **how: Any) -> Any:
        asked.append(model if isinstance(model, nn.Module) else model.__self__)
        return plain(model, *given, **{**how, "backend": as_traced})

    monkeypatch.setattr(torch, "compile", cheap)
    return asked


@pytest.mark.parametrize(
    ("cls", "given"),
    [(Dcgan, {}), (WganGp, {}), (WganGpSn, {"agreement": 1.0}),
     (WganGpSn, {"label_by": "segmenter", "critic_labels": "hard"}), (R3Gan, {})],
)  # fmt: skip
def test_of_a_gan_the_generator_is_compiled_and_nothing_else(
    cls: Any, given: dict[str, Any], compiled: list[Any]
) -> None:
    plain, method = trainer(cls, **given)
    expected = steps(plain, method)
    assert not compiled
    assert not RAN
    made, method = trainer(cls, **given, compile=True)
    assert steps(made, method) == [pytest.approx(each, rel=1e-4, abs=1e-6) for each in expected]
    assert compiled == [made.generator]
    assert RAN
    assert list(made.state()) == list(plain.state())
    plain.load_state(made.state())  # a state of one is one of the other
    assert made.average.module.state_dict().keys() == plain.generator.state_dict().keys()


def test_of_a_private_gan_too(compiled: list[Any]) -> None:
    pytest.importorskip("dp_accounting")
    made, _ = trainer(DpWgan, pretrain_steps=2, noise=1.0, compile=True)
    assert compiled == [made.generator]


def test_of_a_unet_the_network_is_compiled(compiled: list[Any]) -> None:
    plain, method = trainer(Unet3d)
    expected = steps(plain, method)
    assert not compiled
    assert not RAN
    made, method = trainer(Unet3d, compile=True)
    assert steps(made, method) == [pytest.approx(each, rel=1e-4, abs=1e-6) for each in expected]
    assert compiled == [made.network]
    assert RAN
    assert list(made.state()) == list(plain.state())
    assert list(method.weights()) == list(trainer(Unet3d)[1].weights())
