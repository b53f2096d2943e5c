"""Runs the checks of plugins in processes of their own, one for each plugin.

There a plugin may print, leave threads, call ``sys.exit`` or ``os._exit``, crash, or hang for ever:
the rest goes on, and what it did is an outcome like any other. This process imports no plugin.

This module is both sides: :func:`check` is the parent's, and ``python -m vbench.testing.apart`` the
child, which talks JSON lines through a socket of its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, field
from typing import IO, Any

from vbench.errors import PluginError, VbenchError
from vbench.importing import python_path
from vbench.registry.loading import try_out
from vbench.registry.trial import told
from vbench.testing.run import Case, Outcome, cases_of, run, suite_for, warm_up

#: Seconds that a check may take longer than its limit before its process is killed: its own clock
#: says more, where it is heard.
GRACE = 5.0
#: Seconds until a process must have loaded the plugins.
LOADING = 120.0
#: Seconds that threads get to end by themselves.
PATIENCE = 0.5
#: Last lines of what a plugin printed that are kept.
PRINTED = 40


@dataclass(frozen=True)
class Wanted:
    """What is to be checked.

    Attributes:
        names: Plugins or Python files; empty: every plugin that is installed.
        kind: Only this kind; None: any.
        params: Parameters on top of the plugins' tiny ones.
        only: Names of checks; empty: all.
        seconds: The limit of one check.
    """

    names: tuple[str, ...]
    kind: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    seconds: float = 120.0


class Checked:
    """One plugin, and its outcomes as they come.

    Attributes:
        about: ``kind``, ``name``, ``distribution`` and ``version``.
        printed: The last lines that it printed, once its outcomes are through.
    """

    def __init__(self, said: Mapping[str, Any], child: _Child, seconds: float) -> None:
        """Take over a process that has said which plugin it checks, and how."""
        self.about: Mapping[str, Any] = said["about"]
        self.printed = ""
        self._cases = [Case(*each) for each in said["cases"]]
        self._child, self._seconds = child, seconds

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcome of each check; the process is gone afterwards."""
        running, told = Case("loads", "", "Can be loaded."), set[Case]()
        began = time.monotonic()
        try:
            for message in self._child.messages(self._seconds + GRACE):
                if message["event"] == "begun":
                    running = Case(message["check"], message["case"], message["about"])
                    told.add(running)
                    began = time.monotonic()
                elif message["event"] == "outcome":
                    outcome = Outcome(**message["outcome"])
                    told.add(Case(outcome.check, outcome.case, outcome.about))
                    yield outcome
                elif message["event"] == "error":
                    raise PluginError(message["message"])
                else:
                    return
            spent = time.monotonic() - began
            how = self._child.end()
            self.printed = self._child.printed()
            yield running.ended("failed", how, spent, self.printed)
            word = "did not finish" if self._child.late else "ended its process"
            yield from (c.not_tried(running, word) for c in self._cases if c not in told)
        finally:
            self.printed = self.printed or self._child.printed()
            self._child.kill()


def check(wanted: Wanted) -> Iterator[Checked]:
    """Yield each plugin; its outcomes are to be taken before the next.

    Raises:
        PluginError: When there is no such plugin, or it cannot be loaded.
        ValueError: When there is no such check.
    """
    try_out([name for name in wanted.names if name.endswith(".py")], wanted.seconds)
    number, count = 0, 1
    while number < count:
        child = _Child(wanted, number)
        try:
            first = next(child.messages(LOADING), None)
            if first is None:
                named = ", ".join(wanted.names) or "the installed plugins"
                raise PluginError(f"{named}: while it was loaded, {child.end(LOADING)}")
            if first["event"] == "error":
                raise PluginError(first["message"])
            if first["event"] == "no-check":
                raise ValueError(first["message"])
            count = first["count"]
            yield Checked(first, child, wanted.seconds)
        finally:
            child.kill()
        number += 1


