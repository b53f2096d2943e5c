"""Puts right what a command may be started without: its three streams, a home, a user's name."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def put_right() -> None:
    """Open closed streams, and make a home for a user whom the machine does not know."""
    _open_streams()
    _make_home()


def _open_streams() -> None:
    """Let streams that were closed when the process was started (``>&-``) lead nowhere.

    Their numbers are taken, too: else the next file that is opened, or the socket to a worker, gets
    one of them, and is what a process that is started finds as its input or output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123


def _make_home() -> None:
    """Give a user without a home, as a container's may be, one for as long as the command lasts.

    Libraries keep caches there, and ask for it without need; some ask for the user's name.
    """
    try:
        Path.home()
    except RuntimeError:
        import atexit
        import shutil
        import tempfile

        home = tempfile.mkdtemp(prefix="vbench-home-")
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        os.environ["HOME"] = home
        os.environ.setdefault("USER", "vbench")
