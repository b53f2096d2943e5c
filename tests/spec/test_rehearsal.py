"""A rehearsal has every arm of its benchmark, and next to no work in each."""

from __future__ import annotations

import io
from math import prod
from pathlib import Path
from types import SimpleNamespace

import pytest
from toy_benchmark import toy_spec

from vbench import api
from vbench.cli.progress import Display
from vbench.cli.terminal import Console
from vbench.engine.plan import make_plan
from vbench.registry import for_paths
from vbench.spec.rehearsal import BATCH, CHANNELS, FEW, NARROW, PATCHES, STEPS, rehearsal
from vbench.usertext import size_text

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", ["paper-2d-full", "paper-3d-full", "smoke"])
def test_a_rehearsal_has_every_arm_and_little_work(name: str) -> None:
    spec, plugins = api.load(BENCHMARKS / f"{name}.toml")
    small = rehearsal(spec, plugins)
    full, plan = make_plan(spec, plugins), make_plan(small, plugins)
    assert [arm.name for arm in plan.arms] == [arm.name for arm in full.arms]
    assert small.benchmark.name == f"{name}-rehearsal"
    assert small.patches.size == spec.patches.size
    for job in plan.jobs.values():
        params = getattr(job.inputs, "params", {})
        if job.stage == "prepare" and "shape" in params:
            assert prod(params["shape"]) <= max(prod(spec.patches.size) * 48, 48**3)
        if job.stage.startswith("fit-") and "batch_size" in params:
            assert params["batch_size"] <= BATCH
            assert params["steps"] <= 8 * STEPS  # controls train as long as two trainings
            large = name == "paper-3d-full"
            assert params["width"] <= (NARROW if large else CHANNELS)
            assert not large or params["batch_size"] <= FEW
    assert small.patches.per_subject <= PATCHES


def test_a_rehearsal_runs_and_prices_the_benchmark(tmp_path: Path) -> None:
    spec = toy_spec(generators=[{"plugin": "toy-generator", "params": {"steps": 40}}])
    unknown = api.plan(spec, tmp_path).price
    assert unknown.unknown == len(make_plan(spec, for_paths(tuple(spec.plugins.paths))).jobs)
    assert not unknown.measured_on
    result = api.run(spec, tmp_path, rehearse=True, tracking=False, workers=1)
    assert result.ok
    assert result.folder == tmp_path / "toys-rehearsal"
    assert {row["arm"] for row in result.board["rows"]} == {"real", "synthetic/toy-generator"}
    price = api.plan(spec, tmp_path).price
    assert price.unknown == 0
    assert price.gpu_hours > 0
    assert price.disk_gb > 0
    assert price.memory_gb > 0
    twice = toy_spec(benchmark__seeds=[0, 1], generators=spec.model_dump()["generators"])
    assert api.plan(twice, tmp_path).price.gpu_hours > 1.5 * price.gpu_hours


def test_a_split_that_is_no_counts_stays(tmp_path: Path) -> None:
    split = {"train": ["blob-0", "blob-1"], "val": ["blob-2"], "test": ["blob-3"]}
    spec = toy_spec(data__source__split=split)
    assert rehearsal(spec, for_paths(tuple(spec.plugins.paths))).data.source.split == (
        spec.data.source.split
    )


def test_the_disk_that_a_first_run_needs_is_known_beforehand(tmp_path: Path) -> None:
    """Patches take an image of two bytes and a label a voxel, and the terminal says so."""
    spec = toy_spec(regimes={"synthetic": True})
    price = api.plan(spec, tmp_path).price
    assert not price.measured_on
    told = io.StringIO()
    api.run(spec, tmp_path, tracking=False, workers=1, watcher=Display(Console(file=told)))
    patches = [p for p in tmp_path.rglob("*.npy") if p.parent.parent.name == "store"]
    took = sum(p.stat().st_size for p in patches if p.stem in ("images", "labels"))
    assert 0.5 < price.disk_gb * 2**30 / took < 2
    said = size_text(round(price.disk_gb * 2**30))
    assert f"about {said} of disk and 5 volumes of unknown size" in told.getvalue()


def test_a_disk_that_is_too_small_is_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10))
    api.run(toy_spec(regimes={"synthetic": True}), tmp_path, tracking=False, workers=1)
    assert "and 10 B are free; make room, or name another folder with --out" in caplog.text


def test_volumes_of_unknown_size_are_counted_apart() -> None:
    told = io.StringIO()
    display = Display(Console(file=told))
    for disk, unknown in ((0, 5), (2048, 1), (2048, 0)):
        display.needs(disk, 10 * 2**30, unknown)
    assert told.getvalue().splitlines() == [
        "5 volumes of unknown size for new jobs, 10.0 GiB free",
        "about 2.0 KiB of disk and 1 volume of unknown size for new jobs, 10.0 GiB free",
        "about 2.0 KiB of disk for new jobs, 10.0 GiB free",
    ]
