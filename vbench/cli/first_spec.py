"""Writes a first spec: for a data set, from what it holds; else for the phantom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from vbench.cli.common import settings
from vbench.data.folder import FolderSource
from vbench.data.header import VOXEL
from vbench.data.pictures import PIXEL_SIZE, UNMEASURED
from vbench.data.splits import group_by_pattern
from vbench.errors import DataError, SpecError
from vbench.files import atomic_write
from vbench.masks.slices import fitting, thin_axis
from vbench.spec.recipes import recipe
from vbench.spec.shipped import recipes
from vbench.usertext import counted, plain_name, shell_word

Texts: TypeAlias = tuple[str, ...]
FILE = "benchmark.toml"
#: Patches that a spec begins with, for volumes and for single slices.
_BLOCK, _PLANE = [16, 16, 16], [64, 64]
#: Subjects of the phantom's spec.
_PHANTOM = {"train": 4, "val": 1, "test": 3}


@dataclass(frozen=True)
class Found:
    """What a data set holds.

    Attributes:
        source: What reads it.
        people: How many persons.
        size: Patches that fit all its images.
        spacing: Of the first subject, mm.
        shapes: The smallest and the largest edge along each axis.
        masked: Whether the first subject has a mask.
        unmeasured: Whether nothing says how large its voxels are: distances count pixels.
    """

    source: FolderSource
    people: int
    size: list[int]
    spacing: tuple[float, ...]
    shapes: tuple[tuple[int, int], ...]
    masked: bool
    unmeasured: bool

    def __str__(self) -> str:
        edges = " × ".join(f"{a}" if a == b else f"{a}–{b}" for a, b in self.shapes)
        n = len(self.source.subjects())
        whose = "" if n == self.people else f" of {self.people} persons"
        spacing = " × ".join(f"{edge:.3g}" for edge in self.spacing)
        size = "pixels of unknown size" if self.unmeasured else f"voxels of {spacing} mm"
        mask = "with a mask" if self.masked else "without a mask"
        return f"{n} subjects{whose}, {edges} {size}, {mask}"


def write_spec(
    folder: Path, data: Path | None = None, layout: str | None = None, overrides: Texts = ()
) -> tuple[Path, list[str]]:
    """Write ``benchmark.toml`` and return its path, and what was found, in lines.

    Args:
        folder: Where; made when it is missing.
        data: A data set; None: the phantom.
        layout: What reads it; None: what it looks like.
        overrides: Parameters of that layout, as ``KEY=VALUE``.

    Raises:
        SpecError: When the file is there already, or the spec would be refused.
        DataError: When there is no data set, or it has too few subjects.
    """
    path = folder / FILE
    if path.exists():
        raise SpecError(f"{path}: is there already; name another folder, or move it away")
    found = None if data is None else look(data, layout, overrides)
    text = _text(folder, found, data, _given(layout, overrides))
    _check(text, path)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if found is None:
        return path, []
    lines = [f"{data}: {found.source.name} layout, {found}"]
    if found.unmeasured:
        key = PIXEL_SIZE if hasattr(found.source.params, PIXEL_SIZE) else "spacing"
        lines.append(f"{UNMEASURED}; {key} in {path} gives it, in mm")
    return path, lines


def look(data: Path, layout: str | None, overrides: Texts) -> Found:
    """Find out what a data set holds, from its headers and its first subject.

    Raises:
        DataError: When it cannot be read, or has too few subjects for three parts.
    """
    from vbench.cli.data import open_folder

    source: FolderSource = open_folder(data, layout, overrides)
    names = source.subjects()
    group = _group(layout)
    whose = group_by_pattern(names, group) if group else {n: source.group_of(n) for n in names}
    people = set(whose.values())
    if len(people) < 3:
        raise DataError(
            f"{data}: {counted(len(people), 'subject')}; training, validation and test need one "
            "each, so at least 3"
        )
    try:
        first = source.load(names[0])
    except DataError as error:
        raise DataError(f"{error}{_more(source, data, layout, overrides)}") from error
    known = {shape for name in names if (shape := source.shape_of(name)) is not None}
    shapes = sorted(known or {first.image.shape})
    size = fitting(
        shapes, _PLANE if all(thin_axis(shape) is not None for shape in shapes) else _BLOCK
    )
    if size is None:
        raise DataError(f"{data}: the smallest image, {min(shapes)}, has no room for a patch")
    edges = tuple((min(edge), max(edge)) for edge in zip(*shapes, strict=True))
    return Found(
        source,
        len(people),
        size,
        first.spacing,
        edges,
        masked=first.mask is not None,
        unmeasured=first.unit == VOXEL,
    )


def _more(source: FolderSource, data: Path, layout: str | None, overrides: Texts) -> str:
    """Say how many faults there are beside one, and what lists them; this reads all files."""
    from vbench.data.check import faults_of

    more = len(faults_of(source)) - 1
    options = [f"--layout {shell_word(layout)}"] if layout else []
    options += [f"--set {shell_word(each)}" for each in overrides]
    command = " ".join(["vbench data check", shell_word(data), *options])
    return f" ({more} more: `{command}`)" if more > 0 else ""


def _given(layout: str | None, overrides: Texts) -> dict[str, Any]:
    """Return what stands in the table of the source; of a recipe, its parameters and its group."""
    from vbench.cli.recipes import parameters

    if layout is None or layout not in recipes():
        return settings(overrides)
    group = _group(layout)
    return parameters(layout, overrides)[1] | ({"group": group} if group else {})


def _group(layout: str | None) -> str | None:
    """Return how a recipe tells persons by the subjects' names."""
    return recipe(layout).group if layout is not None and layout in recipes() else None


