"""What thirteen named classes cost beside one: a U-net's training, in time and in memory.

Both learn from the same images, in processes of their own. A label is one map of whole numbers with
either; channels of classes are made of it where the network computes.
"""

from __future__ import annotations

import json
import subprocess
import sys

from harness import Found, in_turn, line, seconds

SIZE, BATCH, STEPS, PATCHES = (32, 32, 16), 8, 12, 64
#: Fits a U-net; prints the peak of its memory in MiB, and the bytes of a voxel's label.
FIT = """
import json, resource, sys
import numpy as np
from vbench.data.patches import ArrayPatches
from vbench.types import Setup
from vbench_plugins.segmenters.unet import Unet3d
classes, steps, batch, n, *size = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
images = rng.uniform(-1, 1, (n, *size)).astype(np.float16)
labels = rng.integers(1, classes + 1, (n, *size), dtype=np.uint8) * (images > 0.9)
setup = Setup(tuple(size), labels=tuple(f"class-{i}" for i in range(classes)))
params = Unet3d.Params(steps=steps, batch_size=batch, flips="none", precision="float32")
method = Unet3d(params, setup)
for _ in method.fit(ArrayPatches(images, labels, like=setup), seed=0):
    pass
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"peak": peak, "label": labels.itemsize}))
"""


def fit(classes: int) -> dict[str, float]:
    """Fit a U-net in a process of its own; return what it printed."""
    numbers = (classes, STEPS, BATCH, PATCHES, *SIZE)
    done = subprocess.run(
        [sys.executable, "-c", FIT, *map(str, numbers)], check=True, capture_output=True, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@line("U-net's training on 13 classes", peer="the same on one class", goal=0.6, rounds=3)
def thirteen(rounds: int) -> Found:
    several, one = fit(13), fit(1)
    assert several["label"] == one["label"] == 1
    taken, theirs = in_turn(lambda: fit(13), lambda: fit(1), rounds, seconds)
    return Found(
        f"{STEPS} steps on {BATCH} patches of {' × '.join(map(str, SIZE))}, and the start of a "
        "process",
        "a label takes 1 byte a voxel with either",
        taken,
        theirs,
        note=f"peak memory {several['peak']:.0f} MiB with 13 classes, {one['peak']:.0f} with one",
    )
