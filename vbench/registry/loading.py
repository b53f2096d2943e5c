"""Finds plugins and loads them into a registry.

Plugins come from entry points of group ``vbench`` (the built-in ones too) and from single files
that a spec names. Each is loaded by itself: one that fails is kept as a :class:`LoadFailure` and
reported, and affects no other.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path

from vbench.errors import PluginError, did_you_mean
from vbench.registry import trial
from vbench.registry.registry import LoadFailure, Registry
from vbench.registry.trial import GROUP, Candidate
from vbench.usertext import regular


def _points(fail: Callable[[str, BaseException], None]) -> list[Candidate]:
    """Return the entry points of all installed distributions.

    Args:
        fail: Is told of a distribution whose metadata cannot be read; the others count anyway.
    """
    found: dict[str, list[Candidate]] = {}
    for installed in metadata.distributions():
        try:
            _check_files(installed)
            points = installed.entry_points.select(group=GROUP)
            if not points:
                continue
            name, version = installed.metadata["Name"], installed.metadata["Version"]
            if not (name and version):
                raise ValueError("METADATA says no name, or no version")
        except Exception as error:
            fail(str(getattr(installed, "_path", "a distribution")), error)
            continue
        alike = re.sub(r"[-_.]+", "-", name).lower()
        # The first on the path counts, as in an import.
        found.setdefault(alike, [Candidate.of(point, name, version) for point in points])
    every = (each for own in found.values() for each in own)
    return sorted(every, key=lambda each: (each.distribution, each.point))


def _check_files(installed: metadata.Distribution) -> None:
    """Raise OSError when what a distribution says of itself is no file: a pipe has no end."""
    place = getattr(installed, "_path", None)
    if not isinstance(place, Path):
        return
    for name in ("entry_points.txt", "METADATA", "PKG-INFO"):
        with suppress(FileNotFoundError, NotADirectoryError):
            regular(place / name)


def _absent(names: Iterable[str], known: Iterable[str]) -> list[PluginError]:
    """Return an error for each name that no installed distribution or entry point has."""
    return [
        PluginError(f"no distribution or entry point is called '{name}'{did_you_mean(name, known)}")
        for name in sorted(set(names) - set(known))
    ]


def _named(only: Iterable[str] | None = None) -> set[str] | None:
    """Return what is to be loaded beside the built-in plugins; None: all."""
    if only is None and "VBENCH_PLUGINS" in os.environ:
        only = os.environ["VBENCH_PLUGINS"].split(",")
    return None if only is None else set(only) - {""}


def _chosen(points: Iterable[Candidate], only: set[str] | None) -> list[Candidate]:
    """Return the entry points that are to be loaded."""
    return [
        each
        for each in points
        if only is None or each.built_in or {each.distribution, each.point} & only
    ]


def _files(paths: Iterable[str | Path]) -> list[Candidate]:
    """Return plugin files.

    Raises:
        PluginError: When one is missing.
    """
    files = [Path(path) for path in paths]
    for path in files:
        if not path.is_file():
            raise PluginError(f"{path}: no such plugin file (plugins.paths)")
    return [Candidate.of_file(path) for path in files]


def try_out(paths: Iterable[str | Path], limit: float) -> None:
    """Try what :func:`load` would import, and this process and its children know the outcome.

    Args:
        paths: Python files with hook implementations.
        limit: Seconds that each may take to be imported, at most :data:`trial.LIMIT`.

    Raises:
        PluginError: When a file is missing.
    """
    installed = _chosen(_points(lambda *_: None), _named())
    trial.refused([*installed, *_files(paths)], limit)


def load(
    paths: Iterable[str | Path] = (), *, only: Iterable[str] | None = None, strict: bool = False
) -> Registry:
    """Load the installed plugins, and those of single files.

    What others wrote is imported in a process of its own first, see :mod:`vbench.registry.trial`:
    one that ends Python or never comes back is a failure like any other.

    Args:
        paths: Python files with hook implementations (``[plugins] paths`` of a spec).
        only: Distributions or entry points to load beside the built-in ones; None: all, or what
            the environment variable ``VBENCH_PLUGINS`` lists, comma-separated.
        strict: Raise at the first that fails instead of keeping the failure; also when the
            environment variable ``VBENCH_PLUGINS_STRICT`` is ``1``.

    Raises:
        PluginError: When ``strict`` and one fails; and when a file of ``paths`` is missing.
    """
    names = _named(only)
    strict = strict or os.environ.get("VBENCH_PLUGINS_STRICT", "0") not in {"", "0"}
    registry = Registry()

    def fail(origin: str, error: BaseException) -> None:
        if strict:
            raise PluginError(f"{origin}: {error}") from error
        message = f"{type(error).__name__}: {error}"
        if isinstance(error, PluginError):
            message = str(error)
        registry.failures.append(LoadFailure(origin, message, traceback.format_exc()))

    points = _points(fail)
    known = {point.point for point in points} | {point.distribution for point in points}
    for absent in _absent(names or (), known):
        if strict:
            raise PluginError(f"VBENCH_PLUGINS: {absent}")
        registry.failures.append(LoadFailure("VBENCH_PLUGINS", str(absent), ""))
    candidates = [*_chosen(points, names), *_files(paths)]
    refused = trial.refused(candidates)
    for each in candidates:
        if not each.point and registry.has_file(Path(each.origin)):
            continue  # a package installed in place: its entry point has loaded the same file
        try:
            if each.origin in refused:
                raise PluginError(refused[each.origin])
            registry.take(each)
        except (Exception, SystemExit) as error:
            fail(each.origin, error)
    return registry


@cache
def default() -> Registry:
    """Return the registry of all installed plugins, loaded once per process."""
    return load()


def for_paths(paths: tuple[str, ...]) -> Registry:
    """Return the registry of all installed plugins and these files.

    Loaded once per process, and again when a file has changed, as when it is edited beside a
    notebook.
    """
    if not paths:
        return default()
    files = [Path(path) for path in paths]
    contents = tuple(file.read_bytes() if file.is_file() else b"" for file in files)
    return _for_contents(paths, contents)


@lru_cache(maxsize=8)
def _for_contents(paths: tuple[str, ...], contents: tuple[bytes, ...]) -> Registry:
    return load(paths)
