"""``transfer``: pre-trained on synthetic patches, fine-tuned on a few of the target's patients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from vbench.regimes.base import FewSubjects, Generators, Regime
from vbench.regimes.planner import Planner, Row, Training
from vbench.regimes.synthetic import SYNTHETIC
from vbench.tables import PluginUse


class Transfer(Generators, FewSubjects):
    """Pre-train on synthetic patches, then fine-tune on a few subjects of the target."""

    params: dict[str, Any] = Field(
        default_factory=dict, description="Segmenter parameters that differ when fine-tuning."
    )
    control: Literal["equal-steps", "none"] = Field(
        "equal-steps",
        description="equal-steps: for each number of subjects, an arm without pre-training that "
        "trains for as many optimiser steps as pre-training and fine-tuning together.",
    )


class _Transfer(Regime[Transfer]):
    name = "transfer"
    help = "Pre-train, then fine-tune on the target."
    table = Transfer
    cohort = "target"
    pretrains = True
    compared_with = ("real", "scratch", "control")
    mark = "triangle-up"
    colour = "transfer"

    def segmenters(self, table: Transfer, segmenter: PluginUse) -> Iterator[tuple[str, PluginUse]]:
        if table.params:
            yield "regimes.transfer", segmenter.having(table.params)

    def plan(self, planner: Planner, seed: int) -> None:
        table = planner.table(self)
        for use in planner.generators(self):
            for n in table.subjects if table else ():
                name = f"{self.name}/{use.label}/n{n}"
                segmenter = self.segmenter(planner)
                planner.train(
                    Row(name, self.name, segmenter, generator=use.label, n_subjects=n),
                    seed,
                    planner.training_volumes(self.cohort, seed, n),
                    initial=planner.trials(SYNTHETIC.arm(use.label), seed),
                )

    def segmenter(self, training: Training) -> PluginUse:
        """Return the segmenter as it is fine-tuned."""
        table = training.table(self)
        return training.segmenter.having(table.params if table else {})

    def pretraining(self, training: Training) -> int | None:
        """Return the steps on synthetic patches; None when they are not known."""
        return training.steps(training.segmenter, training.synthetic_patches)

    def fine_tuning(self, training: Training, patches: int) -> int | None:
        """Return the steps on this many patches after pre-training; None when not known."""
        return training.steps(self.segmenter(training), patches)


TRANSFER = _Transfer()
