"""Errors that a user can fix; the command line prints them as one line and exits with code 2."""

from __future__ import annotations

from collections.abc import Iterable


class VbenchError(Exception):
    """Base: a message in one line that names the file or key, what was expected, and the fix."""


class SpecError(VbenchError):
    """The spec, or a ``--set``, is wrong."""


class DataError(VbenchError):
    """A data file or folder is wrong."""


class PluginError(VbenchError):
    """A plugin is missing, clashes with another, or cannot be loaded."""


class MissingExtraError(PluginError, ValueError):
    """A plugin needs a library that is not installed; names the command that installs it.

    A ``ValueError``, too, so that :meth:`~vbench.interfaces.Fitted.check` may raise it.
    """


class StoreError(VbenchError):
    """The results folder cannot be read or written as it is."""


class AlarmError(VbenchError):
    """A privacy audit raised an alarm, and nobody answered for it; exit code 1."""


class ContractError(Exception):
    """A plugin broke its interface: a wrong shape, type or range. Fails its own arm only."""


class DivergedError(Exception):
    """A method's training diverged: NaN, or constant output. Fails its own arm."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or what is known when nothing is near; for messages."""
    import difflib

    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    if not names:
        return ""
    return f"; known: {', '.join(names)}"
