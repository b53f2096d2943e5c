"""Seeding, prefetching, flat state, averages and presets."""

import threading
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.flat import load_module, load_optimiser, module_arrays, optimiser_arrays
from vbench_plugins.nn.presets import PresetParams
from vbench_plugins.nn.seeding import DATA, INIT, NOISE, latent, numpy_rng, torch_seed

from vbench.interfaces import param


def test_streams_and_steps_draw_apart_and_again() -> None:
    draws = {
        (stream, step): float(numpy_rng(3, stream, step).random())
        for stream in (INIT, DATA, NOISE)
        for step in range(3)
    }
    assert len(set(draws.values())) == 9
    assert draws[DATA, 2] == float(numpy_rng(3, DATA, 2).random())


def test_a_negative_or_huge_seed_is_taken() -> None:
    assert numpy_rng(-1, DATA).random() != numpy_rng(2**70 + 5, DATA).random()


def test_more_latent_vectors_begin_with_fewer() -> None:
    few = latent(numpy_rng(0, NOISE), 3, 5, "cpu")
    many = latent(numpy_rng(0, NOISE), 7, 5, "cpu")
    assert torch.equal(few, many[:3])


def test_torch_seed_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    with torch_seed(1, INIT):
        first = torch.rand(4)
    with torch_seed(1, INIT):
        second = torch.rand(4)
    assert torch.equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_prefetch_keeps_the_order_and_works_ahead_elsewhere() -> None:
    threads = set()

    def make(step: int) -> int:
        threads.add(threading.current_thread().name)
        return step * step

    assert list(prefetch(make, 3, 6)) == [(3, 9), (4, 16), (5, 25), (6, 36)]
    assert threading.current_thread().name not in threads
    assert list(prefetch(make, 7, 6)) == []


def test_prefetch_raises_at_the_step_that_failed() -> None:
    def make(step: int) -> int:
        if step == 2:
            raise RuntimeError("no patch")
        return step

    steps = prefetch(make, 1, 3)
    assert next(steps) == (1, 1)
    with pytest.raises(RuntimeError, match="no patch"):
        next(steps)


def test_saved_arrays_do_not_change_with_the_module() -> None:
    layer = nn.Linear(2, 2)
    saved = module_arrays(layer, "a.")
    kept = saved["a.weight"].copy()
    with torch.no_grad():
        layer.weight.add_(1)
    assert np.array_equal(saved["a.weight"], kept)


def test_optimiser_state_survives_the_table() -> None:
    def train(layer: nn.Module, optimiser: torch.optim.Optimizer, steps: int) -> None:
        for step in range(steps):
            optimiser.zero_grad()
            layer(torch.full((1, 2, 4, 4), 0.1 * (step + 1))).square().sum().backward()
            optimiser.step()

    def build() -> tuple[nn.Module, torch.optim.Optimizer]:
        with torch_seed(0, INIT):
            layer = nn.Conv2d(2, 3, 3).to(memory_format=torch.channels_last)
        return layer, torch.optim.Adam(layer.parameters(), 0.1)

    whole, whole_adam = build()
    train(whole, whole_adam, 2)
    saved = {**module_arrays(whole, "m."), **optimiser_arrays(whole_adam, "o.")}
    train(whole, whole_adam, 2)
    other, other_adam = build()
    load_module(other, saved, "m.")
    load_optimiser(other_adam, saved, "o.")
    train(other, other_adam, 2)
    for mine, theirs in zip(whole.parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_weights_of_another_network_say_so() -> None:
    with pytest.raises(ValueError, match=r"another network: .*has shape"):
        load_module(nn.Linear(2, 3), module_arrays(nn.Linear(2, 2)))
    names = r"another network: 1 missing, such as bias; 1 unknown, such as gate$"
    arrays = module_arrays(nn.Linear(2, 3))
    with pytest.raises(ValueError, match=names):
        load_module(nn.Linear(2, 3), {"weight": arrays["weight"], "gate": arrays["bias"]})


def test_an_average_of_decay_zero_is_a_copy() -> None:
    layer = nn.BatchNorm1d(2)
    average = Ema(layer, 0.0)
    layer(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)) + 3)
    average.update(layer, 1)
    assert torch.equal(average.module.running_mean, layer.running_mean)


def test_an_average_moves_the_share_that_it_does_not_keep() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    average = Ema(layer, 0.9)
    nn.init.ones_(layer.weight)
    average.update(layer, 10_000)
    assert average.module.weight.item() == pytest.approx(0.1)
    assert not average.module.weight.requires_grad


class _Params(PresetParams):
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"old": {"depth": 5, "width": 7}}
    preset: Literal["new", "old"] = param("new", "which")
    depth: int = param(2, "levels")
    width: int = param(1, "channels")


def test_a_preset_fills_what_is_not_named() -> None:
    assert _Params(preset="old", depth=3).model_dump() == {"preset": "old", "depth": 3, "width": 7}
    assert _Params() == _Params(preset="new", depth=2)


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValidationError, match="'new' or 'old'"):
        _Params(preset="older")
