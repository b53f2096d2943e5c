"""Adam without the compiler is Adam."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn
from vbench_plugins.nn.adam import Adam

FIRST_STEP = """
import sys
import numpy as np
from vbench import registry
from vbench.data.patches import ArrayPatches
from vbench.types import Setup
rng = np.random.default_rng(0)
images = rng.random((4, 8, 8, 8)).astype(np.float16)
patches = ArrayPatches(images, (images > 0.9).astype(np.uint8), subject_index=np.zeros(4, np.int32))
cls = registry.default().{kind}("{name}")
method = cls(cls.Params(steps=1, batch_size=2), Setup(size=(8, 8, 8)))
for progress in method.fit(patches, seed=0):
    pass
heavy = {{"torch._dynamo", "sympy", "monai", "scipy.ndimage", "mlflow", "optuna", "sklearn"}}
print(sorted(heavy & set(sys.modules)))
"""


def network() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))


def trained(optimiser: type[torch.optim.Adam]) -> tuple[dict, dict]:
    net = network()
    adam = optimiser(net.parameters(), 0.01, betas=(0.5, 0.9))
    given = torch.linspace(-1, 1, 12).reshape(4, 3)
    for step in range(6):
        adam.zero_grad()
        net(given).square().sum().backward()
        adam.step()
        if step == 2:  # saved and taken up again
            again = optimiser(net.parameters(), 0.01, betas=(0.5, 0.9))
            again.load_state_dict(adam.state_dict())
            adam = again
    return net.state_dict(), adam.state_dict()["state"]


def test_it_is_torchs_to_the_digit() -> None:
    ours, theirs = trained(Adam), trained(torch.optim.Adam)
    assert ours[0].keys() == theirs[0].keys()
    for name, value in ours[0].items():
        assert torch.equal(value, theirs[0][name])
    for index, state in ours[1].items():
        for name, value in state.items():
            assert torch.equal(value, theirs[1][index][name])


def test_steps_keep_no_graph_and_leave_gradients_on() -> None:
    net = network()
    adam = Adam(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    adam.step()
    assert torch.is_grad_enabled()
    assert all(p.is_leaf and p.requires_grad for p in net.parameters())


def test_a_training_imports_neither_the_compiler_nor_what_it_does_not_use() -> None:
    for kind, name in (("segmenter", "unet3d"), ("generator", "wgan-gp")):
        code = FIRST_STEP.format(kind=kind, name=name)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.stdout.strip() == "[]", done.stdout + done.stderr
