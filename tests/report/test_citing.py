"""What `vbench cite` says: built-in plugins in full, those of others in their own words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_line import vbench

from vbench import registry
from vbench.interfaces import Plugin
from vbench.registry import Entry
from vbench.report import citing

FILE = Path(citing.__file__).with_name("references.bib")
BUILT_IN = [
    entry
    for entry in registry.load(only=()).entries()
    if entry.distribution == registry.BUILT_IN and entry.cls.paper
]


def _entries(text: str) -> dict[str, dict[str, str]]:
    """Read BibTeX of one field a line."""
    found = {}
    for key, body in re.findall(r"^@\w+\{([\w-]+),\n(.*?)^\}$", text, re.M | re.S):
        found[key] = dict(re.findall(r"^  (\w+) *= \{(.*)\},?$", body, re.M))
    return found


def test_the_file_parses_whole() -> None:
    text = FILE.read_text(encoding="utf-8")
    entries = re.sub(r"^%.*\n", "", text, flags=re.M)
    read = citing._known()
    assert len(read) == entries.count("@") > 40
    fields = sum(len(paper.fields) + bool(paper.plugins) for paper in read.values())
    assert fields == len(re.findall(r"^  \w+ *= ", entries, re.M))
    for key, paper in read.items():
        assert {"title", "author", "year"} <= set(paper.fields), key
        assert re.sub(r"[^a-z0-9]", "", key) == key
        assert key.endswith(paper.fields["year"])
        for value in paper.fields.values():
            assert value.count("{") == value.count("}")
            assert value.isascii()
    ids = [paper.fields.get("doi") or paper.fields.get("eprint") for paper in read.values()]
    assert len(set(filter(None, ids))) == len(list(filter(None, ids)))


def test_plugins_that_the_file_names_exist() -> None:
    names = {entry.cls.name for entry in registry.load(only=()).entries()}
    for paper in citing._known().values():
        assert set(paper.plugins) <= names


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: entry.cls.name)
def test_every_paper_of_a_built_in_plugin_has_a_title_and_authors(entry: Entry) -> None:
    for part in entry.cls.paper.split("; "):
        numbers = re.findall(r"arXiv:([\d.]+)|doi:(\S+)", part.replace(",", " "))
        found = citing._found(part)
        assert len(found) == max(1, len(numbers)), part
        assert all(paper.fields["title"] and paper.fields["author"] for paper in found)
    shown = _entries("\n\n".join(citing._papers([entry])))
    assert all({"title", "author", "year"} <= set(fields) for fields in shown.values())


def test_the_gans_cite_what_they_are_made_of() -> None:
    plugins = registry.load(only=())
    for name, keys in {
        "dcgan": ["radford2016"],
        "wgan-gp": ["gulrajani2017"],
        "wgan-gp-sn": ["gulrajani2017", "miyato2018"],
    }.items():
        found = _entries("\n\n".join(citing._papers([plugins.get("generator", name)])))
        assert list(found) == keys
        assert all(each["note"] == f"vbench plugins: {name}" for each in found.values())


def test_shipped_benchmarks_are_cited_in_full() -> None:
    found = _entries(vbench("cite", "paper").out)
    assert found["kossen2021"]["author"].startswith("Kossen, Tabea and ")
    assert found["dice1945"]["title"].startswith("Measures of the Amount of Ecologic Association")
    assert found["vanbreugel2023"]["author"].startswith("van Breugel, Boris and ")
    # The reference and the data are cited as the spec does.
    assert [key for key, fields in found.items() if "title" not in fields] == ["reference"]


def _plugin(said: str) -> Entry:
    cls = type("Other", (Plugin,), {"name": "other_one", "paper": said})
    return Entry(cls, "someone", "1.0")


@pytest.mark.parametrize(
    ("said", "key", "fields"),
    [
        (
            "Dice et al. 1945",
            "dice1945b",
            {"author": "Dice and others", "note": r"other\_one: Dice et al. 1945"},
        ),
        ("Smith 2020, doi:10.1/a_b", "smith2020", {"author": "Smith", "doi": "10.1/a_b"}),
        ("arXiv:2101.00001", "otherone", {"eprint": "2101.00001"}),
        ("Lee Dice 1945, doi:10.2307/1932409", "dice1945", {"author": "Dice, Lee R."}),
        ("DOI 1945, doi:10.1186/S12880-015-0068-X", "taha2015", {"year": "2015"}),
    ],
)
def test_plugins_of_others_are_cited_as_they_say(
    said: str, key: str, fields: dict[str, str]
) -> None:
    found = _entries("\n\n".join(citing._papers([_plugin(said)])))
    assert list(found) == [key]
    assert found[key].items() >= fields.items()
