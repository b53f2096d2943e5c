"""Which benchmark a command means where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from vbench.cli.folders import benchmark_folders
from vbench.errors import StoreError


def held(out: Path, *names: str) -> Path:
    for name in names:
        (out / name).mkdir(parents=True)
        (out / name / "plan.json").write_text("{}")
    return out


def test_a_rehearsal_stands_back_behind_its_benchmark(tmp_path: Path) -> None:
    out = held(tmp_path, "paper", "paper-rehearsal")
    assert benchmark_folders(None, [out]) == [out / "paper"]
    assert benchmark_folders("paper-rehearsal", [out]) == [out / "paper-rehearsal"]


def test_a_rehearsal_alone_is_meant(tmp_path: Path) -> None:
    out = held(tmp_path, "paper-rehearsal")
    assert benchmark_folders(None, [out]) == [out / "paper-rehearsal"]


def test_two_benchmarks_are_named(tmp_path: Path) -> None:
    out = held(tmp_path, "paper", "paper-rehearsal", "smoke")
    with pytest.raises(StoreError, match=r"name one of the benchmarks: paper, paper-reh.*, smoke"):
        benchmark_folders(None, [out])


def test_a_folder_without_results_beside_one_that_has_some_is_named(tmp_path: Path) -> None:
    out = held(tmp_path / "a", "paper")
    with pytest.raises(StoreError, match=rf"^{tmp_path / 'nope'}: no benchmark's results here"):
        benchmark_folders("paper", [out, tmp_path / "nope"])
