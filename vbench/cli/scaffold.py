"""Writes a small, complete plugin package from templates: it works, and waits to be changed."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path

from vbench import registry
from vbench.errors import PluginError
from vbench.files import atomic_write
from vbench.types import Kind

_NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
_SUITES: dict[Kind, str] = {
    "source": "SourceSuite",
    "generator": "GeneratorSuite",
    "segmenter": "SegmenterSuite",
    "metric": "SegmentationMetricSuite",
}


def write_package(name: str, kind: Kind, folder: Path) -> list[Path]:
    """Write the package and return its files.

    Args:
        name: The plugin's and the distribution's name, such as ``my-gan``.
        kind: What it is.
        folder: Where; new or empty.

    Raises:
        PluginError: When the name cannot be one, is taken, or the folder is not empty.
    """
    module = name.replace("-", "_")
    if not _NAME.match(name) or keyword.iskeyword(module):
        raise PluginError(
            f"'{name}' cannot name a plugin; expected lower case letters, digits and '-', "
            "such as my-gan"
        )
    plugins = registry.default()
    if plugins.has(kind, name):
        taken = plugins.get(kind, name)
        raise PluginError(
            f"there is a {kind} '{name}' already, of {taken.distribution} {taken.version}; "
            "choose another name"
        )
    if folder.exists() and any(folder.iterdir()):
        raise PluginError(f"{folder}: not empty; name a new folder with --dir")
    values = {
        "name": name,
        "module": module,
        "kind": kind,
        "title": name.replace("-", " ").capitalize(),
        "cls": "".join(part.capitalize() for part in name.split("-")),
        "suite": _SUITES[kind],
    }
    files = {
        f"{module}.py": f"{kind}.py",
        f"test_{module}.py": "test.py",
        "try.toml": "try.toml",
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
    }
    return [_write(folder / file, template, {**values}) for file, template in files.items()]


def _write(path: Path, template: str, values: dict[str, str]) -> Path:
    import jinja2

    text = (resources.files("vbench.cli") / "templates" / f"{template}.j2").read_text("utf-8")
    made = jinja2.Template(text, keep_trailing_newline=True).render(values)
    with atomic_write(path) as temporary:
        temporary.write_text(made, encoding="utf-8")
    return path
