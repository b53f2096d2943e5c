"""An export is of what the leaderboard ranks: the best seed, with the numbers that stand there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from toy_benchmark import LENDING, TOYS, toy_spec

from vbench import api
from vbench.analysis.folder import read_results
from vbench.cli.audit import command as audit_command
from vbench.cli.export import command as export_command


@pytest.mark.parametrize(("metric", "higher"), [("assd", False), ("dsc", True)])
def test_the_best_seed_is_exported_whatever_the_metrics_direction(
    tmp_path: Path, metric: str, higher: bool
) -> None:
    spec = toy_spec(
        benchmark__seeds=[0, 1, 2],
        regimes={"synthetic": True},
        tune={"metric": metric},
        generators=[{"plugin": "noise"}],
        segmenter={"plugin": "lending"},
        plugins__paths=[TOYS, LENDING, _weighed(tmp_path)],
    )
    api.run(spec, tmp_path / "out", tracking=False)
    results = read_results(tmp_path / "out" / "toys")
    (arm,) = results.arms
    scores = {c.seed: c.evaluated.validation_score for c in results.all_chosen(arm)}
    assert len(set(scores.values())) > 1
    arguments = ["synthetic/noise", str(tmp_path / "share"), "--out", str(tmp_path / "out")]
    arguments += ["--accept-risk", "a test"]
    assert CliRunner().invoke(export_command, arguments).exit_code == 0
    (record,) = (tmp_path / "out" / "exports").glob("*/record.json")
    assert scores[json.loads(record.read_text())["seed"]] == (max if higher else min)(
        scores.values()
    )


WEIGHED = '''
import vbench


class CountParams(vbench.Params):
    factor: float = vbench.param(1.0, "Times the number.")


class Weighed(vbench.FidelityMetric):
    """The number of patches, times a factor."""

    name = "weighed"
    Params = CountParams

    def score(self, synthetic, real, *, features, seed):
        return self.params.factor * len(synthetic)


@vbench.hookimpl
def vbench_register_metrics(register):
    register(Weighed)
'''


def _weighed(folder: Path) -> str:
    path = folder / "weighed.py"
    path.write_text(WEIGHED)
    return str(path)


def test_the_audit_of_a_fresh_export_has_the_leaderboards_numbers(tmp_path: Path) -> None:
    spec = toy_spec(
        benchmark__seeds=[3],
        data__source__split={"train": 3, "val": 1, "test": 3},
        patches__per_subject=30,
        segmenter={"plugin": "lending"},
        plugins__paths=[TOYS, LENDING, _weighed(tmp_path)],
        metrics={
            "segmentation": ["dsc"],
            "fidelity": [{"plugin": "weighed", "params": {"factor": 2.5}}, "fid", "mmd"],
            "privacy": ["nn-ratio", {"plugin": "near-copies", "params": {"patches": 20}}],
        },
    )
    out, folder = tmp_path / "out", tmp_path / "share"
    board = api.run(spec, out, tracking=False).board
    row = next(row for row in board["rows"] if row["arm"] == "synthetic/toy-generator")
    arguments = ["synthetic/toy-generator", str(folder), "--out", str(out)]
    exported = CliRunner().invoke(export_command, [*arguments, "--accept-risk", "a test"])
    assert exported.exit_code == 0, exported.output
    again = CliRunner().invoke(audit_command, [str(folder), "--out", str(out), "--json"])
    for audit in (json.loads((folder / "audit.json").read_text()), json.loads(again.output)):
        for family in ("fidelity", "privacy"):
            for name, listed in row[family].items():
                found = audit[family][name]
                assert found == {field: listed[field] for field in found}, name
        # The spec does not choose what an export is held to.
        assert "membership-auc" in audit["privacy"]
    assert "membership-auc" not in row["privacy"]
    assert row["fidelity"]["fid"]["features"] == "lending"
    assert row["fidelity"]["weighed"]["value"] == 2.5 * 90
