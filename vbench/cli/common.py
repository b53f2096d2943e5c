"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def spec_argument(function: F) -> F:
    """Add the SPEC argument and ``--set``."""
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY.PATH=VALUE",
        help="Override a key of the spec; VALUE is TOML, as in --set tune.trials=2 or --set "
        '"data.source.split={train=2,val=1,test=1}".',
    )(function)
    return click.argument("spec", type=click.Path(dir_okay=False))(function)


def out_option(function: F) -> F:
    """Add ``--out``."""
    return click.option(
        "--out",
        default="results",
        show_default=True,
        type=click.Path(file_okay=False),
        help="Folder of results.",
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(
        function
    )


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``42 s``, ``3:07 min``, ``2:15 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"
