"""Runs ``vbench`` in this process, as the shell would: arguments in, exit code and text out."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest.mock import patch

from vbench.cli import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str


def vbench(*arguments: object) -> Answer:
    """Run a command; columns are wide, so that no line is broken."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["vbench", *map(str, arguments)]
    with (
        patch.object(sys, "argv", argv),
        patch.dict("os.environ", COLUMNS="200"),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())
