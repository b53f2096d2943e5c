"""A GPU without memory left fails one job, in one line. No GPU is needed here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from in_process import run
from toy_benchmark import toy_spec

from vbench.cli.plan import priced
from vbench.engine import gpu_memory, worker
from vbench.engine.price import Price

#: As torch 2.13 words it.
TORCH = (
    "CUDA out of memory. Tried to allocate 3.50 GiB. GPU 0 has a total capacity of 23.64 GiB of "
    "which 1.81 GiB is free. Process 4711 has 21.83 GiB memory in use. Of the allocated memory "
    "20.10 GiB is allocated by PyTorch, and 1.2 GiB is reserved by PyTorch but unallocated.\n"
    "See documentation for Memory Management"
)


def test_one_line_names_device_what_was_asked_what_there_is_and_the_fix() -> None:
    found = gpu_memory.shortage(torch.OutOfMemoryError(TORCH), "cuda:1")
    assert str(found) == (
        "cuda:1: out of GPU memory: 3.50 GiB were asked for; the card has 23.64 GiB, 1.81 GiB of "
        "them free; name a smaller batch_size, let fewer jobs share a GPU (--workers), or compute "
        "with --device cpu"
    )


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("HIP out of memory."),
        torch.AcceleratorError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
        RuntimeError("CUDA driver error: out of memory"),
    ],
)
def test_what_is_not_known_is_left_out(error: RuntimeError) -> None:
    said = str(gpu_memory.shortage(error, "cuda:0"))
    assert said.startswith("cuda:0: out of GPU memory; name a smaller batch_size")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered"),
        MemoryError("Unable to allocate 7 GiB for an array"),
        ValueError("CUDA error: out of memory"),
    ],
)
def test_other_errors_are_others(error: Exception) -> None:
    assert gpu_memory.shortage(error, "cuda:0") is None


def test_a_job_without_torch_used_no_gpu_and_is_not_made_to_import_it() -> None:
    code = (
        "import sys; from vbench.engine.gpu_memory import shortage; "
        "assert shortage(RuntimeError('CUDA error: out of memory'), 'cuda:0') is None; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_device_is_the_jobs_and_no_other_job_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "device_of", lambda wanted: "cuda:1")
    bad = {"plugin": "toy-generator", "name": "bad", "params": {"fault": "gpu-memory"}}
    result = run(toy_spec(generators=[bad, {"plugin": "toy-generator"}]), tmp_path)
    rows = {row["arm"]: row for row in result.board["rows"]}
    assert {arm: row["status"] for arm, row in rows.items()} == {
        "real": "ok",
        "synthetic/toy-generator": "ok",
        "synthetic/bad": "failed",
    }
    failure = rows["synthetic/bad"]["failure"]
    assert (failure["stage"], failure["reason"]) == ("fit-generator", "gpu-memory")
    assert failure["message"].startswith("cuda:1: out of GPU memory: 20.00 GiB were asked for")
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    (first,) = [
        record for line in lines
        if (record := json.loads(line))["status"] == "failed" and record["stage"] == "fit-generator"
    ]  # fmt: skip
    assert "misbehave" in first["failure"]["traceback"]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A stand-in for torch's side of a GPU: notes what is called; 3 GiB are its peak."""
    calls: list[str] = []
    for name, result in (
        ("is_initialized", True),
        ("reset_peak_memory_stats", None),
        ("max_memory_reserved", 3 * 2**30),
        ("empty_cache", None),
    ):

        def call(*given: str, name: str = name, result: object = result) -> object:
            if name != "is_initialized":
                calls.append(" ".join([name, *given]))
            return result

        monkeypatch.setattr(torch.cuda, name, call)
    return calls


def test_the_peak_of_a_job_on_a_gpu_is_recorded_and_of_one_on_the_cpu_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: list[str]
) -> None:
    monkeypatch.setattr(worker, "device_of", lambda wanted: "cuda:1")
    result = run(toy_spec(), tmp_path)
    lines = (result.folder / "records.jsonl").read_text().splitlines()
    peaks = {(r := json.loads(line))["stage"]: r.get("peak_gpu_memory_mb") for line in lines}
    assert (peaks["fit-generator"], peaks["fit-segmenter"]) == (3072.0, 3072.0)
    assert peaks["prepare"] is None
    assert set(card) == {"reset_peak_memory_stats cuda:1", "max_memory_reserved cuda:1"}
    assert {row["peak_gpu_memory_mb"] for row in result.board["rows"]} == {3072.0}


def test_a_worker_keeps_nothing_of_a_gpu_between_jobs(card: list[str]) -> None:
    gpu_memory.give_back()
    assert card == ["empty_cache"]


def test_where_cuda_was_never_used_nothing_is_asked_of_it() -> None:
    gpu_memory.reset_peak("cuda:0")
    gpu_memory.give_back()
    assert gpu_memory.peak_mb("cuda:0") == 0.0
    assert gpu_memory.peak_mb("cpu") is None
    assert not torch.cuda.is_initialized()


@pytest.mark.parametrize(
    ("on_gpu", "said"), [(0.0, "of memory; by"), (9.5, "and 9.5 GiB of a GPU")]
)
def test_the_price_names_gpu_memory_where_it_was_measured(on_gpu: float, said: str) -> None:
    price = Price(
        cpu_hours=1, gpu_hours=2, disk_gb=3, memory_gb=4, gpu_memory_gb=on_gpu,
        measured_on=("cuda:0, 1 thread, on here",), unknown=0,
    )  # fmt: skip
    assert said in priced(price)


def test_a_worker_whose_gpu_does_not_answer_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", broken)
    assert not gpu_memory.give_back()
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    assert gpu_memory.give_back()


def test_the_machines_memory_and_a_gpus_are_told_apart() -> None:
    assert worker.failure_of(MemoryError("7 GiB"), 1.0).reason == "memory"
    short = gpu_memory.shortage(torch.OutOfMemoryError(TORCH), "cuda:0")
    assert short is not None
    assert worker.failure_of(short, 1.0).reason == "gpu-memory"
