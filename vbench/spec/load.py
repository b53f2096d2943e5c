"""Reads a spec: TOML, what it extends, and ``--set``; a fault is one line that says the fix."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vbench.errors import SpecError, StoreError
from vbench.spec.faults import describe, key_path
from vbench.spec.model import Spec
from vbench.spec.shipped import shipped_path, spec_path
from vbench.usertext import key_value, one_line, read_text, user_path


def load_spec(path: str | Path, overrides: Iterable[str] = ()) -> Spec:
    """Read a spec file.

    Args:
        path: The TOML file, or the name of a benchmark that vbench ships.
        overrides: ``key.path=value`` as of ``--set``; values are TOML, a bare word is a string.

    Raises:
        SpecError: With one line per fault, each naming the key.
    """
    table = _read(spec_path(path), ())
    for text in overrides:
        _set(table, text)
    return parse_spec(table)


def stored_spec(table: Mapping[str, Any], where: str | Path) -> Spec:
    """Return the spec that a results folder holds.

    Args:
        table: The spec, of ``plan.json``.
        where: The file, for the message.

    Raises:
        StoreError: In one line, when it is not sound for this version.
    """
    try:
        return parse_spec(table)
    except SpecError as error:
        first = str(error).partition("\n")[0]
        raise StoreError(f"{where}: spec: {first}; run the benchmark again") from error


def parse_spec(table: Mapping[str, Any]) -> Spec:
    """Check a table (as TOML gives it) and return the spec.

    Raises:
        SpecError: With one line per fault, each naming the key.
    """
    try:
        return Spec.model_validate(table)
    except ValidationError as error:
        raise FaultySpecError(
            "\n".join(describe(error, Spec)), *_sound_part(table, error)
        ) from error


#: Required keys that something can stand in for when they are wrong, so that the rest is a spec.
_STAND_INS: dict[str | int, Callable[[str], Any]] = {
    "name": lambda unnamed: unnamed,
    "plugin": lambda unnamed: unnamed,
    "source": lambda unnamed: {"plugin": unnamed},
    "benchmark": lambda unnamed: {"name": unnamed},
    "data": lambda unnamed: {"source": {"plugin": unnamed}},
}


class FaultySpecError(SpecError):
    """Keys of a spec are wrong.

    Attributes:
        rest: The spec without them, in which plugins and parameters can be checked all the same;
            None when nothing is left that could be.
        stand_ins: Names of ours in the rest, of which nothing is to be said.
    """

    def __init__(self, message: str, rest: Spec | None, stand_ins: Iterable[str] = ()) -> None:
        """Keep what is sound."""
        super().__init__(message)
        self.rest = rest
        self.stand_ins = tuple(stand_ins)

    def of_rest(self, lines: Iterable[str]) -> list[str]:
        """Return lines about the rest, without those about what stands in."""
        return [line for line in lines if not any(f"'{name}'" in line for name in self.stand_ins)]


def _sound_part(table: Mapping[str, Any], error: ValidationError) -> tuple[Spec | None, list[str]]:
    """Return the spec without the keys that an error names, and the names that stand in for some.

    A required key gets one; where there is none for it, the table around it goes.
    """
    rest, stand_ins = deepcopy(dict(table)), list[str]()
    for last_time in (False, True):
        for fault in error.errors():
            path = key_path(fault)
            place = _at(rest, path[:-1])
            if not path or not isinstance(place, dict):
                continue
            missing = fault["type"] == "missing"
            if path[-1] in _STAND_INS and fault["type"] != "extra_forbidden":
                stand_ins.append(f"unnamed-{len(stand_ins)}")
                place[path[-1]] = _STAND_INS[path[-1]](stand_ins[-1])
            else:
                _take_out(rest, path[:-1] if missing else path)
        try:
            return Spec.model_validate(rest), stand_ins
        except ValidationError as again:
            if last_time:
                break
            error = again  # what is missing now
    return None, []


def _at(table: Any, path: Iterable[str | int]) -> Any:
    """Return what is at a path; None when nothing is."""
    for part in path:
        inside = isinstance(table, dict) and part in table
        inside |= isinstance(table, list) and isinstance(part, int) and part < len(table)
        table = table[part] if inside else None
    return table


def _take_out(table: dict[str, Any], path: Sequence[str | int]) -> None:
    """Take out the key at a path, if there is one."""
    place = _at(table, path[:-1])
    if path and isinstance(place, dict):
        place.pop(path[-1], None)


def _read(path: Path, above: tuple[str, ...]) -> dict[str, Any]:
    """Read one file over what it extends; a table ``[reference]`` is not inherited."""
    try:
        place = os.path.realpath(path)
        if place in above:
            raise SpecError(f"{path}: benchmark.extends comes back to itself; break the circle")
        table = tomllib.loads(read_text(path))
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise SpecError(f"{path}: {reason}; expected a spec in TOML") from error
    except tomllib.TOMLDecodeError as error:
        hint = "; write a path with '/', or in 'single quotes'" if "\\" in str(error) else ""
        raise SpecError(f"{path}: not valid TOML: {one_line(str(error))}{hint}") from error
    except RecursionError as error:
        raise SpecError(f"{path}: not valid TOML: nested too deeply") from error
    except ValueError as error:
        raise SpecError(f"{path}: {error}; expected a spec in TOML, saved as UTF-8") from error
    _resolve_paths(table, path.parent)
    benchmark = table.get("benchmark")
    base = benchmark.pop("extends", None) if isinstance(benchmark, dict) else None
    if base is None:
        return table
    if not isinstance(base, str):
        raise SpecError(f"{path}: benchmark.extends: expected the name of a file, got {base!r}")
    extended = Path(_resolved(base, path.parent, "benchmark.extends"))
    if not os.path.lexists(extended):
        extended = shipped_path(base) or extended
    under = _read(extended, (*above, place))
    under.pop("reference", None)  # figures were published for the benchmark that names them
    _replace_form(under, table, "segmenter", "segmenters")
    if isinstance(under.get("data"), dict) and isinstance(table.get("data"), dict):
        _replace_form(under["data"], table["data"], "target", "targets")
    return _merge(under, table)


def _replace_form(under: dict[str, Any], over: Mapping[str, Any], one: str, several: str) -> None:
    """Drop a table that the other form of it, a list, takes the place of; or the list likewise."""
    for mine, theirs in ((one, several), (several, one)):
        if mine in over:
            under.pop(theirs, None)


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables key by key; anything else, lists too, is replaced.

    A data set with another plugin is replaced as a whole: the old plugin's keys mean nothing
    to the new one.
    """
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        changed = isinstance(old, dict) and "plugin" in old and isinstance(value, dict)
        if changed and value.get("plugin", old["plugin"]) != old["plugin"]:  # type: ignore[index]
            merged[key] = value
        elif key == "split" and isinstance(old, dict) and ("folds" in old) != ("folds" in value):
            merged[key] = value  # folds instead of parts, or parts instead of folds
        elif isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(old, value)
        else:
            merged[key] = value
    return merged


