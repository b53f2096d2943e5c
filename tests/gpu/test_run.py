"""A small benchmark on a GPU: two jobs share it, and one that asks for too much fails alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from toy_benchmark import toy_spec

from vbench import api
from vbench.engine import gpu_memory

pytestmark = pytest.mark.gpu

GAN = {"steps": 4, "batch_size": 4, "latent": 8, "width": 4, "critic_width": 4, "critic_steps": 1}


def records(result: api.RunResult) -> list[dict[str, Any]]:
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_benchmark_runs_there_and_says_what_it_took(tmp_path: Path) -> None:
    spec = toy_spec(
        patches={"size": [8, 8, 8], "per_subject": 8},
        generators=[{"plugin": "wgan-gp-sn", "params": GAN}, {"plugin": "dcgan", "params": GAN}],
        segmenter={"plugin": "unet3d", "params": {"steps": 4, "batch_size": 4, "width": 4}},
    )
    result = api.run(spec, tmp_path, workers=2, device="cuda", tracking=False)
    assert result.ok
    for record in records(result):
        if record["stage"] in ("fit-generator", "fit-segmenter"):
            assert record["device"].startswith("cuda")
            assert record["peak_gpu_memory_mb"] > 1
        if record["stage"] == "prepare":
            assert record["device"] == "cpu"
            assert "peak_gpu_memory_mb" not in record
    assert all(row["peak_gpu_memory_mb"] > 1 for row in result.board["rows"])


def test_what_torch_says_of_a_full_gpu_is_understood() -> None:
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.empty(2**46, dtype=torch.uint8, device="cuda")
    said = str(gpu_memory.shortage(caught.value, "cuda:0"))
    assert "were asked for; the card has" in said
    assert "of them free" in said


def test_the_peak_is_what_a_job_held() -> None:
    gpu_memory.give_back()
    torch.zeros(1, device="cuda")
    gpu_memory.reset_peak("cuda:0")
    held = torch.empty(64 * 2**20, dtype=torch.uint8, device="cuda:0")
    assert 64 <= (gpu_memory.peak_mb("cuda:0") or 0) < 128
    del held
    gpu_memory.give_back()
    assert torch.cuda.memory_reserved() < 64 * 2**20
