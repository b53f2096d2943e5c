"""An export is audited again as it lies in its folder, and nothing is run that it brings along."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vbench
from vbench.errors import StoreError

LEAK, DRAWN = "synthetic/leaky", "synthetic/drawn"


def test_an_audit_sees_what_is_in_the_folder_now_and_writes_nothing(
    out: Path, tmp_path: Path
) -> None:
    folder = vbench.export(DRAWN, tmp_path / "x", benchmark="toys", out=out)
    before = vbench.audit_export(folder, out=out)
    assert not before["privacy"]["verbatim"]["alarm"]
    leak = vbench.export(LEAK, tmp_path / "y", benchmark="toys", out=out, accept_risk="a test")
    shutil.copy(leak / "images.npy", folder / "images.npy")
    known = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    after = vbench.audit_export(folder, out=out)
    assert after["privacy"]["verbatim"]["value"] == 0.25
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == known


def test_what_cannot_be_audited_again_is_said(out: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a folder that `vbench export` wrote"):
        vbench.audit_export(tmp_path, out=out)
    folder = vbench.export(DRAWN, tmp_path / "x", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="no record of this export; name with --out"):
        vbench.audit_export(folder, out=tmp_path / "elsewhere")
    sheet = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps({"training": [], "heldout": []}))
    with pytest.raises(StoreError, match="older vbench; export the arm again"):
        vbench.audit_export(folder, out=out)
    home = out / "exports" / sheet["id"] / "record.json"
    record = json.loads(home.read_text())
    home.write_text(json.dumps({**record, "train": ["0" * 16]}))
    (folder / "dataset.json").write_text(json.dumps(sheet))
    with pytest.raises(StoreError, match="was run again on other data"):
        vbench.audit_export(folder, out=out)
    np.save(folder / "labels.npy", np.zeros_like(np.load(folder / "labels.npy")))
    with pytest.raises(StoreError, match=r"hold a vessel; .* is meaningless"):
        vbench.audit_export(folder, out=out)


def test_an_audit_runs_no_plugin_that_a_foreign_export_leads_to(out: Path, tmp_path: Path) -> None:
    folder = vbench.export(DRAWN, tmp_path / "sent", benchmark="toys", out=out)
    sheet = json.loads((folder / "dataset.json").read_text())
    shutil.copytree(out / "toys", folder / "toys")
    shutil.copytree(out / "exports" / sheet["id"], folder / "record")
    plan = json.loads((folder / "toys" / "plan.json").read_text())
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    plan["spec"]["plugins"]["paths"].append(str(folder / "evil.py"))
    (folder / "toys" / "plan.json").write_text(json.dumps(plan))
    for way in (str(folder / "record"), "../../sent/record", "", None, ["a"]):
        (folder / "dataset.json").write_text(json.dumps({**sheet, "id": way}))
        with pytest.raises(StoreError, match="is none; expected what export wrote"):
            vbench.audit_export(folder, out=out)
    assert not (tmp_path / "ran").exists()
