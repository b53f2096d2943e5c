"""mitre/mcp issue 7: the MLflow server goes on after its parent is gone, and keeps the port.

A guard between ``vbench ui`` and the server ends the server and its workers when the pipe closes.
"""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
time.sleep(60)
"""


def test_a_worker_with_a_session_of_its_own_ends_too():
    call = [sys.executable, "-m", "vbench_plugins.tracking.guard", sys.executable, "-c", PARENT]
    guard = subprocess.Popen(call, stdin=subprocess.PIPE)
    me, deadline = psutil.Process(guard.pid), time.monotonic() + 20
    while len(me.children(recursive=True)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    started = me.children(recursive=True)
    assert len(started) == 2
    guard.stdin.close()
    assert guard.wait(timeout=20) == 0
    assert not psutil.wait_procs(started, timeout=5)[1]
