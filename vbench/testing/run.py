"""Runs a suite of checks without pytest, for ``vbench check``."""

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
from typing import Any, Literal

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
from vbench.testing.suite import Conformance

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
    status: Literal["passed", "failed", "skipped"]
    message: str = ""
    seconds: float = 0.0
    traceback: str = ""


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
    suite: type[Conformance], *, only: Collection[str] = (), seconds: float = 120.0
) -> Iterator[Outcome]:
    """Run the checks of a suite one after the other, and give each outcome as it comes.

    Args:
        suite: The suite, with its plugin.
        only: Names of checks; empty: all.
        seconds: A check that takes longer has failed.

    Raises:
        ValueError: When the suite has no check of a name.
    """
    names = {name.removeprefix("test_").replace("_", "-"): name for name in _checks(suite)}
    for wanted in only:
        if wanted not in names:
            raise ValueError(f"no check is called '{wanted}'{did_you_mean(wanted, names)}")
    if issubclass(suite, Fitting):
        import torch  # noqa: F401 (its first import takes seconds; no check's time limit is to hit it)
    for check, name in names.items():
        if only and check not in only:
            continue
        method = getattr(suite(), name)
        about = inspect.cleandoc(method.__doc__ or "").partition("\n")[0]
        cases = suite.dims() if "ndim" in inspect.signature(method).parameters else (None,)
        for ndim in cases:
            arguments = () if ndim is None else (ndim,)
            case = "" if ndim is None else f"{ndim}D"
            status, message, spent, trace = _attempt(partial(method, *arguments), seconds)
            yield Outcome(check, case, about, status, message, spent, trace)


def _checks(suite: type[Conformance]) -> list[str]:
    """Return the names of the checks, those of the base classes first, in their order there."""
    names = [name for base in reversed(suite.__mro__) for name in vars(base)]
    return [name for name in dict.fromkeys(names) if name.startswith("test_")]


def _attempt(
    check: Callable[[], object], seconds: float
) -> tuple[Literal["passed", "failed", "skipped"], str, float, str]:
    started = time.perf_counter()
    try:
        with _limit(seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check()
    except unittest.SkipTest as skip:
        return "skipped", str(skip), time.perf_counter() - started, ""
    except AssertionError as finding:
        trace = traceback.format_exc() if finding.__cause__ else ""
        return "failed", str(finding), time.perf_counter() - started, trace
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        return "failed", message, time.perf_counter() - started, traceback.format_exc()
    return "passed", "", time.perf_counter() - started, ""


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
        raise AssertionError(f"still not finished after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
