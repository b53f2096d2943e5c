"""``synthetic``: trained on a generator's samples only.

Its trials are planned for every generator that any regime uses, since others start from them;
they are evaluated only where the spec's table names the generator. A dose curve has an arm for each
dose; all learn from one fit of the generator, for as many steps.
"""

from __future__ import annotations

from vbench.regimes.base import Generators, Regime
from vbench.regimes.planner import Planner, Row, at_dose, dosed
from vbench.regimes.real import REAL


class Synthetic(Generators):
    """Train on synthetic patches only."""


class _Synthetic(Regime[Synthetic]):
    name = "synthetic"
    help = "Train on synthetic patches only."
    table = Synthetic
    samples = True
    dosed = True
    mark = "square"
    colour = "synthetic"

    def arm(self, generator: str, dose: float | None = None) -> str:
        """Name the arm of a generator, at a dose of its patches."""
        return dosed(f"{self.name}/{generator}", dose)

    def plan(self, planner: Planner, seed: int) -> None:
        shown = [use.label for use in planner.generators(self)]
        for use in planner.all_generators():
            for dose in planner.doses(use):
                row = Row(
                    self.arm(use.label, dose),
                    self.name,
                    at_dose(planner, dose),
                    generator=use.label,
                    dose=dose,
                )
                planner.train_on_samples(row, seed, use)
                if use.label in shown:
                    planner.evaluate(row, seed)
                    planner.audit(row, seed, features_of=REAL.name)


SYNTHETIC = _Synthetic()
