"""A chart or picture with its title and caption, and as a file."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup, escape

from vbench.colours import themed
from vbench.figures.pixels import smaller

if TYPE_CHECKING:
    import altair as alt

Kind = Literal["svg", "png", "pdf"]
#: Pixels of a PNG file for each unit of a chart, which is 420 wide.
SCALE = 3


@dataclass(frozen=True, repr=False)
class Figure:
    """A chart or picture with its title and caption.

    Attributes:
        title: Above it.
        chart: The chart, as Vega-Lite with its data; None for a picture.
        caption: Below it; may be empty.
        picture: The picture as a PNG file; empty for a chart.
        words: What the picture shows, for those who cannot see it; a chart has its description.
    """

    title: str
    chart: Mapping[str, Any] | None = None
    caption: str = ""
    picture: bytes = b""
    words: str = ""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What it can be written as; the first is what a page or a README shows."""
        return ("png",) if self.chart is None else ("svg", "png", "pdf")

    def altair(self) -> alt.Chart | alt.LayerChart:
        """Return the chart for Altair, to change it or to put it together with others."""
        import altair as alt

        if self.chart is None:
            raise ValueError(f"{self.title}: a picture, not a chart; see its attribute 'picture'")
        return alt.Chart.from_dict(dict(self.chart))

    def file(self, kind: Kind) -> bytes:
        """Return it as the content of a file, of one of its :attr:`kinds`."""
        if kind not in self.kinds:
            raise ValueError(f"{self.title}: cannot be {kind}, only {', '.join(self.kinds)}")
        if self.chart is None:
            return self.picture
        import vl_convert

        chart = {**self.chart, "background": "white"}
        offline: dict[str, Any] = {"allowed_base_urls": []}
        if kind == "png":
            return smaller(vl_convert.vegalite_to_png(chart, scale=SCALE, **offline))
        if kind == "pdf":
            return bytes(vl_convert.vegalite_to_pdf(chart, **offline))
        head, end, rest = str(vl_convert.vegalite_to_svg(chart, **offline)).partition(">")
        says = f"<title>{escape(self.title)}</title><desc>{escape(chart['description'])}</desc>"
        return f"{head}{end}{says}{rest}\n".encode()

    def write(self, folder: Path, stem: str, *kinds: Kind) -> list[Path]:
        """Write it as files ``folder/stem.kind``.

        Args:
            folder: Exists.
            stem: The files' name.
            kinds: Which files; all of its :attr:`kinds` when none is named. Others are left out.
        """
        paths = []
        for kind in self.kinds:
            if not kinds or kind in kinds:
                paths.append(folder / f"{stem}.{kind}")
                paths[-1].write_bytes(self.file(kind))
        return paths

    @property
    def body(self) -> Markup:
        """The element that a page holds: an image, or a chart that the page's script draws."""
        if self.chart is None:
            return _image(self.picture, "png", self.words or self.title)
        data = self.chart.get("datasets", {})
        style = themed(json.dumps({k: v for k, v in self.chart.items() if k != "datasets"}))
        text = f'{style[:-1]}, "datasets": {json.dumps(data)}}}'
        # Within a script element only these characters have a meaning.
        for sign in "<>&":
            text = text.replace(sign, f"\\u{ord(sign):04x}")
        return Markup(f'<div class="chart"><script type="application/json">{text}</script></div>')

    def __repr__(self) -> str:
        return f"Figure({self.title!r})"

    def _repr_html_(self) -> str:
        """Show it in a notebook: as an image, which needs no script and no network."""
        kind = self.kinds[0]
        return str(
            Markup("<figure><figcaption><b>{}</b> {}</figcaption>{}</figure>").format(
                self.title, self.caption, _image(self.file(kind), kind, self.title)
            )
        )


def _image(file: bytes, kind: str, words: str) -> Markup:
    """Return an image element that holds its file."""
    form = "svg+xml" if kind == "svg" else kind
    source = f"data:image/{form};base64,{base64.b64encode(file).decode()}"
    return Markup(
        '<img src="{}" alt="{}" decoding="async" style="width: 100%; max-width: 40rem">'
    ).format(source, words)
