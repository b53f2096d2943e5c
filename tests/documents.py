"""Reads the project's Markdown: fenced blocks, and the headings that they stand under."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: What a reader finds first; the other pages follow by name.
_FIRST = ("README.md", "docs/index.md", "docs/tutorials/first-run.md")
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")],
    key=lambda path: (str(path.relative_to(ROOT)) not in _FIRST, str(path)),
)
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: The first word after the fence, such as ``sh``.
        options: The rest of that line, such as ``title="my_gan.py"``.
        text: The content.
        heading: The heading above it, without its marks.
        line: Where it begins, 1-based.
        note: The text of an HTML comment right above it, such as ``slow``.
    """

    language: str
    options: str
    text: str
    heading: str
    line: int
    note: str

    @property
    def title(self) -> str:
        """The file that the block is the content of; empty when it is none."""
        found = re.search(r'title="([^"]+)"', self.options)
        return found.group(1) if found else ""


def blocks(path: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file, in order."""
    found: list[Block] = []
    heading, note = "", ""
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            if line.startswith("#"):
                heading = line.lstrip("#").strip()
            if line.strip():
                comment = re.fullmatch(r"<!--\s*(.*?)\s*-->", line.strip())
                note = comment.group(1) if comment else ""
            continue
        content = []
        for _, inner in lines:
            if inner.strip() == fence["fence"]:
                break
            content.append(inner.removeprefix(fence["indent"]))
        language, _, options = fence["info"].strip().partition(" ")
        text = "\n".join(content) + "\n"
        found.append(Block(language, options, text, heading, number, note))
        note = ""
    return found
