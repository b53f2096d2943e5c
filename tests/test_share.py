"""What leaves the house: complete, audited, described; and only that."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from toy_benchmark import toy_spec

import vbench
from vbench import api
from vbench.cli.audit import command as audit_command
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
    assert shown.exit_code == 0
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
