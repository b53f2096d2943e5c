"""The reference is made from code; here: all code that it is made from says what it should."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from types import ModuleType
from typing import Any

import click
import pytest
from documents import PAGES, ROOT

import vbench
from vbench import registry
from vbench.interfaces import Metric
from vbench.registry import Entry, catalogue


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _load()
COMMANDS = {" ".join(path): command for path, command, _ in generate.walk()}
TABLES = dict(generate.tables())
ENTRIES = list(registry.load(only=[]).entries())
FIELDS = [(name, key) for name, model in TABLES.items() for key in model.model_fields]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {path: make() for path, make in generate.PAGES.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_and_what_each_option_is(name: str, pages) -> None:
    command = COMMANDS[name]
    assert (command.help or "").partition("\n")[0].endswith((".", ":"))
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts
        else:
            word = (parameter.metavar or parameter.human_readable_name).strip("[].").upper()
            assert word in (command.help or ""), f"{name}: the help does not tell of {word}"
    assert re.search(rf"^#+ vbench {name}$", pages["reference/cli.md"], re.MULTILINE)


@pytest.mark.parametrize(("table", "key"), FIELDS)
def test_every_key_of_a_spec_is_described(table: str, key: str, pages) -> None:
    field = TABLES[table].model_fields[key]
    assert field.description
    assert TABLES[table].__doc__
    section = pages["reference/spec.md"].partition(f"## [{table}]" if table else "## Tables")[2]
    assert f"<code>{field.alias or key}</code>" in section.partition("\n## ")[0]


def test_every_table_of_a_spec_has_a_section_once(pages) -> None:
    found = re.findall(r"^## (.*)$", pages["reference/spec.md"], re.MULTILINE)
    assert len(found) == len(set(found)) == len(TABLES) > 15


def titled(entry: Entry) -> str:
    return f"{entry.cls.kind}:{entry.cls.name}"


@pytest.mark.parametrize("entry", ENTRIES, ids=titled)
def test_every_plugin_and_parameter_is_described(entry: Entry, pages) -> None:
    about = catalogue.describe(entry)
    assert about["description"].endswith(".")
    page = "metrics" if about["kind"] == "metric" else "plugins"
    text = pages[f"reference/{page}.md"]
    section = text.partition(f"\n### {about['name']}\n")[2].partition("\n### ")[0]
    assert about["description"].split()[0] in section
    for parameter in about["parameters"]:
        assert parameter["help"], parameter["name"]
        assert f"<code>{parameter['name']}</code>" in section


METRICS = [entry for entry in ENTRIES if issubclass(entry.cls, Metric)]


@pytest.mark.parametrize("entry", METRICS, ids=titled)
def test_every_metric_says_its_definition_direction_and_rule(entry: Entry, pages) -> None:
    cls: Any = entry.cls
    text = " ".join((cls.__doc__ or "").split())
    words = {True: "igher", False: "ower", None: ""}[cls.higher_is_better]
    assert words in text, "the docstring does not say which direction is better"
    if cls.family == "segmentation":
        assert re.search(r"empty|No true voxel", text), "the docstring lacks the empty-mask rule"
    assert f"{cls.name}@{cls.version}" in pages["reference/metrics.md"]


def test_hooks_show_their_arguments() -> None:
    text = "### vbench_job_failed\n\nWords.\n"

    class Page:
        class file:  # noqa: N801
            src_uri = "reference/hooks.md"

    made = generate.on_page_markdown(text, Page)
    assert "`vbench_job_failed(job, failure)`" in made
    assert "- `failure`: Why." in made


def test_every_public_name_is_on_the_page_of_python() -> None:
    text = (ROOT / "docs" / "reference" / "python.md").read_text()
    documented = set(re.findall(r"^::: vbench\.(\w+)$", text, re.MULTILINE))
    assert documented == set(vbench.__all__) - {"__version__"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    made = {(ROOT / "docs" / name).resolve() for name in generate.PAGES}
    reports = ROOT.glob("results/summaries/gallery/*/plan.json")
    made |= {ROOT / "docs" / "gallery" / f"{plan.parent.name}.html" for plan in reports}
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("results/"):  # made by running
            path = (page.parent / target).resolve()
            assert path.exists() or path in made, target


def test_the_site_loads_nothing_from_elsewhere(tmp_path) -> None:
    """Built as `make docs` does, strictly: a broken link or anchor fails it."""
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|link)[^>]*(?:src|href)="(https?:[^"]*)', page.read_text()
        )
        assert loaded == [], page.name
    assert (tmp_path / "reference" / "metrics.html").is_file()
    assert "wgan-gp-sn" in (tmp_path / "gallery" / "gallery.html").read_text()
    assert not (tmp_path / "generate.py").exists()