def _resolve_paths(table: dict[str, Any], folder: Path) -> None:
    """Make paths absolute that are relative to the file; to the current folder for ``--set``."""
    data = table.get("data")
    for role, part in data.items() if isinstance(data, dict) else ():
        for i, one in enumerate(part if isinstance(part, list) else [part]):
            if isinstance(one, dict):
                key = f"data.{role}.{i}" if isinstance(part, list) else f"data.{role}"
                _resolve_named(one, folder, key, ("path",))
    for where, params in _params(table, ""):
        _resolve_named(params, folder, where, filter(_is_path, list(params)))
    regimes = table.get("regimes")
    given = regimes.get("pretrained") if isinstance(regimes, dict) else None
    weights = given.get("weights") if isinstance(given, dict) else None
    weights = weights if isinstance(weights, dict) else {}
    for name, entry in list(weights.items()):
        where = "regimes.pretrained.weights"
        if isinstance(entry, dict):
            _resolve_named(entry, folder, f"{where}.{name}", ("path",))
        else:
            _resolve_named(weights, folder, where, (name,))
    generators = table.get("generators")
    for i, use in enumerate(generators if isinstance(generators, list) else ()):
        if isinstance(use, dict):
            _resolve_origin(use, folder, f"generators.{i}.from")
    plugins = table.get("plugins")
    if isinstance(plugins, dict) and isinstance(plugins.get("paths"), list):
        plugins["paths"] = [
            str(_resolved(str(path), folder, "plugins.paths")) for path in plugins["paths"]
        ]


