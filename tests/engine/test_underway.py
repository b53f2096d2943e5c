"""A run that is under way keeps what it reads, and one that cannot start workers leaks nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import toy_spec, toy_table

from vbench import api, read_result

pytestmark = pytest.mark.usefixtures("warm_workers")

RUN = "import sys; from vbench import api; api.run(*sys.argv[1:], workers=2, tracking=False)"


def start(spec: Path, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RUN, str(spec), str(out)])


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def slow(folder: Path, steps: int) -> Path:
    """A benchmark whose training says in ``log`` that it has begun, and takes 0.1 s a step."""
    params = {"steps": steps, "step_seconds": 0.1, "log": str(folder / "log")}
    table = toy_table(
        segmenter={"plugin": "toy-segmenter", "params": params}, regimes={"real": True}
    )
    return write_toml(folder / "toys.toml", table)


def test_force_is_refused_while_another_run_reads_the_results(tmp_path: Path) -> None:
    spec, out = slow(tmp_path, steps=100), tmp_path / "out"
    first = start(spec, out)
    wait_for(tmp_path / "log")
    refused = vbench("run", spec, "--out", out, "--force", "prepare")
    assert refused.code == 2
    (line,) = [line for line in refused.err.splitlines() if line.startswith("vbench:")]
    assert f"the run of 'toys' (process {first.pid} on" in line
    assert "is under way" in line
    assert first.wait(timeout=120) == 0
    assert read_result(out / "toys").board["rows"][0]["status"] == "ok"
    assert [path.name for path in (out / "store/claims").iterdir()] == [".lock"]
    assert api.run(spec, out, force=["evaluate"], tracking=False).ran == 1


def test_force_removes_what_no_run_reads_and_a_killed_run_reads_nothing(tmp_path: Path) -> None:
    spec, out = slow(tmp_path, steps=6000), tmp_path / "out"
    other = toy_spec(benchmark__name="other", data__source__seed=7, regimes={"real": True})
    done = api.run(other, out, tracking=False)
    first = start(spec, out)
    try:
        wait_for(tmp_path / "log")
        forced = api.run(other, out, force=["real"], tracking=False)
    finally:
        first.kill()
        first.wait()
    assert forced.ran == 2
    assert forced.board["rows"][0]["metrics"] == done.board["rows"][0]["metrics"]
    assert len(list((out / "store/claims").glob("run-*"))) == 1  # of the killed run
    assert api.run(other, out, force=["evaluate"], tracking=False).ran == 1
    assert not list((out / "store/claims").glob("run-*"))


def test_workers_that_cannot_start_leave_no_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        result = api.run(toy_spec(regimes={"real": True}), tmp_path / "out", tracking=False)
        gc.collect()
    assert "no-python" in next(iter(result.failures.values())).message
    assert not [str(each.message) for each in told if "unclosed" in str(each.message)]
