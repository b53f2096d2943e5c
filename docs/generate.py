"""Reference pages from code.

    python docs/generate.py          # writes them, so that they can be read in the repository

mkdocs loads this module as a hook, too (see mkdocs.yml), and a test holds the written pages to the
code. Each function of ``PAGES`` returns a page as Markdown: the commands from click, the keys of a
spec from its model, metrics and plugins from what is registered. The hooks' own page has its
arguments filled in from their docstrings.
"""

from __future__ import annotations

import html
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from vbench import hookspecs, registry
from vbench.cli import COMMANDS, cli
from vbench.registry import catalogue
from vbench.spec.model import Spec

_KINDS = {
    "source": "Data sources",
    "generator": "Generators",
    "segmenter": "Segmenters",
    "metric": "Metrics",
}
_BETTER = {True: "higher is better", False: "lower is better", None: "neither"}


def commands() -> str:
    """Return the page of the command line."""
    lines = [
        "# Command line",
        "",
        "Exit codes: 0, all is well; 1, a result fell short (an arm failed, a check failed); 2, "
        "the call, the spec or the data is wrong, and one line says what, and how to fix it; "
        "130, stopped.",
    ]
    for path, command, context in walk():
        lines += ["", f"{'#' * (1 + len(path))} vbench {' '.join(path)}", "", "```text"]
        lines += [command.get_usage(context).removeprefix("Usage: "), "```", ""]
        lines += [prose(command.help or "")]
        records = [record for p in command.params if (record := p.get_help_record(context))]
        records = [record for record in records if record[1]]  # arguments are told of above
        if records:
            lines += ["", "| option | |", "|---|---|"]
            cells = [(code(names), cell(text).replace("[", r"\[")) for names, text in records]
            lines += [f"| {names} | {text} |" for names, text in cells]
    return "\n".join([*lines, ""])


def walk() -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    """Yield every built-in command with its name and context, groups before what is in them."""
    root = click.Context(cli, info_name="vbench")
    for name in COMMANDS:
        command = cli.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root)
        yield (name,), command, context
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                part = command.get_command(context, inner)
                assert part is not None
                yield (name, inner), part, click.Context(part, info_name=inner, parent=context)


def spec() -> str:
    """Return the page of a spec's keys."""
    lines = [
        "# Spec",
        "",
        "A benchmark is a TOML file. An unknown key is an error. `--set key.path=value` overrides "
        'a key for one call. `benchmark.extends = "base.toml"` starts from another file, or '
        "from a benchmark or recipe of vbench by its name, which this one overrides key by key. "
        "Editors complete a spec that begins with "
        "`#:schema vbench.schema.json` (see [vbench schema](cli.md#vbench-schema)).",
    ]
    for name, model in tables():
        heading = f"[{name}]" if name else "Tables"
        lines += ["", f"## {heading}", "", first_paragraph(model), ""]
        lines += ["| key | type | default | |", "|---|---|---|---|"]
        for key, field in model.model_fields.items():
            lines.append(
                f"| {code(field.alias or key)} | {cell(kind(field))} | {default(field)} | "
                f"{cell(field.description or '')} |"
            )
        if name == "data.source":
            lines += ["", "Beside these stand the parameters of the [data source](plugins.md)."]
    return "\n".join([*lines, ""])


