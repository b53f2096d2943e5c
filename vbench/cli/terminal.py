"""The console of tables and bars: what they show cannot steer the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment

from vbench.usertext import harmless

#: In fewer characters a name and an interval would be cut; the terminal may break the line.
NARROWEST = 60


class Console(rich.console.Console):
    """Rich's console, with control characters of texts shown as escapes, and never narrow."""

    def __init__(self, **options: Any) -> None:
        """Take rich's options."""
        super().__init__(**options)
        if self.width < NARROWEST:  # some say 0, and nothing at all would be shown
            self.width = NARROWEST

    def render(self, *args: Any, **options: Any) -> Iterable[Segment]:
        """Render to segments; those that steer are rich's own."""
        for segment in super().render(*args, **options):
            text = segment.text if segment.control else harmless(segment.text)
            yield segment if text == segment.text else Segment(text, segment.style)
