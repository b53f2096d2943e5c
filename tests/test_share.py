"""What leaves the house: complete, audited, described; and only that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from toy_benchmark import LENDING, TOYS, toy_spec

import vbench
from vbench import api
from vbench.analysis.folder import read_results
from vbench.cli.audit import command as audit_command
from vbench.cli.export import command as export_command
from vbench.errors import StoreError


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    spec = toy_spec(
        generators=[{"plugin": "toy-generator"}, {"plugin": "copy"}],
        data__source__split={"train": 2, "val": 1, "test": 3},
        patches__per_subject=40,
    )
    api.run(spec, folder, tracking=False)
    return folder


def test_an_export_is_complete_and_audited(out: Path, tmp_path: Path) -> None:
    folder = vbench.export(
        "synthetic/toy-generator", tmp_path / "share", benchmark="toys", out=out, nifti=True
    )
    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    assert images.shape == labels.shape == (80, 4, 4, 4)
    manifest = json.loads((folder / "dataset.json").read_text())
    assert manifest["patches"] == 80
    audit = json.loads((folder / "audit.json").read_text())
    assert set(audit) == {"fidelity", "privacy"}
    assert audit["privacy"]["nn-ratio"]["value"] is not None
    sheet = (folder / "DATASHEET.md").read_text()
    assert "toy-generator" in sheet
    assert "nn-ratio" in sheet
    assert "| dsc |" in sheet
    case = nib.load(folder / "nnunet/imagesTr/synthetic_000000_0000.nii.gz")
    assert case.header.get_zooms() == (1.0, 1.0, 2.0)
    np.testing.assert_allclose(case.get_fdata(), images[0], atol=1e-3)


def test_copies_of_patients_light_the_alarm(out: Path, tmp_path: Path) -> None:
    copied = vbench.export("synthetic/copy", tmp_path / "copy", benchmark="toys", out=out)
    audit = json.loads((copied / "audit.json").read_text())
    assert audit["privacy"]["nn-ratio"]["value"] < 0.1
    assert audit["privacy"]["near-copies"]["value"] > 0.9
    for name in ("nn-ratio", "near-copies"):
        assert audit["privacy"][name]["alarm"]
    assert "**ALARM**" in (copied / "DATASHEET.md").read_text()
    shown = CliRunner().invoke(audit_command, [str(copied), "--out", str(out)])
    assert shown.exit_code == 1
    assert any("nn-ratio" in row and "ALARM" in row for row in shown.output.splitlines())
    assert not any("fidelity" in row and "ALARM" in row for row in shown.output.splitlines())


def test_an_audit_sees_what_is_in_the_folder_now(out: Path, tmp_path: Path) -> None:
    folder = vbench.export("synthetic/copy", tmp_path / "copy", benchmark="toys", out=out)
    before = vbench.audit_export(folder, out=out)
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (80, 4, 4, 4)).astype(np.float16)
    np.save(folder / "images.npy", noise)
    after = vbench.audit_export(folder, out=out)
    assert after["privacy"]["nn-ratio"]["value"] > before["privacy"]["nn-ratio"]["value"] + 0.5


def test_what_cannot_be_exported_is_said_and_nothing_is_overwritten(
    out: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="did you mean 'synthetic/copy'"):
        vbench.export("synthetic/cpy", tmp_path / "x", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="no synthetic arm is called 'real'"):
        vbench.export("real", tmp_path / "x", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="seed 7 has not finished"):
        vbench.export("synthetic/copy", tmp_path / "x", benchmark="toys", out=out, seed=7)
    assert not (tmp_path / "x").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="not empty"):
        vbench.export("synthetic/copy", tmp_path / "full", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="not a folder that `vbench export` wrote"):
        vbench.audit_export(tmp_path / "full", out=out)
    folder = vbench.export("synthetic/copy", tmp_path / "moved", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="the prepared patients are not here"):
        vbench.audit_export(folder, out=tmp_path / "elsewhere")


def test_an_audit_runs_no_plugin_that_a_foreign_export_leads_to(out: Path, tmp_path: Path) -> None:
    folder = vbench.export("synthetic/copy", tmp_path / "sent", benchmark="toys", out=out)
    shutil.copytree(out / "toys", folder / "toys")
    plan = json.loads((folder / "toys" / "plan.json").read_text())
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    plan["spec"]["plugins"]["paths"].append(str(folder / "evil.py"))
    (folder / "toys" / "plan.json").write_text(json.dumps(plan))
    manifest = json.loads((folder / "dataset.json").read_text())
    for way in (str(folder / "toys"), "../sent/toys"):
        (folder / "dataset.json").write_text(json.dumps({**manifest, "benchmark": way}))
        with pytest.raises(StoreError, match="is no name"):
            vbench.audit_export(folder, out=out)
    assert not (tmp_path / "ran").exists()


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
    assert CliRunner().invoke(export_command, arguments).exit_code == 0
    seed = json.loads((tmp_path / "share" / "dataset.json").read_text())["seed"]
    assert scores[seed] == (max if higher else min)(scores.values())


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
    exported = CliRunner().invoke(export_command, arguments)
    assert exported.exit_code == 0, exported.output
    again = CliRunner().invoke(audit_command, [str(folder), "--out", str(out), "--json"])
    for audit in (json.loads((folder / "audit.json").read_text()), json.loads(again.output)):
        for family in ("fidelity", "privacy"):
            assert list(audit[family]) == list(row[family])
            for name, found in audit[family].items():
                known = {field: row[family][name][field] for field in found}
                assert found == known, name
    assert row["fidelity"]["fid"]["features"] == "lending"
    assert row["fidelity"]["weighed"]["value"] == 2.5 * 90
