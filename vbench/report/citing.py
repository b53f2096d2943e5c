"""What to cite, as BibTeX: vbench, the paper that it follows, and the papers of plugins.

A plugin says who, when and where (``"Isensee et al. 2021, doi:10.1038/…"``); an entry repeats that.
Titles are left to the reference manager, which finds them by DOI or arXiv number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from vbench._version import __version__
from vbench.errors import PluginError
from vbench.registry import Registry
from vbench.spec import Spec

_VBENCH = f"""@software{{vbench,
  author  = {{{{vbench developers}}}},
  title   = {{vbench: benchmarks for synthetic, labelled vessel images}},
  version = {{{__version__}}},
  license = {{Apache-2.0}}
}}"""
_PAPER = """@article{kossen2021,
  author  = {Kossen, Tabea and others},
  title   = {Synthesizing anonymized and labeled {TOF-MRA} patches for brain vessel segmentation
             using generative adversarial networks},
  journal = {Computers in Biology and Medicine},
  volume  = {131},
  pages   = {104254},
  year    = {2021},
  doi     = {10.1016/j.compbiomed.2021.104254},
  note    = {the experiment that vbench generalises}
}"""
_KNOWN = "10.1016/j.compbiomed.2021.104254"
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
    entries = [_VBENCH, _PAPER]
    if spec is not None:
        if spec.reference is not None:
            reference = spec.reference
            fields = {"howpublished": reference.citation, "url": reference.url}
            entries.append(_entry("misc", "reference", fields | {"note": "published figures"}))
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
            yield _entry("misc", f"data-{role}", fields)


def _plugins(spec: Spec, registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield name and paper of each plugin that a spec uses, once."""
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
            paper = registry.get(kind, name).cls.paper
        except PluginError:
            continue  # results may be older than what is installed now
        if paper:
            yield name, paper


def _papers(plugins: Iterable[tuple[str, str]]) -> list[str]:
    """Return an entry for each paper, with the plugins that follow it."""
    users: dict[str, list[str]] = {}
    for name, paper in plugins:
        for part in paper.split("; "):
            users.setdefault(part.strip(), []).append(name)
    entries, taken = [], {"kossen2021", "vbench", "reference", "data-source", "data-target"}
    for text, names in users.items():
        if _KNOWN in text:
            continue
        fields: dict[str, str] = {}
        who = _WHO.search(text)
        if who:
            authors = re.sub(r"\s+et al\.?$", " and others", who[1].strip().rstrip(","))
            fields |= {"author": authors, "year": who[2]}
        doi, arxiv = _DOI.search(text), _ARXIV.search(text)
        if doi:
            fields["doi"] = doi[1] or doi[2]
        if arxiv:
            fields |= {"eprint": arxiv[1], "archiveprefix": "arXiv"}
        fields["note"] = f"{', '.join(names)}: {text}"
        key = _key(fields, names[0], taken)
        entries.append(_entry("misc", key, fields))
    return entries


def _key(fields: Mapping[str, str], name: str, taken: set[str]) -> str:
    """Return a key such as ``isensee2021``; with a letter behind it where it is taken."""
    first = re.split(r" and |,", fields.get("author", name))[0]
    family = re.sub(r"[^a-z]", "", first.lower())
    base = f"{family or 'paper'}{fields.get('year', '')}"
    letters = ("", *(chr(code) for code in range(ord("b"), ord("z") + 1)))
    key = next(base + letter for letter in letters if base + letter not in taken)
    taken.add(key)
    return key


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    width = max(map(len, fields))
    lines = [
        f"  {name.ljust(width)} = {{{_tex(value)}}}" for name, value in fields.items() if value
    ]
    return "\n".join([f"@{kind}{{{key},", ",\n".join(lines), "}"])


def _tex(text: str) -> str:
    """Return text with TeX's own signs written out."""
    return re.sub(r"([&%$#_{}])", r"\\\1", text)
