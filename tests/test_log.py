"""What goes wrong beside the results: one line for people, the traceback in the log file."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import TOYS, toy_spec, toy_table

from vbench import api
from vbench.log import gently, kept, shown

pytestmark = pytest.mark.usefixtures("warm_workers")

ANGRY = """
import vbench

@vbench.hookimpl
def vbench_run_finished(folder, leaderboard):
    raise RuntimeError('not today\\nsecond line, http://me:secret@host/x')
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    plugin = tmp_path / "angry.py"
    plugin.write_text(ANGRY)
    table = toy_table(plugins__paths=[TOYS, str(plugin)], regimes={"real": True})
    return write_toml(tmp_path / "toys.toml", table)


LINE = "a plugin's vbench_run_finished failed: RuntimeError: not today"


def test_a_view_that_fails_is_one_line_and_its_traceback_is_kept(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "no-such-scheme://me:secret@host/1")
    done = vbench("run", spec, "--out", tmp_path / "out")
    assert done.code == 0
    assert f"WARNING: {LINE}\n" in done.err
    # The other plugin's failure does not keep MLflow from being told.
    assert "vbench_run_finished failed: MLflow did not take the results" in done.err
    assert "`vbench ui --sync` tries again" in done.err
    assert "Traceback" not in done.err
    log = (tmp_path / "out/toys/vbench.log").read_text()
    assert f"WARNING vbench.engine.teller: {LINE}" in log
    assert log.count("Traceback") >= 2
    assert "angry.py" in log
    assert "secret" not in log + done.err
    assert not logging.getLogger("vbench").handlers


def test_a_report_that_fails_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: object) -> None:
        raise KeyError("rows")

    monkeypatch.setattr("vbench.report.write_report", broken, raising=False)
    result = api.run(toy_spec(regimes={"real": True}), tmp_path, tracking=False)
    assert result.ok
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING] == [
        "the report was not written: KeyError: 'rows'"
    ]
    assert "in broken" in (result.folder / "vbench.log").read_text()


def test_verbose_shows_the_traceback_and_what_is_done(spec: Path, tmp_path: Path) -> None:
    done = vbench("run", spec, "--out", tmp_path / "out", "--verbose")
    assert f"WARNING: {LINE}\nTraceback" in done.err
    assert "INFO: " in done.err
    assert "secret" not in done.err
    assert not logging.getLogger("vbench").isEnabledFor(logging.INFO)


def test_a_run_without_trouble_leaves_no_log(tmp_path: Path) -> None:
    result = api.run(toy_spec(regimes={"real": True}), tmp_path, tracking=False)
    assert not (result.folder / "vbench.log").exists()


def test_a_script_that_set_no_logging_up_sees_the_line_on_stderr(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; from vbench.log import gently, kept\n"
        "with kept(pathlib.Path(sys.argv[1])): gently(lambda: 1 / 0, 'the view failed')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stderr == "WARNING: the view failed: ZeroDivisionError: division by zero\n"
    assert "Traceback" in (tmp_path / "vbench.log").read_text()


def test_what_was_attached_is_removed_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), kept(tmp_path), shown(print, verbose=True):
        raise KeyboardInterrupt
    assert not logging.getLogger("vbench").handlers
    assert logging.getLogger("vbench").level == logging.NOTSET


def test_gently_lets_an_interruption_through() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gently(stop, "never said")


def test_the_log_does_not_grow_without_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.log.LONGEST", 1000)
    with kept(tmp_path):
        for number in range(200):
            logging.getLogger("vbench.test").warning("the storage did not answer, time %d", number)
    logs = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(logs) == {"vbench.log", "vbench.log.1"}
    assert max(logs.values()) < 1200
    assert "time 199" in (tmp_path / "vbench.log").read_text()


def test_a_week_of_warnings_stays_below_4_mb(tmp_path: Path) -> None:
    def unreachable() -> None:
        raise ConnectionError("the storage did not answer")

    longest = 0
    with kept(tmp_path):
        for moment in range(0, 7 * 24 * 3600, 60):
            gently(unreachable, f"the Optuna storage did not take a trial at {moment} s")
            sizes = [path.stat().st_size for path in tmp_path.iterdir()]
            longest = max(longest, sum(sizes))
    lines = sum(path.read_text().count("WARNING") for path in tmp_path.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"vbench.log", "vbench.log.1"}
    assert longest < 4.01e6
    assert 1_000 < lines < 7 * 24 * 240  # the week did not fit
    assert f"at {moment} s" in (tmp_path / "vbench.log").read_text()
