"""A forked program looks like one that was started: output, exit, signals, and what is left."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

TINY = str(Path(__file__).with_name("tiny_vbench.py"))


def begin(python: str, folder: Path, code: str) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(code)
    return subprocess.Popen(
        [python, TINY, str(script)],
        cwd=folder,
        env={"WORD": "here"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_reads_prints_and_exits(warm_python: str, tmp_path: Path) -> None:
    code = "import os, sys\nprint(input(), os.environ, os.getcwd())\nsys.exit(3)\n"
    program = begin(warm_python, tmp_path, code)
    said, _ = program.communicate("word\n", timeout=60)
    assert program.returncode == 3
    assert said.startswith("word environ({'WORD': 'here'")
    assert str(tmp_path) in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_dies_of_its_signals(warm_python: str, tmp_path: Path, number: int) -> None:
    program = begin(warm_python, tmp_path, f"import os\nos.kill(os.getpid(), {int(number)})\n")
    program.communicate(timeout=60)
    assert program.returncode == -number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_not_left_when_its_caller_dies(warm_python: str, tmp_path: Path, number: int) -> None:
    code = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    program = begin(warm_python, tmp_path, code)
    assert program.stdout is not None
    forked = psutil.Process(int(program.stdout.readline()))
    program.send_signal(number)
    program.communicate(timeout=60)
    forked.wait(timeout=60)
    assert program.returncode == -number


def test_it_is_not_left_when_its_caller_is_gone_at_once() -> None:
    code = (
        "import socket, subprocess, sys, warm_python\n"
        "ours, theirs = socket.socketpair()\n"
        "ours.close()\n"
        "program = subprocess.Popen(['sleep', '60'])\n"
        "print(program.pid, flush=True)\n"
        "warm_python.watch(theirs, program.pid)\n"
    )
    folder = Path(__file__).parent
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, stdout=subprocess.PIPE, text=True, timeout=30
    )
    assert told.returncode == 0
    assert not psutil.pid_exists(int(told.stdout))


def test_anything_else_is_run_by_python(warm_python: str) -> None:
    told = subprocess.run([warm_python, "-c", "print(6 * 7)"], capture_output=True, text=True)
    assert told.stdout == "42\n"
