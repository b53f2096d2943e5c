from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from vbench_plugins.generators.monai_flow import MonaiFlow, MonaiFlowParams

from vbench.testing import ToyPatches
from vbench.types import Setup

SIZE = (16, 16)


def fitted(**params):
    settings = {**MonaiFlow.tiny, "threads": 1, **params}  # two would wait for busy cores
    method = MonaiFlow(MonaiFlowParams(**settings), Setup(SIZE))
    reports = list(method.fit(ToyPatches(SIZE, n=48), seed=1))
    return method, reports


def test_it_learns_where_vessels_are_bright():
    """After some seconds, samples have what the toy patches have: bright labels, few of them."""
    method, reports = fitted(steps=120, batch_size=16, lr=5e-3, sampling_steps=8, ema=0.9)
    losses = [report.metrics["loss"] for report in reports if report.metrics]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:2])
    image, label = method.sample(32, seed=2).swapaxes(0, 1)
    share = ToyPatches(SIZE, n=48).take(np.arange(48))[:, 1].mean()
    assert 0.3 * share < label.mean() < 3 * share
    assert image[label > 0].mean() > image[label == 0].mean() + 0.5


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_more_sampling_steps_give_nearly_the_same_patch(precision):
    """The schedule ends at data whatever the number of steps."""
    method, _ = fitted(steps=3, precision=precision)
    few, many = (
        MonaiFlow(
            MonaiFlowParams(**{**MonaiFlow.tiny, "precision": precision, "sampling_steps": n}),
            Setup(SIZE),
        )
        for n in (20, 40)
    )
    for other in (few, many):
        other.load_weights(method.weights())
    gap = np.abs(few.sample(4, seed=0)[:, 0] - many.sample(4, seed=0)[:, 0])
    assert gap.mean() < 0.05


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((18, 18), "cannot be halved 2 times"),
        ((4, 4), "every extent must be 8 or more"),
    ],
)
def test_sizes_that_cannot_be_halved_are_refused(size, message):
    with pytest.raises(ValueError, match=message):
        MonaiFlow.check(MonaiFlowParams(levels=3), Setup(size))


def test_checking_a_spec_imports_neither_torch_nor_monai():
    code = (
        "import sys; from vbench.types import Setup; "
        "from vbench_plugins.generators.monai_flow import MonaiFlow as M; "
        "M.check(M.Params(), Setup((16, 16, 16))); "
        "print([m for m in ('torch', 'monai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
