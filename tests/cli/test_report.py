"""``vbench report``."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from fabricate import fabricate

from vbench.cli.report import command
from vbench.errors import StoreError


def test_it_writes_the_report_and_prints_where(tmp_path):
    fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    result = CliRunner().invoke(command, ["--out", str(tmp_path)])
    assert result.exit_code == 0
    assert Path(result.output.strip()) == tmp_path / "demo" / "report.html"
    assert "<!doctype html>" in (tmp_path / "demo" / "report.html").read_text("utf-8")


def test_a_benchmark_that_is_not_there_is_named(tmp_path):
    fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    result = CliRunner().invoke(command, ["demos", "--out", str(tmp_path)])
    assert isinstance(result.exception, StoreError)
    assert "did you mean 'demo'" in str(result.exception)
