"""The benchmarks that come with vbench: run by name, from a wheel as from a checkout."""

from __future__ import annotations

from pathlib import Path

import vbench
from vbench.errors import SpecError, did_you_mean


def folder() -> Path:
    """Return where the specs are: within the package, or beside it in a checkout."""
    package = Path(vbench.__file__).parent
    within = package / "benchmarks"
    return within if within.is_dir() else package.parent / "benchmarks"


def names() -> list[str]:
    """Return the names of the shipped benchmarks, sorted."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def spec_path(text: str | Path) -> Path:
    """Return the spec that a person means: a file, else a shipped benchmark of that name.

    Raises:
        SpecError: When there is neither; with the nearest name.
    """
    path, known = Path(text), names()
    if path.is_file() or path.is_symlink():
        return path
    if str(text) in known:
        return folder() / f"{text}.toml"
    if path.name == str(text) and not path.exists():
        near = did_you_mean(path.stem, known)
        raise SpecError(
            f"{text}: no such file, and no benchmark that vbench ships is called so{near}; "
            "`vbench init` writes a spec"
        )
    return path
