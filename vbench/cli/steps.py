"""How far a command is, with the time that is left: a line that replaces itself, or now and then.

On a terminal the line is written over; elsewhere there is a line every so often.
"""

from __future__ import annotations

import sys
import time

import click

from vbench.cli.common import duration
from vbench.engine.costs import Pace

#: Seconds between two lines where there is no terminal, and where there is one.
_EVERY, _REFRESH = 15.0, 0.2


class Steps:
    """Shows what is being done, the share that is done, and the time left, on standard error."""

    def __init__(self) -> None:
        """Start; nothing is shown yet."""
        self._live = sys.stderr.isatty()
        self._pace: Pace | None = None
        self._said = time.monotonic() if not self._live else 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show a step, in any unit of work."""
        now = time.monotonic()
        if self._pace is None:
            self._pace = Pace(done, total, now)
        self._pace.report(done, total, now)
        if self._live and done >= total:
            click.echo("\r\033[K", nl=False, err=True)
        elif now - self._said >= (_REFRESH if self._live else _EVERY):
            self._said = now
            left = self._pace.left(now)
            rest = "" if left is None else f" · {duration(left)} left"
            line = f"{100 * done // max(total, 1)} % · {what}{rest}"
            click.echo(f"\r\033[K{line}" if self._live else line, nl=not self._live, err=True)
