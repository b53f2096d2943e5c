"""``transfer``: pre-trained, then fine-tuned on a few of the target's patients.

Pre-training is on a generator's patches or, as the ceiling, on the real ones of the source: what
could be gained if the generator were as good as the patients that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from vbench.regimes.base import FewSubjects, Generators, Regime
from vbench.regimes.planner import Planner, Row, Training, as_long
from vbench.regimes.real import REAL
from vbench.regimes.reference import Reference
from vbench.regimes.synthetic import SYNTHETIC
from vbench.tables import PluginUse


class Transfer(Generators, FewSubjects):
    """Pre-train on synthetic patches, then fine-tune on a few subjects of the target."""

    pretrain: list[Literal["synthetic", "real"]] = Field(
        ["synthetic"],
        min_length=1,
        description="What is pre-trained on: synthetic: the patches of each generator; real: those "
        "of the source, for as many steps: the ceiling.",
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="Segmenter parameters that differ when fine-tuning."
    )
    control: Literal["equal-steps", "none"] = Field(
        "equal-steps",
        description="equal-steps: for each number of subjects, an arm without pre-training that "
        "trains for as many optimiser steps as pre-training and fine-tuning together.",
    )

    @property
    def uses_generators(self) -> bool:
        """Whether any of its arms needs a generator."""
        return "synthetic" in self.pretrain


class _Transfer(Regime[Transfer]):
    name = "transfer"
    help = "Pre-train, then fine-tune on the target."
    table = Transfer
    cohort = "target"
    pretrains = True
    compared_with = ("real", "scratch", "control", "ceiling")
    references = (
        Reference(
            "ceiling",
            regime="transfer",
            sign="§",
            words="pre-training on real patches",
            per_subjects=True,
            extra=True,
        ),
    )
    mark = "triangle-up"
    colour = "transfer"

    def segmenters(self, table: Transfer, segmenter: PluginUse) -> Iterator[tuple[str, PluginUse]]:
        if table.params:
            yield "regimes.transfer", segmenter.having(table.params)

    def plan(self, planner: Planner, seed: int) -> None:
        table = planner.table(self)
        if table is None:
            return
        starts: list[tuple[str | None, list[str]]] = [
            (use.label, planner.trials(SYNTHETIC.arm(use.label), seed))
            for use in planner.generators(self)
        ]
        if "real" in table.pretrain:
            starts.append((None, self._on_real_patches(planner, seed)))
        for generator, trials in starts:
            for n in table.subjects:
                name = f"{self.name}/{generator or REAL.name}/n{n}"
                segmenter = self.segmenter(planner)
                planner.train(
                    Row(name, self.name, segmenter, generator=generator, n_subjects=n),
                    seed,
                    planner.training_volumes(self.cohort, seed, n),
                    initial=trials,
                )

    def _on_real_patches(self, planner: Planner, seed: int) -> list[str]:
        """Return the trials of pre-training on the source's patches, as long as on synthetic ones.

        They are those of the arm ``real`` where it is on and trains as long.
        """
        volumes, use = planner.training_volumes(REAL.cohort, seed), planner.segmenter
        patches = planner.real_patches(len(volumes))
        equal = as_long(planner, use, patches, self.pretraining(planner))
        if equal == use and planner.table(REAL):
            return planner.trials(REAL.name, seed)
        row = Row(f"{self.name}/{REAL.name}/pretraining", REAL.name, equal)
        planner.train(row, seed, volumes, evaluated=False)
        return planner.trials(row.name, seed)

    def segmenter(self, training: Training) -> PluginUse:
        """Return the segmenter as it is fine-tuned."""
        table = training.table(self)
        return training.segmenter.having(table.params if table else {})

    def pretraining(self, training: Training) -> int | None:
        """Return the steps on synthetic patches; None when they are not known."""
        return training.steps(training.segmenter, training.synthetic_patches())

    def fine_tuning(self, training: Training, patches: int) -> int | None:
        """Return the steps on this many patches after pre-training; None when not known."""
        return training.steps(self.segmenter(training), patches)


TRANSFER = _Transfer()