def tables(model: type[BaseModel] = Spec, name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each table of a spec once, with the key that it stands under."""
    yield name, model
    for key, field in model.model_fields.items():
        for number, part in enumerate(models_of(field.annotation)):
            if (name, key) == ("data", "target") or (key == "segmenter" and not name):
                continue  # the same table as data.source, and as generators
            path = f"{name}.{key}" if name else key
            # Of a table that has two forms, the second is called by its own name, too.
            yield from tables(part, f"{path}: {part.__name__.lower()}" if number else path)


def models_of(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models within a type; of metrics none: they are used as generators are."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif str not in get_args(next(iter(get_args(annotation)), None)):
        for part in get_args(annotation):
            yield from models_of(part)


def metrics() -> str:
    """Return the page of the metrics."""
    lines = [
        "# Metrics",
        "",
        "An id such as `hd95@1` carries the version of the definition: a changed definition gets a "
        "new one. A score that does not exist, such as a distance to an empty mask, takes the "
        "value that its rule gives, counts in means, and is counted as undefined beside them.",
    ]
    entries = list(registry.load(only=[]).entries("metric"))
    described = [(catalogue.describe(entry), entry.cls) for entry in entries]
    for family in ("segmentation", "fidelity", "privacy"):
        chosen = [(about, cls) for about, cls in described if about["family"] == family]
        lines += ["", f"## {family.capitalize()}", "", "| metric | unit | better | |"]
        lines += ["|---|---|---|---|"]
        for about, _ in chosen:
            better = _BETTER[about["higher_is_better"]].removesuffix(" is better")
            link = f"[{about['name']}](#{about['name']})"
            lines.append(f"| {link} | {about['unit']} | {better} | {cell(about['description'])} |")
        for about, cls in chosen:
            lines += ["", f"### {about['name']}", "", f"`{about['id']}`, {unit(about)}", ""]
            lines += plugin_body(about, cls)
    return "\n".join([*lines, ""])


def plugins() -> str:
    """Return the page of the built-in plugins and their parameters."""
    lines = [
        "# Plugins",
        "",
        "What vbench ships. `vbench plugins --verbose` lists what is installed on a machine, "
        "others' plugins too. *Tuned* is what Optuna tries of a parameter that the spec does not "
        "name.",
    ]
    for which, title in _KINDS.items():
        if which == "metric":
            continue
        lines += ["", f"## {title}"]
        for entry in registry.load(only=[]).entries(which):  # type: ignore[arg-type]
            about = catalogue.describe(entry)
            lines += ["", f"### {about['name']}", ""]
            lines += plugin_body(about, entry.cls)
    return "\n".join([*lines, "", "## Metrics", "", "See [Metrics](metrics.md).", ""])


def plugin_body(about: dict[str, Any], cls: type) -> list[str]:
    """Return a plugin's description, paper, parameters and presets."""
    lines = [prose(inspect.cleandoc(cls.__dict__.get("__doc__") or ""))]
    if "ndims" in about:
        lines += ["", "Patches: " + " and ".join(f"{n}D" for n in about["ndims"]) + "."]
    if "classes" in about:
        lines += ["", f"Classes: {about['classes']}; channels: {about['channels']}."]
    if about["paper"]:
        lines += ["", f"Paper: {cell(about['paper'])}"]
    if about["parameters"]:
        lines += ["", "| parameter | type | default | tuned | |", "|---|---|---|---|---|"]
    for p in about["parameters"]:
        value = "required" if p["required"] else code(json.dumps(p["default"], ensure_ascii=False))
        words = ", ".join(filter(None, [p["type"], catalogue.limits_text(p)]))
        value += f" {p['unit']}" if p["unit"] else ""
        tuned = catalogue.tune_text(p)
        lines.append(
            f"| {code(p['name'])} | {cell(words)} | {value} | {tuned} | {cell(p['help'])} |"
        )
    for name, values in getattr(cls.Params, "presets", {}).items():  # type: ignore[attr-defined]
        lines += ["", f"`preset = {json.dumps(name)}` changes the defaults to:", ""]
        lines += ["; ".join(f"{key} = {json.dumps(value)}" for key, value in values.items()) + "."]
    return lines


PAGES = {
    "reference/cli.md": commands,
    "reference/spec.md": spec,
    "reference/metrics.md": metrics,
    "reference/plugins.md": plugins,
}


def kind(field: FieldInfo) -> str:
    """Return a key's type as a spec's author reads it, with its limits."""
    about = catalogue.parameter("", field)
    names = {"Split": "table", "PluginUse": "table", "DataSet": "table"}
    named = about["type"]
    for part in models_of(field.annotation):
        names[part.__name__] = "table"
    for name, word in names.items():
        named = re.sub(rf"\b{name}\b", word, named)
    return ", ".join(filter(None, [named, catalogue.limits_text(about)]))


def default(field: FieldInfo) -> str:
    """Return a key's default as it would be written; nothing for a table's."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_unset=True)
        inline = ", ".join(f"{key} = {json.dumps(part)}" for key, part in value.items())
        return code(f"{{ {inline} }}") if value else ""
    return "" if value is None else code(json.dumps(value))


def unit(about: dict[str, Any]) -> str:
    """Return unit and direction in words."""
    inside = f"in {about['unit']}; " if about["unit"] else ""
    return inside + _BETTER[about["higher_is_better"]]


def first_paragraph(cls: type) -> str:
    """Return the first paragraph of a docstring."""
    return prose(inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0])


def prose(text: str) -> str:
    """Return the text of a docstring as Markdown."""
    text = inspect.cleandoc(text).replace("\b\n", "")
    text = re.sub(r":\w+:`~?([^`]*)`", r"`\1`", text).replace("``", "`")
    return text.replace("<", "&lt;").replace("*some*", "some")


def code(text: str) -> str:
    """Return text as code that may stand in a table."""
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def cell(text: str) -> str:
    """Return text on one line that may stand in a table."""
    return " ".join(prose(text).split()).replace("|", r"\|")


def hook_arguments(name: str) -> str:
    """Return what a hook is called with, from its docstring."""
    groups = (hookspecs.Registration, hookspecs.LifeCycle, hookspecs.CommandLine)
    function = next(vars(group)[name] for group in groups if name in vars(group))
    summary, _, arguments = (inspect.getdoc(function) or "").partition("\n\nArgs:\n")
    names = ", ".join(list(inspect.signature(function).parameters)[1:])
    lines = [f"`{name}({names})`", "", prose(summary), ""]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE)
    return "\n".join([*lines, *(f"- `{word}`: {cell(text)}" for word, text in found)])


def on_files(files: Any, config: Any) -> Any:
    """Show the pages as the code has them now."""
    from mkdocs.structure.files import File

    for path, page in PAGES.items():
        written = files.get_file_from_path(path)
        if written is not None:
            files.remove(written)
        files.append(File.generated(config, path, content=page()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in the arguments of hooks, below their headings."""
    if page.file.src_uri != "reference/hooks.md":
        return markdown
    return re.sub(
        r"^### (vbench_\w+)$",
        lambda found: f"{found.group(0)}\n\n{hook_arguments(found.group(1))}",
        markdown,
        flags=re.MULTILINE,
    )


def on_page_content(content: str, **_: Any) -> str:
    """Show the cross references of docstrings as code."""
    return re.sub(r":\w+:<code>~?(?:vbench\.\w+\.)?([^<]*)</code>", r"<code>\1</code>", content)


if __name__ == "__main__":
    for path, page in PAGES.items():
        Path(__file__).with_name("reference").joinpath(Path(path).name).write_text(page(), "utf-8")
