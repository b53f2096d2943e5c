"""``mixed``: trained on real patches and a generator's samples together, at each dose of them."""

from __future__ import annotations

from vbench.regimes.base import Generators, Regime
from vbench.regimes.planner import Planner, Row, at_dose, dosed
from vbench.regimes.synthetic import SYNTHETIC


class Mixed(Generators):
    """Train on all real and all synthetic patches together."""


class _Mixed(Regime[Mixed]):
    name = "mixed"
    help = "Real and synthetic patches together."
    table = Mixed
    dosed = True
    mark = "diamond"
    colour = "mixed"

    def plan(self, planner: Planner, seed: int) -> None:
        for use in planner.generators(self):
            for dose in planner.doses(use):
                volumes = planner.training_volumes(self.cohort, seed)
                row = Row(
                    dosed(f"{self.name}/{use.label}", dose),
                    self.name,
                    at_dose(planner, dose, planner.real_patches(len(volumes))),
                    generator=use.label,
                    dose=dose,
                )
                trials = planner.trials(SYNTHETIC.arm(use.label, dose), seed)
                planner.train(row, seed, volumes, synthetic_of=trials)


MIXED = _Mixed()
