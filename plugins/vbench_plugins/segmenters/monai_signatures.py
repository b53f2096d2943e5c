"""Reads the networks of MONAI, and their arguments, from its source, without importing it.

Importing MONAI takes seconds, and a spec is checked before anything is trained; so names and
arguments are taken from the text of the installed version.
"""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vbench.errors import PluginError, did_you_mean

#: Arguments that follow from the patches and the task.
GIVEN = ("spatial_dims", "in_channels", "out_channels", "img_size", "input_image_size")
#: Arguments that a spec cannot give: modules, downloads, and what changes nothing here.
_LEFT_OUT = ("preprocess", "pretrained", "progress", "deep_supervision", "dropout_dim")
_TYPES = {"int": int, "float": float, "bool": bool, "str": str}


@dataclass(frozen=True)
class Argument:
    """One argument of a network.

    Attributes:
        name: Its name.
        type: ``int``, ``float``, ``bool``, ``str``, or ``Any`` for what is not so simple.
        default: Its default; None when there is none, or when it is not a plain value.
        text: The default as MONAI's source writes it; empty when there is none.
    """

    name: str
    type: Any
    default: Any
    text: str


@dataclass(frozen=True)
class Signature:
    """What a network is called with.

    Attributes:
        name: The class's name.
        arguments: What a spec may set.
        given: Which of :data:`GIVEN` it takes.
        paper: The arXiv numbers that its docstring names.
    """

    name: str
    arguments: tuple[Argument, ...]
    given: frozenset[str]
    paper: str


@cache
def signature(name: str) -> Signature:
    """Return the signature of a network of ``monai.networks.nets``.

    Raises:
        PluginError: When MONAI has no such network, or it does not take and give channels.
    """
    module = _exported().get(name)
    found = _networks(module) if module else {}
    if name not in found:
        known = [network for module in set(_exported().values()) for network in _networks(module)]
        raise PluginError(f"MONAI has no network '{name}' for images{did_you_mean(name, known)}")
    return found[name]


@cache
def _folder() -> Path:
    spec = importlib.util.find_spec("monai")
    if spec is None or not spec.submodule_search_locations:
        raise PluginError("MONAI is not installed; run `pip install monai`")
    return Path(spec.submodule_search_locations[0]) / "networks" / "nets"


@cache
def _exported() -> dict[str, str]:
    """Return, for each name that ``monai.networks.nets`` offers, the module that it is from."""
    return {
        alias.name: statement.module
        for statement in _tree(_folder() / "__init__.py").body
        if isinstance(statement, ast.ImportFrom) and statement.module and statement.level
        for alias in statement.names
    }


@cache
def _networks(module: str) -> dict[str, Signature]:
    """Return the networks of one module that take and give channels."""
    read = (
        _signature(node)
        for node in _tree(_folder() / f"{module}.py").body
        if isinstance(node, ast.ClassDef) and node.name in _exported()
    )
    return {found.name: found for found in read if {"in_channels", "out_channels"} <= found.given}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _signature(cls: ast.ClassDef) -> Signature:
    numbers = re.findall(r"arxiv\.org/(?:abs|pdf)/(\d+\.\d+)", ast.get_docstring(cls) or "")
    paper = ", ".join(f"arXiv:{number}" for number in dict.fromkeys(numbers))
    for node in cls.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = tuple(_arguments(node.args))
            names = frozenset(argument.name for argument in arguments)
            own = tuple(a for a in arguments if a.name not in (*GIVEN, *_LEFT_OUT))
            return Signature(cls.name, own, names.intersection(GIVEN), paper)
    return Signature(cls.name, (), frozenset(), paper)


def _arguments(given: ast.arguments) -> Iterator[Argument]:
    positional = given.args[1:]  # without self
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults))
    defaults += given.defaults
    pairs = [
        *zip(positional, defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        text = ast.unparse(default) if default is not None else ""
        try:
            value = _lists(ast.literal_eval(default)) if default is not None else None
        except ValueError:
            value = None  # such as Norm.INSTANCE: MONAI's own default is then left to MONAI
        yield Argument(argument.arg, _TYPES.get(annotation, Any), value, text)


def _lists(value: Any) -> Any:
    """Return a value as TOML and JSON have it, with lists for tuples."""
    if isinstance(value, tuple | list):
        return [_lists(part) for part in value]
    if isinstance(value, dict):
        return {name: _lists(part) for name, part in value.items()}
    return value
