"""A privacy audit's basic scores, with floors and ceilings, at the size of paper.toml.

``copies``, ``nn-ratio``, ``near-copies`` and ``membership-auc`` of 4,800 synthetic against 4,800
training and 3,200 held-out patches of 16³. Patches are cut from smooth random volumes: quick to
make, and as costly to compare as any.
"""

from __future__ import annotations

from typing import Any

from harness import Found, fine_seconds, line
from machine import share_of_flops

SIZE, EDGE = 16, 48
METRICS = ("copies", "nn-ratio", "near-copies", "membership-auc")
MADE, EACH, TRAINED, HELD = 4800, 400, 12, 8


def patients(n: int, each: int, seed: int) -> tuple[Any, Any]:
    """Make images ``(n · each, 16, 16, 16)`` and labels of patients of smooth noise."""
    import numpy as np
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    images = np.empty((n * each, SIZE, SIZE, SIZE), np.float16)
    for person in range(n):
        volume = ndimage.gaussian_filter(rng.standard_normal((EDGE,) * 3).astype(np.float32), 2)
        volume /= np.abs(volume).max()
        for i, start in enumerate(rng.integers(0, EDGE - SIZE, (each, 3))):
            where = tuple(slice(at, at + SIZE) for at in start)
            images[person * each + i] = volume[where]
    return images, (images > 0.3).astype(np.uint8)


def audit_of(made: int, each: int, trained: int, held: int) -> Any:
    """Return a call that audits sets of these sizes."""
    import numpy as np

    from vbench import registry
    from vbench.audit import audit_patches
    from vbench.data.patches import ArrayPatches

    def real(n: int, seed: int) -> ArrayPatches:
        owner = np.repeat(np.arange(n, dtype=np.int32), each)
        return ArrayPatches(*patients(n, each, seed), subject_index=owner)

    images, labels = patients(-(-made // each), each, 2)
    synthetic = ArrayPatches(images[:made], labels[:made])
    training, heldout = real(trained, 0), real(held, 1)
    installed = registry.default().metrics("privacy")
    metrics: list[Any] = [installed[name]() for name in METRICS]
    return lambda: audit_patches(synthetic, training, heldout, privacy=metrics, seed=0)


@line("privacy audit of one arm", goal=20, rounds=1)
def audit(rounds: int) -> Found:
    call = audit_of(MADE, EACH, TRAINED, HELD)
    spent = [fine_seconds(call) for _ in range(rounds)]
    values = SIZE**3
    pairs = MADE * (TRAINED + HELD) * EACH
    return Found(
        f"{MADE:,} synthetic, {TRAINED * EACH:,} training, {HELD * EACH:,} held-out patches of 16³",
        "one table of scores",
        spent,
        limit="comparing each pair once, voxel by voxel: "
        + share_of_flops(2 * values * pairs, min(spent)),
    )
