"""On a GPU, networks train, sample and predict what they do on the CPU, but for rounding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from vbench_plugins.generators.gan import Dcgan, R3Gan, WganGp, WganGpSn
from vbench_plugins.segmenters.unet import Unet3d

from vbench.types import Setup

pytestmark = pytest.mark.gpu
DEVICE = "cuda"
FLOAT32 = {"precision": "float32", "memory_format": "contiguous"}


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    """Keep float32 convolutions and products from TF32, which has three digits."""
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        yield
        torch.backends.cuda.matmul.allow_tf32 = before


def method(cls: Any, device: str, size: tuple[int, ...] = (16, 16, 16), **given: Any) -> Any:
    params = cls.Params(**{**cls.tiny, **FLOAT32, **given})
    return cls(params, Setup(size=size, device=device, spacing=(1.0, 1.0, 1.0)))


def steps(one: Any, n: int) -> tuple[list[dict[str, float]], Any]:
    """Do some steps on the same batches, whatever the device."""
    trainer, rng = one.trainer(one.computing(), seed=0), np.random.default_rng(0)
    shape = one.entered(one.drawn())
    watched = []
    for _ in range(n):
        batch = rng.random(shape, np.float32)
        batch[:, 1] = batch[:, 1] > 0.8
        watched.append({name: float(v) for name, v in trainer.step(batch).items()})
    return watched, trainer


@pytest.mark.parametrize(
    ("cls", "given"),
    [(Dcgan, {}), (WganGp, {}), (WganGpSn, {}), (R3Gan, {}),
     (WganGpSn, {"label_by": "segmenter", "critic_labels": "hard"}), (Unet3d, {"dropout": 0.0})],
)  # fmt: skip
def test_a_step_is_that_of_the_cpu(cls: Any, given: dict[str, Any]) -> None:
    here, _ = steps(method(cls, "cpu", **given), 3)
    there, trainer = steps(method(cls, DEVICE, **given), 3)
    devices = {p.device.type for m in trainer.modules.values() for p in m.parameters()}
    assert devices == {DEVICE}
    assert there[0] == pytest.approx(here[0], rel=2e-3, abs=1e-4)
    for other, own in zip(there[1:], here[1:], strict=True):  # rounding grows from step to step
        assert other == pytest.approx(own, rel=5e-2, abs=5e-3)


@pytest.mark.parametrize(("cls", "name"), [(WganGpSn, "critic_loss"), (Unet3d, "loss")])
def test_bfloat16_in_channels_last_is_near(cls: Any, name: str) -> None:
    fast = {"precision": "bfloat16", "memory_format": "channels_last"}
    (exact,), _ = steps(method(cls, "cpu"), 1)
    (near,), _ = steps(method(cls, DEVICE, **fast), 1)
    assert near[name] == pytest.approx(exact[name], rel=5e-2, abs=5e-2)


def test_a_state_goes_from_one_device_to_the_other() -> None:
    _, there = steps(method(WganGp, DEVICE), 2)
    one = method(WganGp, "cpu")
    here = one.trainer(one.computing(), seed=0)
    here.load_state(there.state())
    for name, value in there.state().items():
        assert np.array_equal(value, here.state()[name]), name


def test_samples_are_those_of_the_cpu() -> None:
    _, trained = steps(method(WganGpSn, "cpu"), 2)
    made = []
    for device in ("cpu", DEVICE):
        one = method(WganGpSn, device)
        one.model().load_state_dict(trained.average.module.state_dict())
        assert next(one.model().parameters()).device.type == device
        made.append(one.sample(6, seed=3))
    here, there = made
    np.testing.assert_allclose(there[:, 0], here[:, 0], atol=1e-4)
    assert np.mean(there[:, 1] != here[:, 1]) < 1e-3  # a value at the threshold may fall


def test_predictions_are_those_of_the_cpu() -> None:
    image = np.random.default_rng(1).normal(size=(24, 20, 18)).astype(np.float32)
    mask = np.ones(image.shape, bool)
    own = method(Unet3d, "cpu").weights()
    found = []
    for device in ("cpu", DEVICE):
        one = method(Unet3d, device)
        one.load_weights(own)
        assert next(one.model().parameters()).device.type == device
        found.append(one.predict(image, mask))
    np.testing.assert_allclose(found[1], found[0], atol=1e-4)


@pytest.mark.parametrize(
    ("cls", "given", "fast"),
    [(WganGp, {}, {}), (Unet3d, {"dropout": 0.0}, {}),
     (Unet3d, {"dropout": 0.0}, {"cuda_graphs": True})],
)  # fmt: skip
def test_what_is_compiled_is_the_same(
    cls: Any, given: dict[str, Any], fast: dict[str, Any]
) -> None:
    plain, _ = steps(method(cls, DEVICE, **given), 4)  # graphs are replayed from the third on
    made, _ = steps(method(cls, DEVICE, **given, **fast, compile=True), 4)
    assert made[0] == pytest.approx(plain[0], rel=2e-3, abs=1e-4)
