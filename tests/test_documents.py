"""Every command of README.md and docs/ runs, on tiny benchmarks, as a reader would type it.

Each page is followed in its own folder; results are shared, so that what one page has run is
cached for the next. What is substituted is little:

- ``vbench`` shrinks every spec that it runs, and leaves MLflow out (:mod:`tiny_vbench`), in
  Python blocks too;
- ``make TARGET`` is looked up in the Makefile and not made;
- what the text names in capitals (DIR, PREDICTIONS, LABELS) is there: tiny phantoms;
- a block below a comment ``<!-- not run: why -->`` is parsed only: bash must understand it, and
  vbench's command line every command and option of it;
- a block below ``<!-- fails -->`` must fail.

Most pages' commands are forked from a process that has imported vbench (:mod:`warm_python`); those
of the pages in ``STARTED`` are started as a reader's are, and so are their workers.
"""

from __future__ import annotations

import ast
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest
from documents import PAGES, ROOT, Block, blocks

from vbench import registry
from vbench.cli import cli
from vbench.data.nifti import write_volume
from vbench.spec.check import build_params
from vbench.spec.space import without_ranges

BLOCKS = [(page, block) for page in PAGES for block in blocks(page)]
RUNNABLE = ("sh", "python")
#: Separate packages with their own dependencies: their commands are only parsed.
PACKAGES = ROOT / "plugins"
#: Pages whose commands are processes of their own.
STARTED = ("docs/tutorials/first-run.md", "docs/howto/folds.md")


def is_run(page: Path, block: Block) -> bool:
    return (
        block.language in RUNNABLE
        and not block.note.startswith("not run: ")
        and not page.is_relative_to(PACKAGES)
        and "vbench_" not in block.heading  # examples of hooks have their own tests
    )


def where(value: object) -> str:
    return str(value.relative_to(ROOT)) if isinstance(value, Path) else ""


def named(value: object) -> str:
    return f"line-{value.line}" if isinstance(value, Block) else where(value)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder: benchmarks, data under the names of the text, ``vbench`` on the path."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    commands = folder / ".bin"
    commands.mkdir()
    (folder / "results").mkdir()
    tiny = Path(__file__).with_name("tiny_vbench.py")
    for name, call in {
        "vbench": f'exec "${{WARM_PYTHON:-{sys.executable}}}" "{tiny}" "$@"',
        "make": f'exec /usr/bin/make --dry-run --directory "{ROOT}" "$@" > /dev/null',
    }.items():
        (commands / name).write_text(f"#!/bin/sh\n{call}\n")
        (commands / name).chmod(0o755)
    make = ["data", "make", "phantom", "DIR", "--subjects", "5", "--set", "shape=[48,48,32]"]
    subprocess.run([commands / "vbench", *make], cwd=folder, check=True, capture_output=True)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        truth = rng.random((12, 12, 12)) < 0.2
        found = truth ^ (rng.random(truth.shape) < 0.01)
        for place, mask in (("LABELS", truth), ("PREDICTIONS", found)):
            write_volume(folder / place / f"{name}.nii.gz", mask.astype(np.uint8), np.eye(4))
    return folder


