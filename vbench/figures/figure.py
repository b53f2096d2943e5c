"""A chart or picture with its title and caption; a chart as a file of its own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        return f"Figure({self.title!r})"

    def _repr_html_(self) -> str:
        """Show it in a notebook: a chart as an image, so that its style stays its own."""
        file, kind = (self.png, "png") if self.png else (standalone(self.body).encode(), "svg+xml")
        source = f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
        return str(
            Markup(
                '<figure><figcaption><b>{title}</b> {caption}</figcaption><img src="{source}" '
                'alt="{title}" style="max-width: 34rem; width: 100%"></figure>'
            ).format(title=self.title, caption=self.caption, source=source)
        )


def style() -> str:
    """Return the style sheet of charts."""
    return resources.files("vbench.figures").joinpath("chart.css").read_text("utf-8")


def standalone(body: Markup) -> str:
    """Return a chart as an SVG file: with its own style sheet."""
    head, _, rest = str(body).partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{style()}</style>{rest}\n'
