"""All colours, once: of charts, of pictures, and of the pages that show them.

They are Okabe and Ito's (2008), distinct with any colour vision; marks differ too. In pictures of a
prediction, white is found, blue is missed (reference only) and orange false (prediction only).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

#: Each colour by name: on white, and on black.
PALETTE: Mapping[str, tuple[str, str]] = {
    "ink": ("#1b1f24", "#e6edf3"),
    "soft": ("#57606a", "#9da7b1"),
    "ground": ("#ffffff", "#0d1117"),
    "panel": ("#f6f8fa", "#161b22"),
    "line": ("#d8dee4", "#30363d"),
    "strong": ("#0b5cad", "#79b8ff"),
    "real": ("#0072b2", "#56b4e9"),
    "synthetic": ("#d55e00", "#ff8f4d"),
    "mixed": ("#b0568a", "#e39cc4"),
    "transfer": ("#00835f", "#2fc79b"),
    "scratch": ("#a86f00", "#f0c050"),
    "baseline": ("#6e7781", "#a5adb6"),
    "sky": ("#3aa0d8", "#9ecbff"),
}
#: Colours and marks of series that are not regimes, in order.
_SERIES = ("real", "synthetic", "transfer", "mixed", "scratch", "sky")
_SERIES_MARKS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross")

RGB = tuple[int, int, int]
#: Voxels of a prediction beside its reference.
FOUND: RGB = (235, 235, 235)
MISSED: RGB = (86, 180, 233)
FALSE: RGB = (230, 159, 0)
#: A label over its image.
LABEL: RGB = (213, 94, 0)
#: Classes of a label, in their order, over grey images; that of one class first. After Okabe and
#: Ito's seven, each is the one of a grid that lies farthest from all before it to eyes of any kind
#: (in CIELAB, as Machado et al. 2009 simulate them, doi 10.1109/TVCG.2009.113), and off grey.
#: Further classes have lighter ones.
CLASSES: tuple[RGB, ...] = (
    LABEL,
    (86, 180, 233),
    (240, 228, 66),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (0, 114, 178),
    (120, 0, 235),
    (200, 255, 160),
    (120, 80, 40),
    (0, 255, 200),
    (160, 120, 255),
    (160, 0, 120),
    (160, 235, 255),
    (255, 0, 80),
    (160, 200, 120),
    (235, 255, 120),
    (160, 0, 80),
)
#: What the colours of a prediction mean, in the order of a legend.
LEGEND: Mapping[str, RGB] = {"found": FOUND, "missed": MISSED, "false": FALSE}


def colour(name: str) -> str:
    """Return a colour of the palette on white, as ``#rrggbb``; of an unknown name a grey."""
    return PALETTE.get(name, PALETTE["baseline"])[0]


def class_colour(index: int) -> RGB:
    """Return the colour of a class by its index, from 1."""
    turn, place = divmod(index - 1, len(CLASSES))
    light = min(0.3 * turn, 0.75)
    red, green, blue = (round(part + light * (255 - part)) for part in CLASSES[place])
    return red, green, blue


def class_legend(names: Sequence[str]) -> Mapping[str, RGB]:
    """Return the colour of each class by its name, in the order of a legend."""
    return {name: class_colour(index) for index, name in enumerate(names, start=1)}


def series_colour(index: int) -> str:
    """Return the colour of the n-th series."""
    return colour(_SERIES[index % len(_SERIES)])


def series_mark(index: int) -> str:
    """Return the mark of the n-th series."""
    return _SERIES_MARKS[index % len(_SERIES_MARKS)]


def css(rgb: RGB) -> str:
    """Return a colour of pictures for a style sheet."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def style() -> str:
    """Return the palette as a style sheet: ``--real`` and so on, in light and dark."""
    light, dark = (
        "; ".join(f"--{name}: {pair[i]}" for name, pair in PALETTE.items()) for i in (0, 1)
    )
    return (
        f":root {{ color-scheme: light dark; {light}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}; }} }}\n"
    )


def themed(text: str) -> str:
    """Return JSON in which colours of the palette are those of the page's style sheet."""
    for name, (light, _) in PALETTE.items():
        text = text.replace(f'"{light}"', f'"var(--{name})"')
    return text
