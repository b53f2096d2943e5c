"""What the report and the viewer share: templates, their files, hashes of scripts."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from markupsafe import Markup, escape

from vbench.analysis.budgets import patches_text, search_text, steps_text
from vbench.analysis.layout import short_name
from vbench.analysis.wording import (
    duration,
    has_verdicts,
    lapses,
    number,
    privacy_word,
    risk,
    signs,
    span,
)
from vbench.colours import css


@cache
def environment() -> Any:
    """Return the templates' environment: everything is escaped, a missing name is an error.

    One a process, for it keeps the templates that it compiled.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("vbench.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": number, "span": span, "duration": duration, "short": short_name}
    made.filters |= {"steps": steps_text, "patches": patches_text, "search": search_text}
    made.filters |= {"breakable": breakable, "css": css, "privacy": privacy, "risk": risk}
    made.globals |= {"signs": signs, "lapses": lapses, "has_verdicts": has_verdicts}
    return made


def breakable(name: str) -> Markup:
    """Let a name break after its regime, where the screen is too narrow for it."""
    return escape(name).replace("/", Markup("/<wbr>"), 1)


def privacy(row: dict[str, Any]) -> Markup:
    """Return an arm's verdict; an alarm has a sign and is bold, so that it is seen."""
    word = privacy_word(row)
    return Markup("<strong>⚠ alarm</strong>") if word == "ALARM" else escape(word)


def resource(name: str) -> str:
    """Return the text of a file that is shipped with the templates."""
    return resources.files("vbench.report").joinpath("templates", name).read_text("utf-8")


def script_hash(script: str) -> str:
    """Return what a content security policy names a script by, to allow only that script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
