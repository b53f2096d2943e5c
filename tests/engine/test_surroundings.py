"""What a plugin does to its process harms itself only: not the next job, not the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from toml_text import write_toml
from toy_benchmark import FAULTY, TOYS, toy_spec, toy_table

from vbench import api
from vbench.engine import process
from vbench.importing import python_path


def spec_of(fault: str, place: Path, **changes: object) -> object:
    segmenter = {"plugin": "faulty-segmenter", "params": {"fault": fault, "place": str(place)}}
    return toy_spec(segmenter=segmenter, plugins__paths=[TOYS, FAULTY], **changes)


def ends(pid: int) -> bool:
    """Whether a process ends soon; what nobody waits for stays in the list as a zombie."""
    for _ in range(100):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def test_a_job_finds_the_same_surroundings_whatever_ran_before(tmp_path: Path) -> None:
    def losses(workers: int) -> list[float]:
        spec = spec_of("surroundings", tmp_path, benchmark__seeds=[0, 1], regimes={"real": True})
        result = api.run(spec, tmp_path / str(workers), workers=workers, tracking=False)
        assert result.ok
        return [trial["loss"] for trial in curves(result)]

    def curves(result: api.RunResult) -> list[dict[str, float]]:
        text = (result.folder / "records.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in text]
        return [r["result"]["curve"][-1] for r in records if r["stage"] == "fit-segmenter"]

    alone = losses(workers=1)  # draws from the global state, seeds it, moves, sets variables
    assert len(alone) == 2
    assert alone == losses(workers=2)


def test_what_a_plugin_started_ends_with_its_job(tmp_path: Path) -> None:
    result = api.run(spec_of("daemon", tmp_path, regimes={"real": True}), tmp_path, tracking=False)
    assert result.ok
    assert ends(int((tmp_path / "child").read_text()))


def test_what_a_plugin_started_ends_when_the_run_is_killed(tmp_path: Path) -> None:
    params = {"fault": "daemon", "place": str(tmp_path)}
    table = toy_table(
        segmenter={"plugin": "faulty-segmenter", "params": {**params, "wait": 60.0}},
        plugins__paths=[TOYS, FAULTY],
        regimes={"real": True},
    )
    spec = write_toml(tmp_path / "toys.toml", table)
    command = [sys.executable, "-m", "vbench", "run", str(spec), "--out", str(tmp_path / "out")]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "child").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    child = int((tmp_path / "child").read_text())
    assert psutil.Process(child).status() != psutil.STATUS_ZOMBIE
    run.kill()
    run.wait()
    assert ends(child)


def test_garbage_on_standard_output_is_no_message(tmp_path: Path) -> None:
    assert api.run(
        spec_of("garbage", tmp_path, regimes={"real": True}), tmp_path / "out", tracking=False
    ).ok


@pytest.mark.parametrize("name", ["", ".", "./"])
def test_a_worker_does_not_import_what_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('the wrong random')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(name)  # as libraries do, such as those that export a model
    result = api.run(toy_spec(regimes={"real": True}), tmp_path / "out", tracking=False)
    assert not result.failures


def test_a_worker_looks_where_we_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    named = ["/usr/lib/python", "plugins", "", ".", "./more/.."]
    assert python_path(named).split(os.pathsep) == ["/usr/lib/python", str(tmp_path / "plugins")]
    assert "" not in python_path().split(os.pathsep)


def test_a_warm_worker_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    begin = process.WorkerProcess.__init__

    def counted(self: process.WorkerProcess, threads: int) -> None:
        started.append(threads)
        begin(self, threads)

    monkeypatch.setattr(process.WorkerProcess, "__init__", counted)
    result = api.run(toy_spec(), tmp_path, workers=1, tracking=False)
    assert result.ran > 5
    assert started == [1]


def test_workers_get_threads_for_the_cores_that_this_process_may_use(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from vbench.engine.executors.local import usable_cores; print(usable_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
