"""``vbench leaderboard --history``: the boards that changed specs left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from vbench.errors import SpecError

#: Lines of a difference that the table shows; JSON has all.
SHOWN = 6


def print_history(folders: Sequence[Path], form: str) -> None:
    """List the boards of a benchmark, the newest first.

    Raises:
        SpecError: For several folders, or a format that lists nothing.
    """
    from rich.table import Table
    from rich.text import Text

    from vbench.analysis.history import history
    from vbench.analysis.wording import number
    from vbench.cli.terminal import Console

    if form not in ("table", "json"):
        raise SpecError(
            f"--history: lists boards as table or json, not as {form}; --history 1 --format {form} "
            "shows one"
        )
    found = history(_one(folders))
    if form == "json":
        click.echo(json.dumps([each.to_json() for each in found], indent=1, ensure_ascii=False))
        return
    shown = Table(title=f"{folders[0].name}: boards, the newest first", title_justify="left")
    for title in ("", "board of", "best arm", "changed since the one before"):
        shown.add_column(title, overflow="fold")
    for each in found:
        best, lines = each.best, [*each.changed[:SHOWN]]
        lines += [f"… {len(each.changed) - SHOWN} more"] if len(each.changed) > SHOWN else []
        arm = "none finished"
        if best is not None:
            value = f"\n{best['metric']} {number(best['value'])}" if best["metric"] else ""
            arm = f"{best['arm']}{value}"
        commit = f" ({each.commit[:10]})" if each.commit else ""
        version = f"vbench {each.vbench}{commit}"
        cells = (
            "now" if each.number is None else str(each.number),
            f"{each.written.astimezone():%Y-%m-%d %H:%M}\n{version}",
            arm,
            "\n".join(lines),
        )
        shown.add_row(*map(Text, cells))
    console = Console()
    console.print(shown)
    if all(each.number is None for each in found):
        console.print("no former board: the spec has not changed under this name")


def former_board(folders: Sequence[Path], number: str) -> dict[str, Any]:
    """Return the content of the board of a number, as it is typed.

    Raises:
        SpecError: When it is no number, or there are several folders.
        StoreError: When there is no such board.
    """
    from vbench.analysis.history import kept_board

    if not number.isdecimal():
        raise SpecError(
            f"--history {number}: expected a board's number; the benchmark's name stands before "
            "--history"
        )
    return kept_board(_one(folders), int(number))


def _one(folders: Sequence[Path]) -> Path:
    if len(folders) > 1:
        raise SpecError("--history: boards are kept by results folder; name one --out")
    return folders[0]