class _Child:
    """A process that checks one plugin."""

    def __init__(self, wanted: Wanted, number: int) -> None:
        """Start it."""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as we do
        self._channel, theirs = socket.socketpair()
        self.late = False
        self._waiting: list[bytes] = []  # whole messages that nobody has taken yet
        self._begun = b""  # the beginning of the next one
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "vbench.testing.apart", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                # It imports what we import, and finds files where we do.
                env={**os.environ, "PYTHONPATH": python_path(), **told()},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        task = {**asdict(wanted), "number": number}
        with suppress(OSError):
            self._channel.sendall(json.dumps(task).encode() + b"\n")

    def messages(self, patience: float) -> Iterator[dict[str, Any]]:
        """Yield what it says; end when it is gone, or silent for longer than this, in s."""
        while True:
            while self._waiting:
                yield json.loads(self._waiting.pop(0))
            self._channel.settimeout(patience)
            try:
                data = self._channel.recv(1 << 16)
            except TimeoutError:
                self.late = True
                return
            except OSError:
                return
            if not data:
                return
            *lines, self._begun = (self._begun + data).split(b"\n")
            self._waiting += lines

    def end(self, limit: float | None = None) -> str:
        """Say how it ended, or that it did not."""
        if self.late:
            return "its process neither ended nor answered, and was killed" + (
                "" if limit is None else f" after {limit:g} s"
            )
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=GRACE)
        code = self._process.returncode
        if code is None:
            return "its process closed the way to talk to it"
        if code < 0:
            return f"its process was killed by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}; does the plugin call os._exit?"

    def printed(self) -> str:
        """Return the last lines that it printed."""
        if self._log.closed:
            return ""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - 20_000))
        lines = self._log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-PRINTED:])

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        if self._log.closed:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._channel.close()
        self._log.close()


def _serve(channel: socket.socket) -> None:
    """Check one plugin, as the parent asks; the child's side."""
    with channel.makefile("rb") as file:
        task = json.loads(file.readline())

    def say(event: str, **content: Any) -> None:
        channel.sendall(json.dumps({"event": event, **content}, default=str).encode() + b"\n")

    from vbench.registry.catalogue import describe
    from vbench.registry.named import entries_called, installed

    names, kind = task["names"], task["kind"]
    try:
        entries = [e for name in names for e in entries_called(name, kind)]
        entry = (entries if names else installed(kind))[task["number"]]
        suite = suite_for(entry.cls, task["params"])
        cases = [astuple(case) for case in cases_of(suite, task["only"])]
        warm_up(suite)
    except VbenchError as error:
        say("error", message=str(error))
        return
    except ValueError as error:
        say("no-check", message=str(error))
        return
    about = describe(entry)
    kept = {key: about[key] for key in ("kind", "name", "distribution", "version")}
    count = len(entries) if names else len(installed(kind))
    say("plugin", about=kept, count=count, cases=cases)
    for outcome in run(
        suite,
        only=task["only"],
        seconds=task["seconds"],
        begun=lambda check, case, about: say("begun", check=check, case=case, about=about),
    ):
        say("outcome", outcome=asdict(outcome))
    until = time.monotonic() + PATIENCE
    while (left := _threads()) and time.monotonic() < until:
        time.sleep(0.05)
    if left:
        shown = ", ".join(thread.name for thread in left[:3])
        message = f"{len(left)} still running at the end ({shown}): a program with it never ends"
        rule = "Leaves no thread running that is not a daemon."
        say("outcome", outcome=asdict(Outcome("leaves-no-thread", "", rule, "failed", message)))
    say("end")


def _threads() -> list[threading.Thread]:
    """Return threads, beside this one, that would keep Python from ending."""
    here = threading.current_thread()
    return [t for t in threading.enumerate() if t is not here and not t.daemon]


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _channel:
        _serve(_channel)
    sys.stdout.flush()
    os._exit(0)  # whatever threads are left
