"""No link in README, docs or results is dead, neither in the repository nor on the site."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest
from documents import PAGES, ROOT

#: ``[words](target)`` and ``![picture](target)``, without addresses elsewhere.
_LINK = re.compile(r"\]\(<?(?!\w+:)([^)\s>]+)>?(?: \"[^\"]*\")?\)")
_CODE = re.compile(r"^( *)```.*?^\1```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


@cache
def anchors(page: Path) -> set[str]:
    """Return what the headings of a page may be linked by, on the site and in the repository."""
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = set(re.findall(r'(?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#+ +(.+?)\s*$", text, flags=re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)).lower()
        found |= {plain.strip().replace(" ", "-"), re.sub(r"[\s-]+", "-", plain.strip())}
    return found


def links(page: Path) -> list[str]:
    return _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8")))


def dead(page: Path, link: str) -> str:
    """Return what is wrong with a link of a page; empty when it leads somewhere."""
    place, _, anchor = link.partition("#")
    target = (page.parent / place).resolve() if place else page
    if target in RENDERED:
        return ""
    if not target.exists():
        return "no such file"
    if not target.is_relative_to(ROOT):
        return "leads out of the repository"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return "no such heading"
    return ""


#: Reports that are on the site alone: docs/gallery.py renders them from small results.
RENDERED = {
    ROOT / "docs" / "gallery" / f"{plan.parent.name}.html"
    for plan in ROOT.glob("results/summaries/gallery/*/plan.json")
}
FILES = sorted({*PAGES, *ROOT.glob("results/**/README.md")})


@pytest.mark.parametrize("page", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    assert {link: why for link in links(page) if (why := dead(page, link))} == {}


def test_dead_links_are_seen(tmp_path: Path) -> None:
    page = ROOT / "docs" / "index.md"
    assert dead(page, "no.md") == "no such file"
    assert dead(page, "#no-heading") == "no such heading"
    assert dead(page, "../../x") in {"no such file", "leads out of the repository"}
    (tmp_path / "x.md").write_text("[a](b.md) `[c](d.md)` [e](https://f.org)\n```sh\n[g](h)\n```\n")
    assert links(tmp_path / "x.md") == ["b.md"]


def test_the_generated_reference_is_that_of_the_code() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import generate
    finally:
        sys.path.pop(0)
    for path, make in generate.PAGES.items():
        there = ROOT / "docs" / path
        assert there.exists(), "run `python docs/generate.py`"
        assert there.read_text(encoding="utf-8") == make(), f"{path}: run `python docs/generate.py`"
