import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from vbench_plugins.nn.compute import Compute, choose


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _fast_when(wanted: Compute, built: list[Compute]) -> Callable[[Compute], Callable[[], object]]:
    def step(compute: Compute) -> Callable[[], object]:
        built.append(compute)
        return lambda: time.sleep(0 if compute == wanted else 0.01)

    return step


def test_a_named_setting_is_taken_without_measuring() -> None:
    built: list[Compute] = []
    chosen = choose("bfloat16", "contiguous", "cpu", {}, _fast_when(Compute(), built))
    assert chosen == Compute("cpu", "bfloat16", "contiguous")
    assert built == []


def test_auto_takes_the_fastest_and_measures_once() -> None:
    built: list[Compute] = []
    wanted = Compute("cpu", "bfloat16", "channels_last")
    for _ in range(2):
        found = choose("auto", "auto", "cpu", {"n": 1}, _fast_when(wanted, built))
        assert found == wanted
    assert len(built) == 4


def test_named_threads_are_kept() -> None:
    built: list[Compute] = []
    wanted = Compute("cpu", "bfloat16", "contiguous", 2)
    assert choose("auto", "contiguous", "cpu", {}, _fast_when(wanted, built), 2) == wanted
    assert {compute.threads for compute in built} == {2}


def test_a_setting_that_fails_or_gives_nan_is_not_taken() -> None:
    def step(compute: Compute) -> Callable[[], object]:
        def run() -> dict[str, torch.Tensor]:
            if compute.memory_format == "channels_last":
                raise RuntimeError("not implemented")
            time.sleep(0.0 if compute.precision == "bfloat16" else 0.01)
            value = float("nan") if compute.precision == "bfloat16" else 1.0
            return {"loss": torch.tensor(value)}

        return run

    found = choose("auto", "auto", "cpu", {}, step)
    assert (found.precision, found.memory_format) == ("float32", "contiguous")


def test_another_network_or_a_half_open_question_is_measured_anew() -> None:
    built: list[Compute] = []
    first, second = Compute(memory_format="channels_last"), Compute()
    assert choose("float32", "auto", "cpu", {"n": 1}, _fast_when(first, built)) == first
    assert choose("float32", "auto", "cpu", {"n": 2}, _fast_when(second, built)) == second
    assert len(built) == 4


def test_a_spoilt_cache_is_an_empty_one(tmp_path: Path) -> None:
    file = tmp_path / "cache" / "vbench" / "compute.json"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    built: list[Compute] = []
    found = choose("auto", "contiguous", "cpu", {}, _fast_when(Compute(), built))
    assert found == Compute()


def test_threads_are_those_of_the_setting_within_the_block_only() -> None:
    before = torch.__config__.parallel_info()
    with Compute(threads=1).running():
        assert "at::get_num_threads() : 1\n" in torch.__config__.parallel_info()
    assert torch.__config__.parallel_info() == before


@pytest.mark.parametrize("conv", [nn.Conv2d, nn.Conv3d])
def test_channels_last_reaches_weights_and_inputs(conv: type[nn.Module]) -> None:
    compute = Compute(memory_format="channels_last")
    layer = compute.module(conv(2, 4, 3))
    ndim = layer.weight.ndim
    wanted = torch.channels_last if ndim == 4 else torch.channels_last_3d
    assert layer.weight.is_contiguous(memory_format=wanted)
    assert compute.tensor(torch.rand(2, 2, *[5] * (ndim - 2))).is_contiguous(memory_format=wanted)


def test_without_a_home_it_is_measured_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 2**30)  # no user of this machine
    built: list[Compute] = []
    wanted = Compute("cpu", "bfloat16", "contiguous")
    for _ in range(2):
        assert choose("auto", "contiguous", "cpu", {}, _fast_when(wanted, built)) == wanted
    assert len(built) == 4
