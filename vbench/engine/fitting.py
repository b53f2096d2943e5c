"""Drives a method's ``fit``: progress, the training curve, marks, checkpoints, NaN.

A *mark* is a point of the training at which the core steps in: a generator's candidate is kept, a
segmenter is validated. Marks are steps, so that they fall in the same place however fast the
machine is and however often the training was interrupted.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vbench.data.counting import CountedPatches, counted
from vbench.engine.context import Context, cpu_seconds
from vbench.engine.seals import SEAL, check_files, check_record, sealed
from vbench.engine.weights import load_weights, save_weights
from vbench.errors import ContractError, DivergedError, StoreError
from vbench.files import read_json, sha256, write_json
from vbench.interfaces import Fitted
from vbench.records.parts import Budget, PatchCounts
from vbench.types import Patches, Progress

#: Points that a training curve keeps at most.
CURVE_POINTS = 200

#: The core's notes in a checkpoint's folder.
NOTES = "notes.json"

#: Called at a mark with its index and the step; False stops the training.
OnMark = Callable[[int, int], bool]


class Checkpoint:
    """Where an interrupted training goes on from: the method's state and the core's own notes.

    ``notes`` is JSON that whoever drives the training adds to (validation scores, candidates);
    files that belong to it go into ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        """Open the folder of a job, which may hold a checkpoint of an earlier attempt."""
        self.folder = folder
        self.notes: dict[str, Any] = {
            "step": 0,
            "marks": 0,
            "seconds": 0.0,
            "cpu_seconds": 0.0,
            "curve": [],
            "seen": {},
            "kept": {},
        }

    def restore(self, method: Fitted) -> bool:
        """Bring a method to the state of the last checkpoint; False when there is none.

        One that cannot be read or is damaged, because its disk was full or two runs wrote it, does
        not count.
        """
        for part in self.folder.glob(".tmp-*"):  # of a write that was killed
            part.unlink(missing_ok=True)
        try:
            notes = read_json(self.folder / NOTES)
            check_record(notes, self.folder / NOTES)
            check_files(notes, self.folder)
            state = load_weights(self.folder / notes["state"])
        except (OSError, ValueError, StoreError):
            return False
        try:
            method.load_state(state)
        except Exception:
            self.clear()  # the next attempt starts over, instead of failing here for ever
            raise
        self.notes = {"kept": {}, **{n: value for n, value in notes.items() if n not in SEAL}}
        return True

    def save(self, method: Fitted) -> bool:
        """Save a method's state; False when the method cannot resume."""
        state = method.state()
        if state is None:
            return False
        name = f"state-{self.notes['step']}.safetensors"
        save_weights(self.folder / name, state, f"{type(method).__name__}.state()")
        # The notes name the state, so this one rename makes both take effect together.
        sums = {**self.notes["kept"], name: sha256(self.folder / name)}
        write_json(self.folder / NOTES, sealed({**self.notes, "state": name}, sums))
        for old in self.folder.glob("state-*.safetensors"):
            if old.name != name:
                old.unlink()
        return True

    def keep(self, name: str) -> None:
        """Note a file in the folder that the training still needs when it goes on."""
        self.notes["kept"][name] = sha256(self.folder / name)

    def clear(self) -> None:
        """Forget it: the attempt starts over."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)


def drive(
    method: Fitted,
    patches: Patches,
    *,
    seed: int,
    context: Context,
    checkpoint: Checkpoint,
    marks: Sequence[float],
    on_mark: OnMark,
    real: str = "source",
) -> bool:
    """Fit a method to its end, or until a mark says stop.

    Args:
        method: Built, and brought to the checkpoint's state where there is one.
        patches: What it learns from.
        seed: Its seed.
        context: The job at work.
        checkpoint: Holds the notes; saved every so often.
        marks: Fractions of the training in (0, 1], ascending, the last one 1.
        on_mark: Called once for each.
        real: Where those patches come from that are not synthetic: ``source`` or ``target``.

    Returns:
        Whether the training reached its end.

    Raises:
        DivergedError: When a reported value is not finite.
        ContractError: When the method yields something other than Progress, or nothing.
    """
    notes = checkpoint.notes
    # A checkpoint of an earlier version, which did not count, leaves the sum unknown.
    known = "seen" in notes
    watched = CountedPatches(patches, real=real, before=notes.get("seen"))
    cost = context.cost
    cost.earlier_seconds, cost.earlier_cpu_seconds = notes["seconds"], notes["cpu_seconds"]
    begun = time.perf_counter() - cost.earlier_seconds
    cpu = cpu_seconds() - cost.earlier_cpu_seconds
    saved = time.perf_counter()
    timed_from, since, marking, warm = notes["step"], time.perf_counter(), 0.0, False
    progress: Progress | None = None
    try:
        for progress in method.fit(watched, seed=seed):
            _check(progress, type(method).__name__)
            now = time.perf_counter()
            if not warm and progress.step < progress.total:
                # The first step also warms up: it says nothing of the others.
                timed_from, since, warm = progress.step, now, True
            notes["step"], notes["seconds"] = progress.step, now - begun
            notes["total"] = progress.total
            _note(notes["curve"], progress, now - begun)
            context.report(progress.step, progress.total, progress.metrics)
            go_on = True
            while notes["marks"] < len(marks) and (
                progress.step >= math.ceil(marks[notes["marks"]] * progress.total)
            ):
                reached = time.perf_counter()
                notes["cpu_seconds"] = cpu_seconds() - cpu
                notes |= {"seen": watched.seen()} if known else {}
                go_on = on_mark(notes["marks"], progress.step)
                marking += time.perf_counter() - reached
                notes["marks"] += 1
                if not go_on:
                    break
            if not go_on:
                break
            if now - saved >= context.checkpoint_seconds and progress.step < progress.total:
                notes["seconds"], notes["cpu_seconds"] = (
                    time.perf_counter() - begun,
                    cpu_seconds() - cpu,
                )
                notes |= {"seen": watched.seen()} if known else {}
                checkpoint.save(method)
                saved = time.perf_counter()
    finally:  # a training that diverges has a budget, too
        notes |= {"seen": watched.seen()} if known else {}
    if progress is None and notes["marks"] < len(marks):
        raise ContractError(f"{type(method).__name__}.fit yielded no Progress")
    spent, done = time.perf_counter() - since - marking, notes["step"] - timed_from
    cost.steps, cost.validation_seconds = notes["step"], round(marking, 3)
    cost.steps_per_second = done / spent if done and spent > 0 else None
    if notes["marks"] < len(marks) and (progress is None or progress.step >= progress.total):
        raise ContractError(f"{type(method).__name__}.fit ended before its last step")
    return notes["marks"] == len(marks)


def budget(checkpoint: Checkpoint) -> Budget:
    """Return what a training took: optimiser ``steps`` and ``patches`` that it was handed."""
    notes = checkpoint.notes
    patches = counted(notes.get("seen"))
    return Budget(steps=notes["step"], patches=None if patches is None else PatchCounts(**patches))


def _check(progress: Any, name: str) -> None:
    if not isinstance(progress, Progress):
        raise ContractError(
            f"{name}.fit yielded {type(progress).__name__}; expected vbench.Progress"
        )
    for metric, value in progress.metrics.items():
        if not math.isfinite(value):
            raise DivergedError(f"{name}: {metric} is {value} at step {progress.step}")


def _note(curve: list[dict[str, float]], progress: Progress, seconds: float) -> None:
    """Keep a point of the curve: evenly spaced steps, CURVE_POINTS at most, and the last."""
    every = max(1, math.ceil(progress.total / CURVE_POINTS))
    if progress.step % every == 0 or progress.step in (1, progress.total):
        values = {name: round(float(value), 6) for name, value in progress.metrics.items()}
        curve.append({"step": progress.step, "seconds": round(seconds, 3), **values})
