"""``mixed``: trained on real patches and a generator's samples together."""

from __future__ import annotations

from vbench.regimes.base import Generators, Regime
from vbench.regimes.planner import Planner, Row
from vbench.regimes.synthetic import SYNTHETIC


class Mixed(Generators):
    """Train on all real and all synthetic patches together."""


class _Mixed(Regime[Mixed]):
    name = "mixed"
    help = "Real and synthetic patches together."
    table = Mixed
    mark = "diamond"
    colour = "mixed"

    def plan(self, planner: Planner, seed: int) -> None:
        for use in planner.generators(self):
            name = f"{self.name}/{use.label}"
            planner.train(
                Row(name, self.name, planner.segmenter, generator=use.label),
                seed,
                planner.training_volumes(self.cohort, seed),
                synthetic_of=planner.trials(SYNTHETIC.arm(use.label), seed),
            )


MIXED = _Mixed()
