"""What to cite, as BibTeX: vbench, the paper that it follows, and the papers of plugins.

A plugin says who, when and where (``"Isensee et al. 2021, doi:10.1038/…"``). What
``references.bib`` beside this module has under that DOI or arXiv number is cited in full; of other
papers, such as those of plugins of others, an entry repeats what the plugin says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vbench._version import __version__
from vbench.errors import PluginError
from vbench.registry import BUILT_IN, Entry, Registry
from vbench.spec import Spec

_VBENCH = f"""@software{{vbench,
  author  = {{{{vbench developers}}}},
  title   = {{vbench: benchmarks for synthetic, labelled vessel images}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""
_PAPER = "kossen2021"
_FILE = Path(__file__).with_name("references.bib")
#: Fields that BibTeX styles take as they stand.
_VERBATIM = {"doi", "eprint", "url"}
_DOI = re.compile(r"doi:\s*(\S+?)[,;]?$|doi:\s*(\S+?)[,;]?(?=\s)")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
_WHO = re.compile(
    r"(?:^|:\s*|after\s+)((?:(?:van|von|de|der|den|du|la|le|di) )*[A-Z][^:;\d]*?)\s+((?:19|20)\d\d)"
)


def bibtex(spec: Spec | None, registry: Registry) -> str:
    """Return BibTeX entries.

    Args:
        spec: Whose plugins are cited; None: only vbench and its paper.
        registry: The plugins.
    """
    first = _known()[_PAPER].text({"note": "the experiment that vbench generalises"})
    entries = [_VBENCH, first]
    if spec is not None:
        if spec.reference is not None:
            reference = spec.reference
            fields = {"howpublished": reference.citation, "url": reference.url}
            entries.append(_plain("misc", "reference", fields | {"note": "published figures"}))
        entries += _data(spec)
        entries += _papers(_plugins(spec, registry))
    return "\n\n".join(entries) + "\n"


def _data(spec: Spec) -> Iterator[str]:
    """Yield an entry for each data set that says how it is cited."""
    for role, data in spec.data.sets.items():
        about = data.about
        if about is not None and about.citation:
            note = f"{role} data: {about.title}; licence: {about.licence or 'not told'}"
            fields = {"howpublished": about.citation, "url": about.address, "note": note}
            yield _plain("misc", f"data-{role}", fields)


def _plugins(spec: Spec, registry: Registry) -> Iterator[Entry]:
    """Yield each plugin that a spec uses, once."""
    uses: list[tuple[Any, str]] = [("source", data.plugin) for data in spec.data.sets.values()]
    uses += [("generator", use.plugin) for use in spec.generators]
    for segmenter in spec.networks:
        uses += [("segmenter", segmenter.plugin)]
        for regime, table in spec.regimes.on():
            uses += [("segmenter", use.plugin) for _, use in regime.segmenters(table, segmenter)]
    for family in ("segmentation", "fidelity", "privacy"):
        uses += [("metric", use.plugin) for use in spec.metrics.uses(family)]
    for kind, name in dict.fromkeys(uses):
        try:
            yield registry.get(kind, name)
        except PluginError:
            continue  # results may be older than what is installed now


@dataclass(frozen=True, eq=False)
class Paper:
    """An entry of the file.

    Attributes:
        kind: ``article``, ``misc``, ….
        key: What it is cited by.
        fields: Its fields, as TeX.
        plugins: Built-in plugins that follow it, though their ``paper`` does not name it.
    """

    kind: str
    key: str
    fields: Mapping[str, str]
    plugins: tuple[str, ...]

    def text(self, more: Mapping[str, str]) -> str:
        """Return it as BibTeX, with more fields."""
        return _entry(self.kind, self.key, {**self.fields, **more})


@cache
def _known() -> dict[str, Paper]:
    """Return the entries of the file, by their keys."""
    papers = {}
    text = _FILE.read_text(encoding="utf-8")
    for kind, key, body in re.findall(r"^@(\w+)\{(\w+),\n(.*?)^\}$", text, re.M | re.S):
        fields = dict(re.findall(r"^  (\w+) *= \{(.*)\},$", body, re.M))
        plugins = fields.pop("plugins", "")
        papers[key] = Paper(kind, key, fields, tuple(filter(None, plugins.split(", "))))
    return papers


def _found(part: str) -> list[Paper]:
    """Return the entries of the file that are meant by a part of what a plugin says."""
    doi, numbers = _doi(part), _ARXIV.findall(part)
    by_id = {
        paper.fields[name].lower(): paper
        for paper in _known().values()
        for name in ("doi", "eprint")
        if name in paper.fields
    }
    found = [by_id[each.lower()] for each in (doi, *numbers) if each.lower() in by_id]
    if found or doi or numbers:
        return found
    who = _WHO.search(part)
    named = _known().get(_base(who[1], who[2])) if who else None
    return [named] if named else []


def _papers(plugins: Iterable[Entry]) -> list[str]:
    """Return an entry for each paper, with the plugins that follow it."""
    users: dict[Paper | str, list[str]] = {}
    for entry in plugins:
        name, built_in = entry.cls.name, entry.distribution == BUILT_IN
        papers: list[Paper | str] = []
        for part in filter(None, map(str.strip, entry.cls.paper.split("; "))):
            # Of others, an author and a year might be another paper of the same two.
            known = _found(part) if built_in or _doi(part) or _ARXIV.search(part) else []
            papers += known or [part]
        papers += [each for each in _known().values() if built_in and name in each.plugins]
        for paper in dict.fromkeys(papers):
            users.setdefault(paper, []).append(name)
    taken = {*_known(), "vbench", "reference", "data-source", "data-target"}
    return [
        paper.text({"note": _tex(f"vbench plugins: {', '.join(names)}")})
        if isinstance(paper, Paper)
        else _said(paper, names, taken)
        for paper, names in users.items()
        if not (isinstance(paper, Paper) and paper.key == _PAPER)
    ]


def _said(text: str, names: Sequence[str], taken: set[str]) -> str:
    """Return an entry that repeats what plugins say of their paper."""
    fields: dict[str, str] = {}
    who = _WHO.search(text)
    if who:
        authors = re.sub(r"\s+et al\.?$", " and others", who[1].strip().rstrip(","))
        fields |= {"author": authors, "year": who[2]}
    arxiv = _ARXIV.search(text)
    fields["doi"] = _doi(text)
    if arxiv:
        fields |= {"eprint": arxiv[1], "archiveprefix": "arXiv"}
    fields["note"] = f"{', '.join(names)}: {text}"
    return _plain("misc", _key(fields, names[0], taken), fields)


def _doi(text: str) -> str:
    """Return the DOI in a text; empty when it has none."""
    found = _DOI.search(text)
    return (found[1] or found[2]) if found else ""


def _key(fields: Mapping[str, str], name: str, taken: set[str]) -> str:
    """Return a key such as ``isensee2021``; with a letter behind it where it is taken."""
    base = _base(fields.get("author", name), fields.get("year", ""))
    letters = ("", *(chr(code) for code in range(ord("b"), ord("z") + 1)))
    key = next(base + letter for letter in letters if base + letter not in taken)
    taken.add(key)
    return key


def _base(author: str, year: str) -> str:
    first = re.split(r" and | et al|,", author)[0]
    return f"{re.sub(r'[^a-z]', '', first.lower()) or 'paper'}{year}"


def _plain(kind: str, key: str, fields: Mapping[str, str]) -> str:
    """Return an entry of fields that are plain text."""
    tex = {name: value if name in _VERBATIM else _tex(value) for name, value in fields.items()}
    return _entry(kind, key, tex)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    """Return an entry of fields that are TeX, without those that are empty."""
    given = {name: value for name, value in fields.items() if value}
    width = max(map(len, given))
    lines = [f"  {name.ljust(width)} = {{{value}}}" for name, value in given.items()]
    return "\n".join([f"@{kind}{{{key},", ",\n".join(lines), "}"])


def _tex(text: str) -> str:
    """Return text with TeX's own signs written out."""
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
