"""What the project says about itself agrees: version, make targets, the repository's address."""

from __future__ import annotations

import re
import tomllib

import matrix
from documents import ROOT

import vbench

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_citation_names_this_version():
    cited = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert cited is not None
    assert cited[1] == vbench.__version__
    assert PROJECT["tool"]["hatch"]["version"]["path"] == "vbench/_version.py"


def test_ci_calls_targets_that_exist_and_public_ci_all_that_ci_calls():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    public = set(re.findall(r"run: make ([a-z]+)", workflow))
    listed = re.search(r"target: \[(.+)\]", workflow)
    assert listed is not None
    public |= set(listed[1].split(", "))
    private = set(re.findall(r"^make ([a-z]+)$", (ROOT / ".ci/run").read_text(), re.MULTILINE))
    assert public | private <= targets
    # Setting up is part of every target; coverage is the tests, counted.
    assert private - {"setup", "test"} | {"coverage"} <= public


def test_the_matrix_runs_tests_that_exist():
    for name in matrix.QUICK:
        assert (ROOT / name.partition("::")[0]).exists(), name
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    assert f"cell: [{', '.join(matrix.CELLS)}]" in workflow


def test_hooks_before_a_commit_call_the_tools_of_the_checks():
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    makefile = (ROOT / "Makefile").read_text()
    tools = set(re.findall(r"entry: \.venv/bin/(\S+)", hooks))
    assert tools == {"ruff", "mypy", "lint-imports"}
    assert all(f"$(BIN)/{tool}" in makefile for tool in tools)


def test_the_placeholder_of_the_repository_stands_in_one_place():
    address = PROJECT["project"]["urls"]["Repository"].partition("://")[2]
    files = [p for p in ROOT.glob("*") if p.is_file()] + [*ROOT.glob("docs/**/*.md")]
    found = [p.name for p in files if address.encode() in p.read_bytes()]
    assert found == ["pyproject.toml"]


def test_the_sites_tool_is_pinned_and_may_speak_of_its_end():
    docs = PROJECT["project"]["optional-dependencies"]["docs"]
    pinned = [entry for entry in docs if re.match(r"mkdocs(-material)?>=", entry)]
    assert len(pinned) == 2
    assert all(re.search(r",<\d+$", entry) for entry in pinned), pinned
    said = [ROOT / "Makefile", ROOT / ".ci" / "run"]
    assert not any("MKDOCS_2_WARNING" in path.read_text() for path in said)
