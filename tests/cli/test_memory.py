"""A command that finds no memory ends with one line, not with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vbench import cli


@pytest.mark.parametrize(("error", "said"), [
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.50 GiB. GPU 0 has ..."),
     "vbench: cuda: out of GPU memory: 3.50 GiB were asked for; end what else computes there, or "
     "compute with --device cpu\n"),
    (MemoryError("Unable to allocate 7.45 GiB for an array"),
     "vbench: out of memory (Unable to allocate 7.45 GiB for an array); end other programs, or "
     "use a larger machine\n"),
])  # fmt: skip
def test_it_is_one_line_and_exit_2(
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stop:
        _raising(error, monkeypatch)
    assert stop.value.code == 2
    assert capsys.readouterr().err == said


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="size of tensor"):
        _raising(RuntimeError("The size of tensor a must match"), monkeypatch)


def _raising(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run ``vbench predict``, which raises this."""

    def failing(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr("vbench.trained.predict.predict", failing)
    monkeypatch.setattr("vbench.cli.folders.benchmark_folders", lambda *_: [Path("results/toy")])
    monkeypatch.setattr("sys.argv", ["vbench", "predict", "real", "scan.nii", "--to", "masks"])
    cli.main()
