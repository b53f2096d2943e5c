"""Says what pydantic found wrong in a spec, or among a plugin's parameters, in the spec's words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vbench.errors import did_you_mean, nearest
from vbench.tables import NAME
from vbench.usertext import plain_name

#: Where pydantic found a fault: keys, places in lists, and names of a union's branches.
Path: TypeAlias = Sequence[str | int]
#: Names of types and tables that unions of the spec's model have.
_BRANCHES = {"int", "float", "str", "bool", "PluginUse", "GivenWeights", "Split", "Folds"}
#: What the branches are that are no tables.
_FORMS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a name",
    "bool": "true or false",
    "list[str]": "a list of names",
    "list[int]": "a list of numbers",
}
#: What a length is called elsewhere, where here it is counted in steps.
_EPOCHS = re.compile(r"((n|nb|num|max|total)_?)?epochs?")
#: What is missing where text stands in the place of a list or a table: the quotes within.
_SHELL = "with --set, put all of it in 'single quotes', or the shell takes the double ones away"


def describe(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return one line for each fault that pydantic found: key path, fault, and the nearest name."""
    lines = []
    faults = error.errors()
    for fault in faults:
        where = prefix + ".".join(map(str, key_path(fault)))
        alike = [other for other in faults if _place(other) == _place(fault)]
        if len({_branch(other) for other in alike}) < 2:
            said = _said(fault, model, where)
        elif all(_is_form(other) for other in alike):
            said = _no_form(alike)
        elif _is_form(fault):
            continue  # another form is nearer: what is wrong within it is said
        else:
            said = _said(fault, model, where)
        lines.append(f"{where}: {said}" if where else said)
    return list(dict.fromkeys(lines))


def key_path(fault: ErrorDetails) -> list[str | int]:
    """Return the keys that lead to a fault, without the branches of unions."""
    path = [part for part in fault["loc"] if not _is_branch(part)]
    # A key that there should be, or should not, is a key whatever its name.
    last = fault["loc"][-1:] if fault["type"] in {"extra_forbidden", "missing"} else ()
    return [*path, *last] if last and _is_branch(last[0]) else path


def _branch_at(fault: ErrorDetails) -> int:
    """Return where the place of a fault names the innermost branch of a union; -1: nowhere."""
    loc = fault["loc"]
    last = len(loc) - (fault["type"] in {"extra_forbidden", "missing"})
    return max((i for i in range(last) if _is_branch(loc[i])), default=-1)


def _place(fault: ErrorDetails) -> Path:
    """Return where the innermost union around a fault is; where none is, the place itself."""
    at = _branch_at(fault)
    return fault["loc"][:at] if at > 0 else fault["loc"]


def _branch(fault: ErrorDetails) -> str | int:
    """Return which branch of its innermost union a fault is of."""
    at = _branch_at(fault)
    return fault["loc"][at] if at > 0 else ""


def _is_form(fault: ErrorDetails) -> bool:
    """Whether a value has not the form of its branch, rather than something wrong within it."""
    whole = _branch_at(fault) == len(fault["loc"]) - 1
    return whole and fault["type"].endswith(("_type", "_parsing", "_from_float", "literal_error"))


def _form(fault: ErrorDetails) -> str:
    """Return what the branch of a fault asks for."""
    if fault["type"] == "literal_error":
        return str(fault["ctx"]["expected"])
    name = str(_branch(fault))
    return _FORMS.get(name, "a list" if name.startswith(("list[", "tuple[")) else "a table")


def _no_form(alike: Sequence[ErrorDetails]) -> str:
    """Say which forms a value may have, when it has none of them."""
    given = alike[0].get("input")
    forms = list(dict.fromkeys(map(_form, alike)))
    if "a number" in forms and "a whole number" in forms:
        forms.remove("a whole number")
    text = isinstance(given, str) and given.startswith(("[", "{"))
    return f"expected {' or '.join(forms)}, got {given!r}" + (f"; {_SHELL}" if text else "")


def _said(fault: ErrorDetails, model: type[BaseModel], where: str) -> str:
    kind, given = fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        return f"unknown key{_meant(model, fault['loc'], where)}"
    if kind == "string_pattern_mismatch" and NAME in fault["ctx"]["pattern"]:
        near = plain_name(str(given))
        such = f", such as '{near}'" if near else ""
        return (
            f"'{given}' cannot be a name; use letters, digits, '.', '_' and '-', and begin with a "
            f"letter or digit{such}"
        )
    if kind == "missing":
        hint = f", such as with --set {where}=DIR" if where.endswith(".path") else ""
        return f"missing; it is required{hint}"
    if kind == "list_type":
        return _no_list(given, where)
    if kind in ("dict_type", "model_type"):
        text = isinstance(given, str) and given.startswith("{")
        return f"expected a table, got {given!r}" + (f"; {_SHELL}" if text else "")
    message = fault["msg"].removeprefix("Value error, ")
    return message if isinstance(given, dict | BaseModel) else f"{message} (got {given!r})"


def _no_list(given: Any, where: str) -> str:
    if isinstance(given, dict):
        return f"expected a list of tables; write [[{where}]]"
    if isinstance(given, str) and given.startswith("["):
        return f"expected a list, got the text {given!r}; {_SHELL}"
    if isinstance(given, str | int | float):
        return f"expected a list, such as {json.dumps([given], ensure_ascii=False)}"
    return f"expected a list, got {given!r}"


def _meant(model: type[BaseModel], path: Path, where: str) -> str:
    """Say which key was meant by one that is not known: here, below ``params``, or elsewhere."""
    name, known = str(path[-1]), _known(model, path[:-1])
    if _EPOCHS.fullmatch(name) and "steps" in known and "epochs" not in known:
        return "; its length is 'steps': an epoch is as many as patches / batch_size"
    if not nearest(name, known):
        if "params" in known:
            above = where.removesuffix(name)
            return f"; a parameter of the plugin is set by {above}params.{name}"
        others = [found for found in _places(model) if found.rpartition(".")[2] == name]
        if 0 < len(others) < 4:
            return f"; did you mean {' or '.join(repr(other) for other in others)}?"
    return did_you_mean(name, known)


def _places(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield the dotted keys of a model's tables, those in lists left out."""
    for name, field in model.model_fields.items():
        key = above + (field.alias or name)
        yield key
        for inner in _models(field.annotation):
            if inner is field.annotation or type(None) in get_args(field.annotation):
                yield from _places(inner, f"{key}.")


def _is_branch(part: str | int) -> bool:
    """Whether pydantic added this part to name the branch of a union."""
    return isinstance(part, str) and (part in _BRANCHES or "[" in part)


def _known(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the model has at a path, in the branch of a union that it names."""
    models = [model]
    for part in path:
        if isinstance(part, int):
            continue
        if _is_branch(part):
            models = [each for each in models if each.__name__ == part] or models
            continue
        field = models[0].model_fields.get(part) if models else None
        if field is None:
            return []
        models = _models(field.annotation)
    fields = models[0].model_fields.items() if models else ()
    return [field.alias or name for name, field in fields]


def _is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if _is_model(annotation):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
