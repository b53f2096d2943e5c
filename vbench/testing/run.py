"""Runs a suite of checks without pytest: here, or for ``vbench check`` in a process of its own.

A check that does not end costs its limit once: what is left is skipped then, since most of it would
wait for the same thing.
"""

from __future__ import annotations

import inspect
import signal
import threading
import time
import traceback
import unittest
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from vbench.errors import did_you_mean
from vbench.interfaces import (
    DataSource,
    FidelityMetric,
    Generator,
    Plugin,
    PrivacyMetric,
    SegmentationMetric,
    Segmenter,
)
from vbench.testing.fitting import Fitting
from vbench.testing.generators import GeneratorSuite
from vbench.testing.metrics import (
    FidelityMetricSuite,
    PrivacyMetricSuite,
    SegmentationMetricSuite,
)
from vbench.testing.segmenters import SegmenterSuite
from vbench.testing.sources import SourceSuite
from vbench.testing.suite import Conformance, described

Status: TypeAlias = Literal["passed", "failed", "skipped"]
SUITES: tuple[tuple[type[Plugin], type[Conformance]], ...] = (
    (DataSource, SourceSuite),
    (Generator, GeneratorSuite),
    (Segmenter, SegmenterSuite),
    (SegmentationMetric, SegmentationMetricSuite),
    (FidelityMetric, FidelityMetricSuite),
    (PrivacyMetric, PrivacyMetricSuite),
)


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Attributes:
        check: Its name, such as ``samples-follow-the-seed``.
        case: ``2D``, ``3D``, or empty when the check has no dimension.
        about: What it checks, a sentence.
        status: ``passed``, ``failed`` or ``skipped``.
        message: Why it failed or was skipped.
        seconds: How long it took.
        traceback: Of a failure that is an error, not a finding.
    """

    check: str
    case: str
    about: str
    status: Status
    message: str = ""
    seconds: float = 0.0
    traceback: str = ""


@dataclass(frozen=True)
class Case:
    """What is to be run once: a check, or a check in one dimension.

    Attributes:
        check: Its name.
        case: ``2D``, ``3D``, or empty.
        about: What it checks, a sentence.
    """

    check: str
    case: str
    about: str

    def ended(
        self, status: Status, message: str, seconds: float = 0.0, traceback: str = ""
    ) -> Outcome:
        """Return its outcome."""
        return Outcome(self.check, self.case, self.about, status, message, seconds, traceback)

    def not_tried(self, other: Case, how: str) -> Outcome:
        """Return the outcome of this one where another before it was the last."""
        message = f"not tried: {f'{other.check} {other.case}'.strip()} {how}"
        return self.ended("skipped", message)


def suite_for(cls: type[Plugin], params: Mapping[str, Any] | None = None) -> type[Conformance]:
    """Return the suite of checks for a plugin.

    Args:
        cls: The plugin.
        params: Parameters on top of its tiny ones.
    """
    for base, suite in SUITES:
        if issubclass(cls, base):
            return type(f"Test{cls.__name__}", (suite,), {"plugin": cls, "params": params or {}})
    raise TypeError(f"{cls.__name__} is none of {', '.join(b.__name__ for b, _ in SUITES)}")


def run(
    suite: type[Conformance],
    *,
    only: Collection[str] = (),
    seconds: float = 120.0,
    begun: Callable[[str, str, str], None] | None = None,
) -> Iterator[Outcome]:
    """Run the checks of a suite one after the other, and give each outcome as it comes.

    Args:
        suite: The suite, with its plugin.
        only: Names of checks; empty: all.
        seconds: A check that takes longer has failed, and the rest is skipped.
        begun: Told the name and case of each check before it runs, and what it checks.

    Raises:
        ValueError: When the suite has no check of a name.
    """
    cases = cases_of(suite, only)
    warm_up(suite)
    late: Case | None = None
    for case, method in cases.items():
        if late is not None:
            yield case.not_tried(late, "did not finish")
            continue
        if begun is not None:
            begun(case.check, case.case, case.about)
        status, message, spent, trace = _attempt(method, seconds)
        yield case.ended(status, message, spent, trace)
        if message == _late(seconds):
            late = case


def warm_up(suite: type[Conformance]) -> None:
    """Import what takes seconds the first time, so that no check's time limit hits it."""
    if issubclass(suite, Fitting):
        import torch  # noqa: F401


def chosen(suite: type[Conformance], only: Collection[str] = ()) -> dict[str, str]:
    """Return the checks that are to be run: the name of each, and of its method.

    Raises:
        ValueError: When the suite has no check of a name.
    """
    names = {name.removeprefix("test_").replace("_", "-"): name for name in _checks(suite)}
    for wanted in only:
        if wanted not in names:
            raise ValueError(f"no check is called '{wanted}'{did_you_mean(wanted, names)}")
    return {check: name for check, name in names.items() if not only or check in only}


def cases_of(
    suite: type[Conformance], only: Collection[str] = ()
) -> dict[Case, Callable[[], object]]:
    """Return what :func:`run` runs, in its order, and how.

    Raises:
        ValueError: When the suite has no check of a name.
    """
    found: dict[Case, Callable[[], object]] = {}
    for check, name in chosen(suite, only).items():
        method = getattr(suite(), name)
        about = inspect.cleandoc(method.__doc__ or "").partition("\n")[0]
        if "ndim" in inspect.signature(method).parameters:
            for ndim in suite.dims():
                found[Case(check, f"{ndim}D", about)] = partial(method, ndim)
        else:
            found[Case(check, "", about)] = method
    return found


def _checks(suite: type[Conformance]) -> list[str]:
    """Return the names of the checks, those of the base classes first, in their order there."""
    names = [name for base in reversed(suite.__mro__) for name in vars(base)]
    return [name for name in dict.fromkeys(names) if name.startswith("test_")]


def _attempt(check: Callable[[], object], seconds: float) -> tuple[Status, str, float, str]:
    started = time.perf_counter()
    try:
        with _limit(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check()
    except unittest.SkipTest as skip:
        return "skipped", str(skip), time.perf_counter() - started, ""
    except AssertionError as finding:
        plain = str(finding) and not finding.__cause__
        trace = "" if plain else traceback.format_exc()
        return "failed", described(finding), time.perf_counter() - started, trace
    except (Exception, SystemExit) as error:
        return "failed", described(error), time.perf_counter() - started, traceback.format_exc()
    return "passed", "", time.perf_counter() - started, ""


def _late(seconds: float) -> str:
    return f"still not finished after {seconds:g} s"


@contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Interrupt what hangs, where the platform can: in the main thread of a POSIX system."""
    if (
        not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise AssertionError(_late(seconds))

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
