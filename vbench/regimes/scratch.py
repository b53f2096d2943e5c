"""``scratch``: trained on a few of the target's patients, without pre-training.

Two kinds of arm accompany those of ``transfer``. Those of this table take as many optimiser
steps on the patients as fine-tuning does; the controls take as many as pre-training and
fine-tuning together, and are there for each number of patients of ``transfer``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from vbench.regimes.base import FewSubjects, Regime
from vbench.regimes.planner import Planner, Row, Training
from vbench.regimes.reference import Reference
from vbench.regimes.transfer import TRANSFER, Transfer
from vbench.tables import PluginUse


class Scratch(FewSubjects):
    """Train on the same few subjects of the target, without pre-training."""

    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Segmenter parameters that differ when training from scratch; its length is "
        "that of fine-tuning unless it is named here.",
    )


class _Scratch(Regime[Scratch]):
    name = "scratch"
    help = "The target's subjects only."
    table = Scratch
    cohort = "target"
    references = (
        Reference(
            "scratch",
            regime="scratch",
            sign="†",
            words="scratch on as many patients",
            per_subjects=True,
            note="† without ‡: longer training may explain the difference, or was not tested",
        ),
        Reference(
            "control",
            regime="scratch",
            control="equal-steps",
            sign="‡",
            words="scratch with as many steps in all",
            per_subjects=True,
            extra=True,
        ),
    )
    mark = "triangle-down"
    colour = "scratch"

    @property
    def params_of(self) -> tuple[str, ...]:
        """How long it and its controls train follows transfer's parameters, too."""
        return self.name, TRANSFER.name

    def segmenters(self, table: Scratch, segmenter: PluginUse) -> Iterator[tuple[str, PluginUse]]:
        if table.params:
            yield "regimes.scratch", segmenter.having(table.params)

    def plan(self, planner: Planner, seed: int) -> None:
        table = planner.table(self)
        for n in table.subjects if table else ():
            volumes = planner.training_volumes(self.cohort, seed, n)
            use = self._as_long_as_fine_tuning(planner, planner.real_patches(len(volumes)))
            row = Row(f"{self.name}/n{n}", self.name, use, n_subjects=n)
            planner.train(row, seed, volumes)

    def plan_controls(self, planner: Planner, seed: int) -> None:
        transfer = planner.table(TRANSFER)
        if transfer is None or self._missing_control(planner, transfer) is not None:
            return
        for n in transfer.subjects:
            volumes = planner.training_volumes(self.cohort, seed, n)
            use = self._equal_steps(planner, planner.real_patches(len(volumes)))
            name = f"{self.name}/n{n}/{transfer.control}"
            row = Row(name, self.name, use, n_subjects=n, control=transfer.control)
            planner.train(row, seed, volumes)

    def remarks(self, training: Training) -> Iterator[str]:
        transfer = training.table(TRANSFER)
        missing = self._missing_control(training, transfer) if transfer else None
        if missing is not None:
            yield (
                f"transfer has no control with equal total steps ({missing}): whether longer "
                "training by itself gives the gain is not tested"
            )

    def _params(self, training: Training) -> dict[str, Any]:
        table = training.table(self)
        return table.params if table else {}

    def _as_long_as_fine_tuning(self, training: Training, patches: int) -> PluginUse:
        """Return the segmenter with fine-tuning's length, unless the spec names one."""
        named = self._params(training)
        use = training.segmenter.having(named)
        wanted = TRANSFER.fine_tuning(training, patches) if training.table(TRANSFER) else None
        if wanted is None or wanted == training.steps(use, patches):
            return use
        settings = training.settings_for(wanted)
        return use if settings.keys() & named.keys() else use.having(settings)

    def _equal_steps(self, training: Training, patches: int) -> PluginUse:
        """Return the segmenter that trains as long as pre-training and fine-tuning together."""
        first = TRANSFER.pretraining(training)
        then = TRANSFER.fine_tuning(training, patches)
        assert first is not None
        assert then is not None
        settings = training.settings_for(first + then)
        return training.segmenter.having({**self._params(training), **settings})

    def _missing_control(self, training: Training, transfer: Transfer) -> str | None:
        """Say why transfer has no control; None when it has one."""
        use, fine_tuned = training.segmenter, TRANSFER.segmenter(training)
        if transfer.control == "none":
            return 'regimes.transfer.control = "none"'
        patches = training.real_patches(transfer.subjects[0])
        if None in (TRANSFER.pretraining(training), TRANSFER.fine_tuning(training, patches)):
            return f"segmenter '{use.plugin}' does not say which parameter is its training's length"
        if not training.settings_for(1):
            return f"the training length of segmenter '{use.plugin}' cannot be set"
        if training.tunes_length(use) or training.tunes_length(fine_tuned):
            return "the length of training is tuned; name it in segmenter.params"
        return None


SCRATCH = _Scratch()
