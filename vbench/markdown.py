"""Writes Markdown: text that stays text, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    for sign in ("\\", "|", "*", "_", "`", "<", "#"):
        text = text.replace(sign, "\\" + sign)
    text = text.replace("](", "]\\(")  # no link; intervals keep their plain brackets
    return text.replace("\n", " ")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, a line per row; cells are Markdown, so plain text must be escaped first."""
    return [_line(cells) for cells in (header, ["---"] * len(header), *rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
