"""What is printed cannot steer the terminal: names and messages come from files of others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from vbench.usertext import harmless


class Harmless:
    """A text stream that shows control characters as escapes.

    Attributes:
        rich_proxied_file: The stream itself, under the name by which rich finds it: tables and bars
            have control characters of their own, and :class:`vbench.cli.terminal.Console` escapes
            those of others.
    """

    def __init__(self, stream: TextIO) -> None:
        """Wrap a stream."""
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write text; return its length."""
        self.rich_proxied_file.write(harmless(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several pieces of text."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        """Be the stream in all else."""
        return getattr(self.rich_proxied_file, name)


@contextmanager
def harmless_output() -> Iterator[None]:
    """Let nothing that is printed steer the terminal."""
    out, err = Harmless(sys.stdout), Harmless(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        yield
