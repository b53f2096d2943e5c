"""MLflow issue 12627: "Can't locate revision identified by …", a traceback of Alembic.

The store was made by another version of MLflow. ``vbench ui`` says so in one line, with the fix.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys

from fabricate import fabricate


def test_a_store_of_an_unknown_revision_is_said_in_one_line(tmp_path, monkeypatch, empty_store):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    fabricate(tmp_path, truth={"real": 0.9}, failed=None, seeds=(0,))
    shutil.copyfile(empty_store, tmp_path / "mlflow.db")
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        store.execute("update alembic_version set version_num = '5b0e9adcef9c'")
    store.close()
    # A separate process: MLflow remembers the stores that it has seen.
    call = [sys.executable, "-m", "vbench", "ui", "--out", str(tmp_path), "--port", "0"]
    answer = subprocess.run(call, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 2
    assert len(answer.stderr.strip().splitlines()) == 1, answer.stderr
    assert "revision 5b0e9adcef9c" in answer.stderr
    assert "vbench ui --sync" in answer.stderr
