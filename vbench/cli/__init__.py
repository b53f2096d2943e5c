"""The command line: a table of commands, each imported when it is used.

``vbench --help`` reads this table only, so it starts at once.
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys

import click

from vbench._version import __version__
from vbench.cli.start import put_right
from vbench.cli.streams import harmless_output
from vbench.errors import VbenchError, did_you_mean

#: What to do when a command finds no memory.
_FREE_MEMORY = "end other programs, or use a larger machine"
_FREE_GPU = "end what else computes there, or compute with --device cpu"
#: Command, the module whose ``command`` it is, and what ``vbench --help`` says of it. Without a
#: module a built-in plugin brings it.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("vbench.cli.init", "Write a commented spec that runs, for your data or the phantom."),
    "run": ("vbench.cli.run", "Run the missing jobs of a benchmark, then print its leaderboard."),
    "plan": ("vbench.cli.plan", "List every job with its key, cached or new; train nothing."),
    "validate": ("vbench.cli.validate", "Check a spec, its plugins and its data."),
    "leaderboard": ("vbench.cli.leaderboard", "Rank the arms, with intervals."),
    "report": ("vbench.cli.report", "Write report.html, one file that opens offline."),
    "pack": ("vbench.cli.pack", "Pack the results of a benchmark into one file to share."),
    "cite": ("vbench.cli.cite", "Print what to cite, as BibTeX."),
    "store": ("vbench.cli.store", "Say what a results folder holds; remove what nobody needs."),
    "correlate": (
        "vbench.cli.correlate",
        "Say which fidelity scores predict what a segmenter reaches.",
    ),
    "ui": ("", "Open the MLflow UI on the results, on 127.0.0.1."),
    "score": ("vbench.cli.score", "Score NIfTI files or folders; no benchmark needed."),
    "data": ("vbench.cli.data", "Make, check and show data sets."),
    "plugins": ("vbench.cli.plugins", "List the plugins; scaffold a new one."),
    "check": ("vbench.cli.check", "Run the conformance kit on a plugin."),
    "schema": ("vbench.cli.schema", "Write the JSON schema of specs, for editors."),
    "export": ("vbench.cli.export", "Write an arm's synthetic patches to share, with an audit."),
    "audit": (
        "vbench.cli.audit",
        "Audit a synthetic set against patients in folders, or an export.",
    ),
    "predict": ("vbench.cli.predict", "Predict new scans with the segmenter of an arm."),
    "sample": ("vbench.cli.sample", "Sample new labelled patches from the generator of an arm."),
    "export-model": (
        "vbench.cli.export_model",
        "Write the segmenter of an arm as a MONAI bundle, or as ONNX.",
    ),
    "doctor": ("vbench.cli.doctor", "Versions, device, threads, writable folders."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, the built-in ones in the order of the table."""
        return [*COMMANDS, *sorted(set(self.commands) - set(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        module = COMMANDS.get(cmd_name, ("", ""))[0]
        if module:
            command: click.Command = importlib.import_module(module).command
            return command
        add_plugin_commands()
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does; name the nearest command when there is none."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            from vbench import registry

            hint = did_you_mean(name, set(self.list_commands(ctx)) - {name})
            ctx.fail(f"no command '{name}'{hint}{registry.default().failed()}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say where to begin, and where the documentation is."""
        with formatter.section("Begin with"):
            formatter.write_dl(
                [
                    ("vbench run smoke", "every part at work, in a few minutes"),
                    ("vbench init --data DIR", "a spec for your own data"),
                ]
            )
        formatter.write(f"\nDocumentation: {documentation()}\n")


def documentation() -> str:
    """Return the address of the documentation, as the package's metadata names it."""
    from importlib import metadata

    try:
        named = metadata.metadata("vbench").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        named = []
    addresses = dict(line.split(", ", 1) for line in named)
    return addresses.get("Documentation", "docs/index.md, in the repository")


def add_plugin_commands() -> None:
    """Let the plugins add their commands; this loads all plugins."""
    from vbench import registry

    registry.default().manager.hook.vbench_cli(group=cli)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="vbench")
def cli() -> None:
    """How good is a segmenter trained on generated vessel patches, and what do they leak?"""


def main() -> None:
    """Run the command line; an error that a user can fix is one line and exit code 2."""
    put_right()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Characters that the terminal's encoding lacks are shown as escapes.
            stream.reconfigure(errors="backslashreplace")
    with harmless_output():
        sys.exit(_run())


def _run() -> int:
    """Run the command line; return the exit code."""
    try:
        code = cli.main(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return 2
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 130
    except VbenchError as error:
        click.echo(f"vbench: {error}", err=True)
        return 2
    except (RuntimeError, MemoryError) as error:
        from vbench.engine.gpu_memory import shortage

        if isinstance(error, MemoryError):
            click.echo(f"vbench: out of memory ({error}); {_FREE_MEMORY}", err=True)
        elif (short := shortage(error, "cuda", _FREE_GPU)) is not None:
            click.echo(f"vbench: {short}", err=True)
        else:
            raise
        return 2
    except OSError as error:
        if error.filename is not None:
            click.echo(f"vbench: {error.filename}: {error.strerror}; check the path", err=True)
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            # Python would try again at its end to print what is left, and fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            click.echo(f"vbench: {error.strerror}; make room, and do it again", err=True)
        else:
            raise
        return 2