def _resolve_named(table: dict[str, Any], folder: Path, where: str, names: Iterable[str]) -> None:
    for name in names:
        if isinstance(table.get(name), str):
            table[name] = str(_resolved(table[name], folder, f"{where}.{name}"))


def _resolve_origin(use: dict[str, Any], folder: Path, where: str) -> None:
    """Make the folder of ``FOLDER/BENCHMARK:ARM`` absolute."""
    place, colon, arm = str(use.get("from", "")).rpartition(":")
    if colon:
        use["from"] = f"{_resolved(place, folder, where)}:{arm}"


def _is_path(name: str) -> bool:
    """Whether a plugin's parameter of this name is a path."""
    return name == "path" or name.endswith("_path")


def _params(table: Any, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parameters of all plugins that a spec names, with their keys."""
    parts = table.items() if isinstance(table, dict) else enumerate(table)
    for name, part in parts:
        key = f"{where}.{name}" if where else str(name)
        if name == "params" and isinstance(part, dict):
            yield key, part
        elif isinstance(part, dict | list):
            yield from _params(part, key)


def _resolved(text: str, folder: Path, key: str) -> Path:
    """Return a path of a spec as an absolute one; links that go round are left as they are."""
    try:
        return Path(os.path.realpath(user_path(text, folder)))
    except (ValueError, OSError) as error:
        raise SpecError(f"{key}: {error}; correct the path") from error


def _set(table: dict[str, Any], text: str) -> None:
    """Apply one ``key.path=value``; in a list of tables, a number or a plugin's name picks one."""
    try:
        key, value = key_value(text)
    except ValueError as error:
        raise _no_setting(text) from error
    *above, last = [part.strip() for part in key.split(".")]
    if not last or not all(above):
        raise _no_setting(text)
    place: Any = table
    for part in above:
        if isinstance(place, list):
            names = [(str(i), t.get("name"), t.get("plugin")) for i, t in enumerate(place)]
            found = [t for t, known in zip(place, names, strict=True) if part in known]
            if len(found) != 1:
                raise SpecError(f"--set {key}: {len(found)} entries of that list are '{part}'")
            place = found[0]
        elif isinstance(place, dict):
            place = place.setdefault(part, {})
    if not isinstance(place, dict):
        raise SpecError(f"--set {key}: '{above[-1]}' is not a table")
    place[last] = value
    here, where = Path.cwd(), ".".join(above)
    if key == "plugins.paths":
        _resolve_paths({"plugins": place}, here)
    elif (
        (above[:1] == ["data"] and last == "path")
        or (above[-1:] == ["params"] and _is_path(last))
        or (above == ["regimes", "pretrained", "weights"] and isinstance(value, str))
    ):
        _resolve_named(place, here, where, (last,))
    elif above[:1] == ["generators"] and last == "from":
        _resolve_origin(place, here, key)
    for within, params in _params({last: value}, where):
        _resolve_named(params, here, within, filter(_is_path, list(params)))


def _no_setting(text: str) -> SpecError:
    return SpecError(f"--set {text}: expected key.path=value, such as tune.trials=2")
