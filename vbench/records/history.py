"""What a benchmark keeps of a board whose plan changed."""

from __future__ import annotations

from datetime import datetime

from vbench.records.model import Record


class KeptAbout(Record):
    """``history/<number>/about.json``; beside it lie the board, its cases and its plan.

    Attributes:
        written: When the board was written.
        kept: When a run with another plan put it aside.
    """

    written: datetime
    kept: datetime
