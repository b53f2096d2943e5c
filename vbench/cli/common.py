"""Options that several commands share."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from vbench.defaults import OUT
from vbench.usertext import key_value

F = TypeVar("F", bound=Callable[..., Any])


class PluginGroup(click.Group):
    """A group that plugins may add commands to; they are loaded when its own do not answer."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, those of plugins too."""
        from vbench.cli import add_plugin_commands

        add_plugin_commands()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of its own, else one that a plugin adds."""
        if cmd_name not in self.commands:
            from vbench.cli import add_plugin_commands

            add_plugin_commands()
        return self.commands.get(cmd_name)


def spec_argument(function: F) -> F:
    """Add the SPEC argument, a file or the name of a shipped benchmark, and ``--set``."""
    overrides = set_option(
        "Override a key of the spec; VALUE is TOML, as in --set tune.trials=2 or --set "
        '"data.source.split={train=2,val=1,test=1}".',
        key="KEY.PATH",
    )
    return click.argument("spec", type=click.Path())(overrides(function))


def set_option(help: str, key: str = "KEY") -> Callable[[F], F]:
    """Return what adds ``--set``, which may be repeated; the command takes it as ``overrides``."""
    return click.option("--set", "overrides", multiple=True, metavar=f"{key}=VALUE", help=help)


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """Return the values of several ``--set KEY=VALUE``.

    Raises:
        UsageError: When one is no such pair.
    """
    values = {}
    for text in texts:
        try:
            key, value = key_value(text)
        except ValueError as error:
            raise click.UsageError(f"--set {text}: {error}") from error
        values[key] = value
    return values


def out_option(function: F) -> F:
    """Add ``--out``."""
    return click.option(
        "--out",
        default=OUT,
        show_default=True,
        type=click.Path(file_okay=False),
        help="Folder of results.",
    )(function)


def benchmark_option(function: F) -> F:
    """Add ``--benchmark``."""
    return click.option(
        "--benchmark", help="Its name. [default: the only one in the results folder]"
    )(function)


def written_layout_option(function: F) -> F:
    """Add ``--layout``, of a data set that is written."""
    return click.option(
        "--layout",
        type=click.Choice(["nnunet", "bids"]),
        default="nnunet",
        show_default=True,
        help="How files are named.",
    )(function)


def device_option(function: F) -> F:
    """Add ``--device``."""
    return click.option(
        "--device",
        default="auto",
        show_default=True,
        type=click.Choice(["auto", "cpu", "cuda"]),
        help="Where networks compute.",
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(
        function
    )


def repetition_option(function: F) -> F:
    """Add ``--seed``, which says which repetition of an arm is meant."""
    return click.option(
        "--seed",
        callback=repetition,
        metavar="N|'N fold K'",
        help="Which repetition. [default: best on validation subjects]",
    )(function)


def repetition(
    context: click.Context, option: click.Parameter, value: str | None
) -> int | str | None:
    """Read which repetition is meant: a seed, or a seed and a fold such as ``0 fold 2``.

    Raises:
        BadParameter: When it is neither.
    """
    if value is None:
        return None
    found = re.fullmatch(r"\s*(-?\d+)(?:\s+fold\s+(\d+))?\s*", value)
    if found is None:
        raise click.BadParameter(
            f"'{value}' is neither a seed nor a seed and a fold such as '0 fold 2'", context, option
        )
    seed, fold = found.groups()
    return int(seed) if fold is None else f"{int(seed)} fold {int(fold)}"


def duration(seconds: float) -> str:
    """Return seconds as people say them: ``42 s``, ``3:07 min``, ``2:15 h``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def stop_as_by_hand() -> None:
    """Let SIGTERM, by which a cluster's queue stops a job, count as Ctrl-C.

    So what is half written is removed, and no copy of patients' patches stays.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