def script(page: Path, folder: Path) -> str:
    """Return a page as a shell script: it writes files and runs commands in the text's order."""
    lines = ["set -euo pipefail"]
    for number, block in enumerate(blocks(page)):
        place = f"{page.name} line {block.line}"
        if block.title:
            lines.append(
                f"cat > {shlex.quote(block.title)} <<'END-OF-FILE'\n{block.text}END-OF-FILE"
            )
        elif is_run(page, block):
            lines.append(f"echo {shlex.quote(f'──── {place}')} >&2")
            if block.language == "python":
                path = folder / f".{page.stem}-{number}.py"
                path.write_text(block.text)
                lines.append(f"vbench {shlex.quote(str(path))}")
            elif block.note == "fails":
                lines.append(f"if\n{block.text}then echo 'that should have failed' >&2; exit 1; fi")
            else:
                lines.append(block.text)
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any(is_run(p, b) for b in blocks(p))], ids=where
)
def test_the_commands_of_the_page_run(page: Path, desk: Path, warm_python: str) -> None:
    folder = desk / "-".join(page.relative_to(ROOT).parts)
    folder.mkdir()
    for shared in ("benchmarks", "results", "DIR", "LABELS", "PREDICTIONS"):
        (folder / shared).symlink_to(desk / shared)
    places = [desk / ".bin", Path(sys.executable).parent, os.environ["PATH"]]
    warm = {} if where(page) in STARTED else {"WARM_PYTHON": warm_python}
    process = subprocess.Popen(
        ["bash", "-c", script(page, folder)],
        cwd=folder,
        env={**os.environ, **warm, "PATH": os.pathsep.join(map(str, places)), "COLUMNS": "160"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=840)
    finally:
        with contextlib.suppress(ProcessLookupError):  # what it started in the background
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, said[-4000:]


def commands_of(text: str) -> list[list[str]]:
    """Return the commands of a block as words, without pipes and redirections."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        cut = next((i for i, word in enumerate(words) if word in ("|", ">", "&", "&&")), len(words))
        if "--wrap" in words:  # a batch system's command within the command
            found.append(shlex.split(words[words.index("--wrap") + 1]))
        found.append(words[:cut])
    return [words for words in found if words]


def parse(words: list[str]) -> None:
    """Let click read a command without running it.

    Raises:
        click.UsageError: When the command, an option or an argument of it is unknown.
    """
    root = click.Context(cli, info_name="vbench")
    name, command, rest = cli.resolve_command(root, words)
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    assert command is not None
    command.make_context(name, list(rest), parent=root)


SHELL = [(p, b) for p, b in BLOCKS if b.language == "sh"]


@pytest.mark.parametrize(("page", "block"), SHELL, ids=named)
def test_bash_and_vbench_understand_every_command(page: Path, block: Block) -> None:
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    for words in commands_of(block.text):
        if words[0] == "vbench":
            parse(words[1:])


def test_an_option_that_is_none_is_found() -> None:
    with pytest.raises(click.UsageError, match="--wokers"):
        parse(["run", "benchmarks/smoke.toml", "--wokers", "3"])


@pytest.mark.parametrize(
    ("page", "block"), [x for x in BLOCKS if x[1].language == "python"], ids=named
)
def test_python_is_python(page: Path, block: Block) -> None:
    ast.parse(block.text)


#: Plugins that a page writes.
OWN = ("my-gan", "unet3d-focal")


@pytest.mark.parametrize(
    ("page", "block"), [x for x in BLOCKS if x[1].language == "toml"], ids=named
)
def test_toml_names_plugins_and_parameters_that_there_are(page: Path, block: Block) -> None:
    table = tomllib.loads(block.text)
    plugins = registry.load(only=[])
    networks = [*table.get("segmenters", []), *filter(None, [table.get("segmenter")])]
    uses = [("generator", use) for use in table.get("generators", [])]
    for kind, use in [*uses, *(("segmenter", use) for use in networks)]:
        # One that another benchmark fitted has none; the page's own are written in the page.
        if use.get("plugin", OWN[0]) not in OWN:
            cls = plugins.get(kind, use["plugin"]).cls  # type: ignore[arg-type]
            values = without_ranges(cls.Params, use.get("params", {}))
            build_params(cls.Params, values, use["plugin"])


@pytest.mark.parametrize("page", PAGES, ids=where)
def test_no_command_hides_in_a_block_without_a_language(page: Path) -> None:
    assert [f"line {b.line}" for b in blocks(page) if not b.language] == []


def test_what_is_not_run_says_why() -> None:
    notes = {block.note for _, block in BLOCKS if block.note.startswith("not run")}
    assert all(len(note) > len("not run: ") for note in notes)
    assert len([1 for p, b in BLOCKS if is_run(p, b)]) > 30
