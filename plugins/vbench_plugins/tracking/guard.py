"""Runs a command as long as its standard input is open, then ends it and all that it started.

``vbench ui`` starts MLflow's server through this: whichever way ``vbench ui`` dies, SIGKILL
included, the system closes the pipe, and the server ends with it. Run as a file, it needs only
the standard library and psutil, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import psutil

#: Seconds that the command has to end by itself.
PATIENCE = 5.0
#: Seconds between two checks whether it has ended by itself.
LOOK_EVERY = 0.2


def main(call: list[str]) -> int:
    """Run the command; return its exit code, or 0 when it was ended."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent hears them, and closes the pipe
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ended = threading.Event()

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 1024):
                pass
        ended.set()

    process = subprocess.Popen(call, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        threading.Thread(target=watch, daemon=True).start()
        while process.poll() is None and not ended.wait(LOOK_EVERY):
            pass
        return 0 if ended.is_set() else int(process.returncode)
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process, its group and all descendants: asked first, then killed."""
    family = []
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(number)
        if number == signal.SIGTERM:
            psutil.wait_procs(family, timeout=PATIENCE)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=PATIENCE)
    process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
