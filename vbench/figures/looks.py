"""Colour class and mark of each regime and series; the style sheet holds the colours.

The colours are Okabe and Ito's, told apart with any colour vision; marks differ too.
"""

from __future__ import annotations

from vbench.regimes import REGIMES, named

MARKS = {regime.name: regime.mark for regime in REGIMES.values()}
#: Series that are not regimes, in order.
SERIES = ("s1", "s2", "s3", "s4", "s5", "s6")


def regime_class(regime: str) -> str:
    """Return the style class of a regime."""
    return f"c-{named(regime).colour}"


def regime_mark(regime: str) -> str:
    """Return the mark of a regime."""
    return named(regime).mark


def series_class(index: int) -> str:
    """Return the style class of the n-th series."""
    return f"c-{SERIES[index % len(SERIES)]}"


def series_mark(index: int) -> str:
    """Return the mark of the n-th series."""
    return ("circle", "square", "up", "diamond", "down", "cross")[index % 6]
