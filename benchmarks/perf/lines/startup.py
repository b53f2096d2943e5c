"""What a command costs before it does anything: whole processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness import Found, child, in_turn, line

BENCHMARKS = Path(__file__).resolve().parents[2]


def _told(call: Callable[[], float]) -> float:
    """Return what a call measured itself."""
    return call()


def _against(code: str, *command: str, rounds: int, equal: str) -> Found:
    ours, peer = in_turn(
        lambda: child("-m", "vbench", *command),
        lambda: child("-c", code),
        rounds,
        timer=_told,
    )
    return Found(f"`vbench {' '.join(Path(word).name for word in command)}`", equal, ours, peer)


@line("start-up: --help", peer="importing click and rich", goal=0.5, quick=True)
def help_(rounds: int) -> Found:
    return _against("import click, rich.console", "--help", rounds=rounds, equal="exit code 0")


@line("start-up: validate", peer="importing torch", distribution="torch")
def validate(rounds: int) -> Found:
    spec = str(BENCHMARKS / "smoke.toml")
    text = "exit code 0; it makes a phantom of each data set, to see that it can be read"
    return _against("import torch", "validate", spec, rounds=rounds, equal=text)


@line("start-up: plan", peer="importing torch", distribution="torch", goal=1)
def plan(rounds: int) -> Found:
    spec = str(BENCHMARKS / "paper.toml")
    return _against("import torch", "plan", spec, rounds=rounds, equal="exit code 0")


@line("worker's start", peer="importing torch and monai.networks", distribution="torch", goal=1,
      quick=True)  # fmt: skip
def worker(rounds: int) -> Found:
    """Compare what a worker loads for a training with the libraries that it needs."""
    ours, peer = in_turn(
        lambda: child("-c", "import vbench_plugins.segmenters.patchwise, vbench.engine.worker"),
        lambda: child("-c", "import torch, monai.networks.nets"),
        rounds,
        timer=_told,
    )
    return Found("all that a worker imports before a training's first step", "loaded", ours, peer)
