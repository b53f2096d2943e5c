"""``real``: trained on patches of the source's patients; all else is compared with it."""

from __future__ import annotations

from vbench.regimes.base import Regime
from vbench.regimes.planner import Planner, Row
from vbench.regimes.reference import Reference


class _Real(Regime[bool]):
    name = "real"
    help = "Train on real patches of the source."
    table = bool
    colour = "real"
    references = (Reference("real", regime="real", sign="*", words="real"),)

    def plan(self, planner: Planner, seed: int) -> None:
        if planner.table(self):
            volumes = planner.training_volumes(self.cohort, seed)
            planner.train(Row(self.name, self.name, planner.segmenter), seed, volumes)


REAL = _Real()
