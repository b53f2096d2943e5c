"""``vbench report``."""

from __future__ import annotations

import shutil
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


def test_a_report_whose_store_is_gone_keeps_its_pictures(tmp_path, caplog):
    first, second = (
        fabricate(tmp_path / name, truth={"real": 0.9}, failed=None, artifacts=True)
        for name in ("a", "b")
    )
    outs = ["--out", str(tmp_path / "a"), "--out", str(tmp_path / "b")]
    assert CliRunner().invoke(command, outs).exit_code == 0
    kept = first.folder / "report.html"
    before, viewer = kept.read_bytes(), kept.with_name("viewer.html").read_bytes()
    assert b"data:image/" in before
    (tmp_path / "a" / "store").rename(tmp_path / "away")
    result = CliRunner().invoke(command, outs)
    assert str(result.exception).startswith(f"{tmp_path / 'a' / 'store'}: nothing of 'demo' is ")
    assert result.output.split() == [str(second.folder / "report.html")]
    assert kept.read_bytes() == before
    assert kept.with_name("viewer.html").read_bytes() == viewer
    assert "--no-patient-images, as report-without-images.html" in str(result.exception)
    caplog.clear()
    result = CliRunner().invoke(command, [*outs, "--no-patient-images"])
    assert result.exit_code == 0
    discreet = kept.with_name("report-without-images.html")
    assert result.stdout.split() == [str(discreet), str(second.folder / "report.html")]
    assert kept.read_bytes() == before
    assert kept.with_name("viewer.html").read_bytes() == viewer
    assert "data:image/" not in discreet.read_text("utf-8")
    assert f"{first.folder}: kept report.html and viewer.html, since the store" in caplog.text
    said = f"{second.folder}: replaced or removed report.html and viewer.html, which had pictures"
    assert f"{said}; 'vbench report demo' draws them again" in caplog.text


def test_pictures_of_a_store_that_lost_some_jobs_are_kept(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None, artifacts=True)
    outs = ["--out", str(tmp_path)]
    assert CliRunner().invoke(command, outs).exit_code == 0
    kept = made.folder / "report.html"
    before = kept.read_bytes()
    for record in made.arm("real")["evaluate"].values():
        shutil.rmtree(tmp_path / "store" / record)
    result = CliRunner().invoke(command, [*outs, "--no-patient-images"])
    assert result.stdout.split() == [str(made.folder / "report-without-images.html")]
    assert kept.read_bytes() == before


def test_a_report_without_a_store_says_that_it_has_no_pictures(tmp_path, caplog):
    fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    assert CliRunner().invoke(command, ["--out", str(tmp_path)]).exit_code == 0
    assert f"{tmp_path / 'store'}: nothing of 'demo' is there: the report is with" in caplog.text