def _text(folder: Path, found: Found | None, data: Path | None, given: Mapping[str, Any]) -> str:
    from importlib import resources

    import jinja2

    template = (resources.files("vbench.cli") / "templates" / "benchmark.toml.j2").read_text(
        "utf-8"
    )
    values = {
        "name": _name(folder if data is None else data),
        "found": found,
        "path": "" if data is None else _toml(_place(data, folder)),
        "given": [f"{key} = {_toml(value)}" for key, value in given.items() if key != "path"],
        "split": _PHANTOM if found is None else _split(found.people),
        "size": _BLOCK if found is None else found.size,
    }
    made: str = jinja2.Template(template, keep_trailing_newline=True, trim_blocks=True).render(
        values
    )
    return made


def _check(text: str, path: Path) -> None:
    """Raise SpecError when vbench itself would refuse the spec: nothing is written then."""
    import tomllib

    from vbench import registry
    from vbench.spec.check import check_spec
    from vbench.spec.load import parse_spec

    try:
        check_spec(parse_spec(tomllib.loads(text)), registry.default())
    except SpecError as error:
        raise SpecError(f"{path} would be refused: {error}") from error


def _split(people: int) -> dict[str, int]:
    """Return the default shares as counts: every part has one, and they can be read off."""
    val = max(1, round(0.15 * people))
    test = max(1, round(0.25 * people))
    return {"train": people - val - test, "val": val, "test": test}


def _place(data: Path, folder: Path) -> str:
    """Return the data's path from the spec's folder; absolute where that leads far away."""
    absolute = data.resolve()
    here = folder.resolve()
    if absolute.is_relative_to(here):
        return str(absolute.relative_to(here))
    if absolute.is_relative_to(here.parent):
        return str(Path("..") / absolute.relative_to(here.parent))
    return str(absolute)


def _name(folder: Path) -> str:
    """Return a folder's name as a benchmark may be called."""
    return plain_name(folder.resolve().name.partition(".")[0])[:60] or "first"


def _toml(value: Any) -> str:
    """Return a value as TOML; JSON is TOML for all that a parameter may be, but for tables."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(k)} = {_toml(part)}" for k, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
