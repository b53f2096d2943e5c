"""The benchmarks that come with vbench: run by name, from a wheel as from a checkout."""

from __future__ import annotations

from pathlib import Path

import vbench
from vbench.errors import SpecError, did_you_mean, nearest


def folder() -> Path:
    """Return where the specs are: within the package, or beside it in a checkout."""
    package = Path(vbench.__file__).parent
    within = package / "benchmarks"
    return within if within.is_dir() else package.parent / "benchmarks"


def names() -> list[str]:
    """Return the names of the shipped benchmarks, sorted; without recipes."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def recipes() -> list[str]:
    """Return the names of the recipes of public data sets, sorted.

    Files that recipes extend begin with ``_``.
    """
    return sorted(path.stem for path in (folder() / "recipes").glob("[!_]*.toml"))


def shipped_path(name: str) -> Path | None:
    """Return the spec of a shipped benchmark or recipe, None when none is called so."""
    if name in names():
        return folder() / f"{name}.toml"
    return folder() / "recipes" / f"{name}.toml" if name in recipes() else None


def spec_path(text: str | Path) -> Path:
    """Return the spec that a person means: a file, else a shipped benchmark or recipe.

    Raises:
        SpecError: When there is neither; with the nearest name, of files beside it first.
    """
    path, shipped = Path(text), shipped_path(str(text))
    if path.is_file() or path.is_symlink():
        return path
    if shipped is not None:
        return shipped
    if path.exists():
        return path
    beside = {each.stem: each for each in sorted(path.parent.glob("*.toml"))}
    near_files = [repr(str(beside[stem])) for stem in nearest(path.stem, beside)]
    if near_files:
        raise SpecError(f"{text}: no such file; did you mean {' or '.join(near_files)}?")
    if path.name == str(text):
        near = did_you_mean(path.stem, [*names(), *recipes()])
        raise SpecError(
            f"{text}: no such file, and no benchmark that vbench ships is called so{near}; "
            "`vbench init` writes a spec"
        )
    return path
