"""A chart or picture with its title and caption; a chart as a file of its own."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """A chart or picture with what is said of it.

    Attributes:
        title: Above it.
        body: The SVG, or an image.
        caption: Below it; may be empty.
        png: The picture as a file; empty for a chart.
    """

    title: str
    body: Markup
    caption: str = ""
    png: bytes = b""


def style() -> str:
    """Return the style sheet of charts."""
    return resources.files("vbench.figures").joinpath("chart.css").read_text("utf-8")


def standalone(body: Markup) -> str:
    """Return a chart as an SVG file: with its own style sheet."""
    head, _, rest = str(body).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style()}</style>{rest}\n'
