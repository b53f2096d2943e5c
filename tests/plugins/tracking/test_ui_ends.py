"""``vbench ui`` says what is wrong in one line, and leaves no server behind however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import psutil
import pytest
from command_line import vbench
from fabricate import fabricate
from vbench_plugins.tracking.mirror import sync

from vbench import read_result


@pytest.fixture(autouse=True)
def _own_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory, empty_store):
    folder = tmp_path_factory.mktemp("ui")
    made = fabricate(folder, truth={"real": 0.9}, failed=None, seeds=(0,))
    store = shutil.copyfile(empty_store, folder / "mlflow.db")
    sync(read_result(made.folder), f"sqlite:///{store}")
    return folder


def one_line(answer):
    assert answer.code == 2
    assert len(answer.err.strip().splitlines()) == 1, answer.err
    return answer.err


@pytest.mark.parametrize("port", [-1, 65536, 99999, 10**12])
def test_a_port_that_is_none_is_one_line(results, port):
    said = one_line(vbench("ui", "--out", results, "--port", port))
    assert "between 1 and 65535" in said


def test_a_port_in_use_is_one_line(results):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"--port {port}" in one_line(vbench("ui", "--out", results, "--port", port))


def test_a_port_that_is_not_for_this_user_is_one_line(results, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("vbench_plugins.tracking.ui.socket.socket.bind", refuse, raising=False)
    assert "Permission denied" in one_line(vbench("ui", "--out", results, "--port", 80))


def family(process):
    return [process, *process.children(recursive=True)]


def gone(processes, seconds=20.0):
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not [p for p in alive if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


# While it starts, and when it runs; SIGTERM then is below, and SIGHUP is handled as SIGTERM is.
@pytest.mark.parametrize(
    ("number", "wait"),
    [
        ("SIGTERM", 0.0),
        ("SIGINT", 0.0),
        ("SIGHUP", 0.0),
        ("SIGKILL", 0.0),
        ("SIGINT", 3.0),
        ("SIGKILL", 3.0),
    ],
)
def test_no_server_is_left(results, number, wait):
    call = [sys.executable, "-m", "vbench", "ui", "--out", str(results), "--port", "0"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=quiet, text=True) as started:
        check_its_end(started, number, wait)


def test_a_file_of_the_folder_stands_for_no_library(results, tmp_path):
    ran = tmp_path / "ran"
    for name in ("mlflow", "psutil"):
        (tmp_path / f"{name}.py").write_text(f"open({str(ran)!r}, 'a').write({name!r})")
    call = [sys.executable, "-P", "-m", "vbench", "ui", "--out", str(results), "--port", "0"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=quiet, text=True, cwd=tmp_path
    ) as started:
        check_its_end(started, "SIGTERM", 3.0)
    assert not ran.exists()


@pytest.mark.parametrize("sign", ["?", "%20"])
def test_a_folder_that_no_address_can_name_is_one_line(tmp_path, sign):
    folder = tmp_path / f"a{sign}b"
    fabricate(folder)
    assert "? or %" in one_line(vbench("ui", "--out", folder, "--port", 0))


def check_its_end(started, number, wait):
    """Stop ``vbench ui`` some seconds after it has said that it runs, and look for leftovers."""
    said = ""
    while "Ctrl-C" not in said:
        line = started.stdout.readline()
        assert line, said
        said += line
    me = psutil.Process(started.pid)
    deadline = time.monotonic() + 20
    while not me.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(wait)
    processes = family(me)
    assert len(processes) > 1
    os.kill(started.pid, getattr(signal, number))
    code = started.wait(timeout=30)
    assert gone(processes[1:])
    assert code in ([-signal.SIGKILL] if number == "SIGKILL" else [0, 130])  # 130: while it starts
