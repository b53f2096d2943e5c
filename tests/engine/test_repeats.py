"""A generator whose samples do not follow their seed is seen in a run, and marked."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from toy_benchmark import TOYS, toy_spec

from vbench import api
from vbench.analysis import render_table
from vbench.analysis.table import markdown

RESTLESS = str(Path(__file__).parents[1] / "fixtures" / "restless.py")


def test_samples_that_do_not_repeat_are_marked_on_the_board(tmp_path: Path) -> None:
    spec = toy_spec(
        generators=[{"plugin": "restless"}, {"plugin": "toy-generator"}],
        regimes={"synthetic": True},
        plugins={"paths": [TOYS, RESTLESS]},
    )
    result = api.run(spec, tmp_path, workers=1, tracking=False)
    assert result.ok
    rows = {row["generator"]: row for row in result.board["rows"]}
    assert rows["restless"]["unrepeatable"] == [0]
    assert "unrepeatable" not in rows["toy-generator"]
    console = Console(width=100, record=True)
    console.print(render_table(result.board))
    for text in (console.export_text(), markdown(result.board)):
        assert "! not repeatable: restless sampled other patches" in text
        line = next(line for line in text.splitlines() if "synthetic/restless" in line)
        assert "!" in line
    assert "restless sampled other patches" in (result.folder / "report.html").read_text()
