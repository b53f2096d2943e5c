"""States that trainings leave, from which longer ones go on.

A generator whose training begins the same however long it is (``Generator.shared_steps``) leaves
its state at the last such step, where the spec says ``limits.keep_states``. A training that differs
in nothing but its length, and is longer, starts there: its weights are those of an undisturbed one.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from typing import cast

from vbench.engine.context import Context
from vbench.engine.fitting import Checkpoint
from vbench.engine.keys import digest
from vbench.interfaces import Generator, Params
from vbench.records.training import FitGeneratorInputs


class States:
    """The states of all trainings that differ from one in their length only.

    Attributes:
        mark: The fraction of the training that ends with the last step which a longer one shares;
            None when there is no such step.
    """

    def __init__(self, context: Context, inputs: FitGeneratorInputs, params: Params) -> None:
        """Find them.

        Args:
            context: The job that trains.
            inputs: Its inputs.
            params: The generator's parameters, those that a trial chose included.
        """
        cls = cast(type[Generator], context.plugin("generator", inputs.plugin).cls)
        count = inputs.patches.per_subject * len(inputs.train)
        self._total = cls.training_steps(params, count) or 0
        self._shared = min(cls.shared_steps(params), self._total)
        self.mark = (self._shared - 0.5) / self._total if self._shared > 0 else None
        own = params.model_dump(mode="json", exclude=set(cls.settings_for(1)))
        about = inputs.model_copy(update={"trial_spec": None, "checkpoints": 0, "params": own})
        self._context = context
        self._folder = context.store.root / "states" / digest(about.to_json())

    def passed(self, marks: Sequence[float], step: int) -> int:
        """Return how many of these fractions of the training lie at a step or before it."""
        return sum(math.ceil(mark * self._total) <= step for mark in marks)

    def keep(self, generator: Generator, checkpoint: Checkpoint) -> None:
        """Keep the state that the training is in; one that is there already stays."""
        place = self._folder / str(checkpoint.notes["step"])
        if place.exists():
            return
        made = self._context.store.begin(self._context.job.key)
        kept = Checkpoint(made)
        kept.notes = {**checkpoint.notes, "kept": {}, "looks": [], "candidates": []}
        if kept.save(generator):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                made.rename(place)
            except OSError:
                if not place.is_dir():  # else of another run, which was first
                    raise
        shutil.rmtree(made, ignore_errors=True)

    def restore(self, generator: Generator, checkpoint: Checkpoint, before: float) -> bool:
        """Bring a training that has not begun to the last state that is of use to it.

        Args:
            generator: Newly built.
            checkpoint: Empty; holds the state afterwards.
            before: The fraction of the training at which the first candidate is kept.

        Returns:
            Whether there was one.
        """
        most = min(self._shared, math.ceil(before * self._total) - 1)
        steps = [int(path.name) for path in self._folder.glob("*") if path.name.isdecimal()]
        for step in sorted((step for step in steps if step <= most), reverse=True):
            shutil.copytree(self._folder / str(step), checkpoint.folder, dirs_exist_ok=True)
            if checkpoint.restore(generator):
                checkpoint.notes["went_on_from"] = step
                return True
            checkpoint.clear()
            checkpoint.notes |= {"candidates": [], "looks": []}
        return False
