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
    spec = str(BENCHMARKS / "smoke.toml")
    return _against("import torch", "plan", spec, rounds=rounds, equal="exit code 0")


@line("start-up: plan with auto", peer="importing torch", distribution="torch", goal=1,
      why='`precision = "auto"` is settled by the training code, which imports torch; a spec that '
          "names its precision is planned without it.")  # fmt: skip
def settled(rounds: int) -> Found:
    spec = str(BENCHMARKS / "paper.toml")
    return _against("import torch", "plan", spec, rounds=rounds, equal="exit code 0")


#: A worker's way to the end of a training's first step.
FIRST_STEP = """
import vbench.engine.worker
import numpy as np
from vbench import registry
from vbench.data.patches import ArrayPatches
from vbench.types import Setup
images = np.random.default_rng(0).random((4, 8, 8, 8)).astype(np.float16)
patches = ArrayPatches(images, (images > 0.9).astype(np.uint8), subject_index=np.zeros(4, np.int32))
cls = registry.default().segmenter("unet3d")
for progress in cls(cls.Params(steps=1, batch_size=2), Setup((8, 8, 8))).fit(patches, seed=0):
    pass
"""
FIRST_OF_TORCH = """
import torch
net = torch.nn.Conv3d(1, 8, 3)
optimiser = torch.optim.Adam(net.parameters())
net(torch.zeros(2, 1, 8, 8, 8)).sum().backward()
optimiser.step()
"""


@line("worker's start", peer="torch alone to the end of a first step", distribution="torch",
      goal=1, quick=True, rounds=3)  # fmt: skip
def worker(rounds: int) -> Found:
    ours, peer = in_turn(
        lambda: child("-c", FIRST_STEP), lambda: child("-c", FIRST_OF_TORCH), rounds, timer=_told
    )
    return Found("until the first training step is done", "both end well", ours, peer)
