"""``benchmarks/open.toml``: what was made without vbench, as arms, at a tiny size."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

import vbench
from vbench.files import read_json

FOLDER = Path(__file__).parents[1] / "benchmarks"
TINY = [
    "data.source.shape=[24,24,24]",
    "data.targets.0.shape=[24,24,24]",
    "data.targets.1.shape=[24,24,24]",
    "data.source.split={train=1,val=1,test=1}",
    "data.targets.0.split={train=1,val=1,test=1}",
    "data.targets.1.split={train=1,val=1,test=1}",
    "patches.per_subject=8",
    "segmenter.params.steps=2",
    "segmenter.params.batch_size=2",
    "regimes.scratch.subjects=[1]",
    "regimes.pretrained.subjects=[1]",
    "metrics={segmentation=['dsc']}",
]


def script(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_set_and_weights_made_without_vbench_are_arms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tubes, network = script("tubes"), script("tubes_net")
    monkeypatch.setattr(tubes, "COUNT", 12)
    monkeypatch.setattr(network, "STEPS", 1)
    monkeypatch.setattr(network, "BATCH", 4)
    spec = Path(shutil.copy(FOLDER / "open.toml", tmp_path))
    tubes.main(tmp_path / "tubes")
    network.main(tmp_path / "tubes", tmp_path / "tubes.safetensors")
    result = vbench.run(spec, out=tmp_path / "out", workers=1, overrides=TINY, tracking=False)
    assert not result.failures
    rows = {r["arm"]: r for r in read_json(tmp_path / "out/open/leaderboard.json")["rows"]}
    assert {name: row["status"] for name, row in rows.items()} == dict.fromkeys(
        (
            "real",
            "synthetic/tubes",
            *(
                f"{arm}/on={target}"
                for arm in ("scratch/n1", "pretrained/tubes/n1")
                for target in ("scanner-b", "scanner-a")
            ),
        ),
        "ok",
    )
    assert any("12 patches of 16 × 16 × 16" in line for line in rows["synthetic/tubes"]["remarks"])
