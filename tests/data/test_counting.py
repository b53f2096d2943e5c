"""Patches count themselves, exactly: by origin, whatever thread asks, and over interruptions."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from vbench_plugins.nn.feed import prefetch

from vbench.data.counting import CountedPatches, counted
from vbench.data.patches import ArrayPatches, MixedPatches
from vbench.engine.context import Cost
from vbench.engine.fitting import Checkpoint, budget, drive
from vbench.testing.toys import ToyPatches
from vbench.types import Patches, Progress


def arrays(n: int, subject: int) -> ArrayPatches:
    images = np.zeros((n, 4, 4), np.float16)
    index = np.full(n, subject, np.int32)
    return ArrayPatches(images, images.astype(np.uint8), subject_index=index)


def counts(patches: CountedPatches) -> dict[str, int]:
    # As a checkpoint keeps it.
    found = counted(json.loads(json.dumps(patches.seen())))
    assert found is not None
    return found


def test_each_patch_counts_as_often_as_it_is_handed_out() -> None:
    patches = CountedPatches(arrays(5, 0), real="target")
    patches.take(np.array([0, 0, 4]))
    patches.draw(7, np.random.default_rng(0))
    assert counts(patches) == {"source": 0, "target": 10, "synthetic": 0}


def test_mixed_patches_count_by_origin() -> None:
    patches = CountedPatches(MixedPatches([arrays(3, 0), arrays(2, -1)]), real="source")
    patches.take(np.array([0, 2, 3]))
    patches.take(np.array([4, 4]))
    assert counts(patches) == {"source": 2, "target": 0, "synthetic": 3}


def test_to_a_method_they_are_the_patches_that_they_wrap() -> None:
    inner = arrays(5, 0)
    patches = CountedPatches(inner, real="source")
    assert (len(patches), patches.size) == (5, (4, 4))
    assert patches.subject_index is inner.subject_index
    drawn = patches.draw(6, np.random.default_rng(3))
    np.testing.assert_array_equal(drawn, inner.draw(6, np.random.default_rng(3)))


def test_who_takes_whole_volumes_sees_more_than_can_be_counted() -> None:
    inner = ToyPatches((8, 8, 8))
    patches = CountedPatches(inner, real="source")
    patches.draw(3, np.random.default_rng(0))
    assert counts(patches)["source"] == 3
    assert patches.volumes is inner.volumes
    assert counted(json.loads(json.dumps(patches.seen()))) is None
    made = CountedPatches(arrays(5, -1), real="source")
    assert made.volumes == ()
    assert counts(made)["synthetic"] == 0


def test_a_draw_that_fails_counts_nothing() -> None:
    patches = CountedPatches(arrays(5, 0), real="source")
    with pytest.raises(IndexError):
        patches.take(np.array([5]))
    assert sum(counts(patches).values()) == 0


def test_patches_that_went_to_another_process_leave_the_sum_unknown() -> None:
    patches = CountedPatches(arrays(5, 0), real="source")
    sent = pickle.loads(pickle.dumps(patches))
    assert isinstance(sent, ArrayPatches)
    assert counted(patches.seen()) is None
    assert counted(None) is None


class Feeder:
    """Draws batches in another thread, one or several draws a step, and can be interrupted."""

    def __init__(self, draws: int, interrupted_at: int | None) -> None:
        self.draws, self.interrupted_at, self.done = draws, interrupted_at, 0

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        if self.done == 0:
            patches.draw(100, np.random.default_rng(seed))  # a survey, before the first step

        def batch(step: int) -> Any:
            rng = np.random.default_rng([seed, step])
            return [patches.draw(8, rng) for _ in range(self.draws)]

        for step, _ in prefetch(batch, self.done + 1, 12):
            if step - 1 == self.interrupted_at:
                raise KeyboardInterrupt
            time.sleep(0.01)  # the next batch is drawn meanwhile
            self.done = step
            yield Progress(step, 12)

    def state(self) -> dict[str, Any]:
        return {"step": np.array(self.done)}

    def load_state(self, state: dict[str, Any]) -> None:
        self.done = int(state["step"])


@pytest.mark.parametrize("draws", [1, 3])
def test_a_batch_that_waited_when_the_training_was_saved_counts_once(
    tmp_path: Path, draws: int
) -> None:
    inner = arrays(500, 0)
    context: Any = SimpleNamespace(cost=Cost(), checkpoint_seconds=0.0, report=lambda *_: None)
    for stop in (5, 9, None):
        checkpoint, feeder = Checkpoint(tmp_path), Feeder(draws, stop)
        checkpoint.restore(feeder)  # type: ignore[arg-type]
        try:
            drive(
                feeder,  # type: ignore[arg-type]
                inner,
                seed=1,
                context=context,
                checkpoint=checkpoint,
                marks=[1.0],
                on_mark=lambda *_: True,
                real="target",
            )
        except KeyboardInterrupt:
            continue
    assert budget(checkpoint).to_json() == {
        "steps": 12,
        "patches": {"source": 0, "target": 100 + 12 * 8 * draws, "synthetic": 0},
    }


def test_a_checkpoint_of_a_vbench_that_did_not_count_leaves_the_sum_unknown(tmp_path: Path) -> None:
    checkpoint, feeder = Checkpoint(tmp_path), Feeder(1, None)
    del checkpoint.notes["seen"]
    feeder.done = checkpoint.notes["step"] = 4
    context: Any = SimpleNamespace(cost=Cost(), checkpoint_seconds=9.0, report=lambda *_: None)
    drive(
        feeder,  # type: ignore[arg-type]
        arrays(50, 0),
        seed=1,
        context=context,
        checkpoint=checkpoint,
        marks=[1.0],
        on_mark=lambda *_: True,
    )
    assert budget(checkpoint).to_json() == {"steps": 12, "patches": None}
