"""The Containerfile, as far as its text can tell: its image is built where there is an engine."""

from __future__ import annotations

import json
import re
import shlex
import tomllib

import matrix
import pytest
import release
from documents import ROOT, blocks
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import vbench

FILE = ROOT / "benchmarks" / "Containerfile"
PAGE = ROOT / "docs" / "howto" / "container.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WHEEL = f"vbench-{vbench.__version__}-py3-none-any.whl"


def instructions() -> list[tuple[str, str]]:
    """Return each instruction with its arguments; lines go on after a backslash."""
    text = re.sub(r"\\\n", " ", FILE.read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def arguments(name: str) -> list[str]:
    return [rest for word, rest in instructions() if word == name]


def pip_calls() -> list[list[str]]:
    commands = [shlex.split(part) for run in arguments("RUN") for part in run.split("&&")]
    return [command[1:] for command in commands if command[0] == "pip"]


def test_it_begins_from_a_python_that_is_tested() -> None:
    (image,) = arguments("FROM")
    name, _, tag = image.partition(":")
    version = tag.removesuffix("-slim")
    assert (name, version in matrix.PYTHONS) == ("python", True)
    assert version in SpecifierSet(PROJECT["requires-python"])


def test_it_copies_the_wheel_alone_from_the_folder_that_the_page_builds_in() -> None:
    assert arguments("COPY") == [f"{WHEEL} /tmp/"]
    made = re.search(r"^wheel:.*\n.*--wheel-dir (\S+) ", (ROOT / "Makefile").read_text(), re.M)
    assert made is not None
    (build,) = [b.text.splitlines()[-1] for b in blocks(PAGE) if "podman build" in b.text]
    assert shlex.split(build)[-3:] == ["--file", str(FILE.relative_to(ROOT)), made[1]]


def test_pip_understands_its_calls_and_they_install_what_the_package_asks_for() -> None:
    commands = pytest.importorskip("pip._internal.commands")
    installed = []
    for name, *rest in pip_calls():
        options, names = commands.create_command(name).parse_args(rest)
        assert options.no_cache_dir if hasattr(options, "no_cache_dir") else not options.cache_dir
        installed += [(each, options.index_url) for each in names]
    (torch,) = [r for r in map(Requirement, PROJECT["dependencies"]) if r.name == "torch"]
    (first, index), (second, usual) = installed
    assert Requirement(first) == torch
    assert index.endswith("/whl/cpu")
    assert second == f"/tmp/{WHEEL}"
    assert usual == "https://pypi.org/simple"


def test_vbench_is_called_by_a_user_who_owns_a_home_and_the_volume() -> None:
    named = [word for word, _ in instructions()]
    (user,) = arguments("USER")
    (entry,) = map(json.loads, arguments("ENTRYPOINT"))
    assert user != "root"
    assert entry == [*PROJECT["scripts"]]
    assert named.index("USER") > max(i for i, word in enumerate(named) if word in ("RUN", "COPY"))
    assert f"HOME=/home/{user}" in arguments("ENV")
    assert arguments("VOLUME") == arguments("WORKDIR")
    (made,) = [run for run in arguments("RUN") if "useradd" in run]
    assert f"--create-home {user} " in made
    assert made.endswith(f"--owner {user} {arguments('VOLUME')[0]}")
    number = re.search(r"--uid (\d+)", made)
    assert number is not None
    assert set(re.findall(r"uid=(\d+)", PAGE.read_text())) == {number[1]}


def test_a_release_must_change_the_wheel_that_it_names() -> None:
    assert FILE.relative_to(ROOT) in release.NAMING
