"""What must be true before a version leaves the house; ``make release-check`` prints what is not.

    python tests/release.py          # everything; builds the wheel
    python tests/release.py --quick  # what can be read, without building

The steps that a person does are in CONTRIBUTING.md, under "A release".
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

#: What names the wheel beside the pages of the documentation.
NAMING = (Path("README.md"), Path("benchmarks/Containerfile"))
#: Finds what is wrong in a tree: a sentence for each fault, with the file and the fix.
Check = Callable[[Path], Iterator[str]]


def version_of(root: Path) -> str:
    """Return the version that the package says it has."""
    text = (root / "vbench" / "_version.py").read_text()
    found = re.search(r'__version__ = "([^"]+)"', text)
    return found.group(1) if found else ""


def one_version(root: Path) -> Iterator[str]:
    """The version is a release's, and the same wherever it is written."""
    version = version_of(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        yield f"vbench/_version.py: '{version}' is no release; write such as 0.2.0"
    cited = re.search(r"^version: (\S+)", (root / "CITATION.cff").read_text(), re.MULTILINE)
    if cited is None or cited.group(1) != version:
        yield f"CITATION.cff: version is not {version}"
    pages = [root / path for path in NAMING if (root / path).is_file()]
    for page in (*pages, *sorted(root.glob("docs/**/*.md"))):
        for named in re.findall(r"vbench-(\d\S*?)-py3", page.read_text()):
            if named != version:
                yield f"{page.relative_to(root)}: names the wheel of {named}, not of {version}"


def changelog(root: Path) -> Iterator[str]:
    """The changelog begins with this version and its date, and says something."""
    text = (root / "CHANGELOG.md").read_text()
    version = version_of(root)
    heads = re.findall(r"^## (\S+) — (.+)$", text, re.MULTILINE)
    if not heads or heads[0][0] != version:
        yield f"CHANGELOG.md: the first heading is not of {version}"
        return
    date = heads[0][1]
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", date):
        yield f"CHANGELOG.md: {version} is '{date}'; write the day of the release, as 2026-11-27"
        return
    released = re.search(r"^date-released: (\S+)", (root / "CITATION.cff").read_text(), re.M)
    if released is None or released.group(1).strip("'\"") != date:
        yield f"CITATION.cff: date-released is not {date}"
    section = f"\n{text}".split("\n## ")[1]
    if not re.search(r"^- ", section, re.MULTILINE):
        yield f"CHANGELOG.md: nothing is said of {version}"


def summaries(root: Path) -> Iterator[str]:
    """Every summary of results is in their table, and has a page that says how it was made."""
    table = (root / "results" / "README.md").read_text()
    for folder in sorted((root / "results" / "summaries").iterdir()):
        if not (folder / "README.md").is_file():
            yield f"results/summaries/{folder.name}: has no README.md"
        if f"summaries/{folder.name}/" not in table:
            yield f"results/README.md: does not name summaries/{folder.name}"


def committed(root: Path) -> Iterator[str]:
    """Nothing is left that git does not know."""
    found = _git(root, "status", "--porcelain")
    if found:
        yield f"git: {len(found.splitlines())} files differ from the commit; commit or remove them"


def untagged(root: Path) -> Iterator[str]:
    """The version's tag is free, or on this commit."""
    tag = f"v{version_of(root)}"
    if _git(root, "tag", "--list", tag) and _git(root, "rev-list", "-n", "1", tag) != _git(
        root, "rev-parse", "HEAD"
    ):
        yield f"git: {tag} is another commit; raise the version in vbench/_version.py"


def wheel(root: Path) -> Iterator[str]:
    """The wheel can be built, and holds code, benchmarks and licence, and no tests or results."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", str(root)]
        built = subprocess.run(
            [*command, "--wheel-dir", folder], capture_output=True, text=True, check=False
        )
        if built.returncode:
            yield f"wheel: cannot be built: {built.stderr.strip().splitlines()[-1]}"
            return
        (path,) = Path(folder).glob("vbench-*.whl")
        names = zipfile.ZipFile(path).namelist()
    if f"-{version_of(root)}-" not in path.name:
        yield f"wheel: is called {path.name}"
    for wanted in (r"vbench/cli/", r"vbench_plugins/", r"paper\.toml$", r"licenses/LICENSE$"):
        if not any(re.search(wanted, name) for name in names):
            yield f"wheel: has no {wanted}"
    for name in names:
        if re.search(r"(^|/)(tests|results)/|\.DS_Store|__pycache__", name):
            yield f"wheel: holds {name}"
            break


QUICK: tuple[Check, ...] = (one_version, changelog, summaries, committed, untagged)
ALL: tuple[Check, ...] = (*QUICK, wheel)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def main() -> int:
    """Print each check with its faults; 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="build nothing")
    checks = QUICK if parser.parse_args().quick else ALL
    failed = 0
    for check in checks:
        faults = list(check(ROOT))
        print(f"{'no ' if faults else 'yes'} {(check.__doc__ or '').splitlines()[0]}")
        for fault in faults:
            print(f"      {fault}")
        failed += bool(faults)
    print("ready" if not failed else f"{failed} of {len(checks)} checks failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
