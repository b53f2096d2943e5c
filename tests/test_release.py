"""The release checklist: it finds what is not ready, and passes a tree that is."""

from __future__ import annotations

from pathlib import Path

import pytest
import release


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree that is ready."""
    files = {
        "vbench/_version.py": '__version__ = "1.2.3"\n',
        "CITATION.cff": "version: 1.2.3\ndate-released: 2026-11-27\n",
        "CHANGELOG.md": "# Changelog\n\n## 1.2.3 — 2026-11-27\n\n- New.\n\n## 1.2.2 — 2026-01-01\n",
        "README.md": "",
        "docs/index.md": "pip install vbench-1.2.3-py3-none-any.whl\n",
        "results/README.md": "[paper](summaries/paper/README.md)\n",
        "results/summaries/paper/README.md": "# paper\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


READ = (release.one_version, release.changelog, release.summaries)


def faults(tree: Path) -> list[str]:
    return [fault for check in READ for fault in check(tree)]


def test_a_tree_that_is_ready_has_no_fault(tree: Path) -> None:
    assert faults(tree) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("vbench/_version.py", '__version__ = "1.2.3.dev1"\n', "no release"),
        ("CITATION.cff", "version: 1.2.2\ndate-released: 2026-11-27\n", "version is not 1.2.3"),
        ("CITATION.cff", "version: 1.2.3\n", "date-released is not 2026-11-27"),
        ("CHANGELOG.md", "## 1.2.3 — unreleased\n\n- Something.\n", "write the day"),
        ("CHANGELOG.md", "## 1.2.2 — 2026-01-01\n\n- Old.\n", "not of 1.2.3"),
        ("CHANGELOG.md", "\n## 1.2.3 — 2026-11-27\n\n", "nothing is said"),
        ("docs/index.md", "pip install vbench-1.2.2-py3-none-any.whl\n", "wheel of 1.2.2"),
        ("docs/howto/x.md", "pip install vbench-1.2.2-py3-none-any.whl\n", "x.md: names the wheel"),
        ("results/README.md", "nothing\n", "does not name summaries/paper"),
    ],
)
def test_what_is_not_ready_is_named(tree: Path, name: str, text: str, said: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)
    assert any(said in fault for fault in faults(tree)), faults(tree)


def test_here_everything_agrees_but_what_a_release_sets() -> None:
    """The version is one everywhere, and all summaries are listed; only the date may be open."""
    assert list(release.one_version(release.ROOT)) == []
    assert list(release.summaries(release.ROOT)) == []
