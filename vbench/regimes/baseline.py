"""``baseline``: rules that learn nothing from patches; the best of them is the bar."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from vbench.regimes.base import Regime
from vbench.regimes.planner import Planner, Row
from vbench.tables import PluginUse, Table


class Baseline(Table):
    """Segmenters that learn nothing from patches; tuned on validation subjects like the rest."""

    segmenters: list[str] = Field(
        ["threshold", "local-threshold", "vesselness"],
        min_length=1,
        description="Plugin names. The best of them on the leaderboard is the bar.",
    )


class _Baseline(Regime[Baseline]):
    name = "baseline"
    help = "No training on patches: rules."
    table = Baseline
    learns = False
    mark = "cross"

    def segmenters(self, table: Baseline, segmenter: PluginUse) -> Iterator[tuple[str, PluginUse]]:
        for name in table.segmenters:
            yield "regimes.baseline.segmenters", PluginUse(plugin=name)

    def plan(self, planner: Planner, seed: int) -> None:
        table = planner.table(self)
        for name in table.segmenters if table else ():
            row = Row(f"{self.name}/{name}", self.name, PluginUse(plugin=name))
            planner.train(row, seed, planner.training_volumes(self.cohort, seed))


BASELINE = _Baseline()
