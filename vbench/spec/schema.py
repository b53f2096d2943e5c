"""The JSON schema of a spec, with the parameters of the plugins that are installed.

Editors complete and check a TOML file with it. What only a run can tell (whether data is there,
whether patches fit a network) is left to ``vbench validate``.
"""

from __future__ import annotations

from typing import Any

from vbench.regimes import REGIMES
from vbench.registry import Registry
from vbench.spec.model import Spec
from vbench.types import Kind

#: Where `vbench schema` puts the schema, beside the benchmarks.
TITLE = "vbench benchmark"
_FAMILIES = ("segmentation", "fidelity", "privacy")
Schema = dict[str, Any]


def json_schema(registry: Registry) -> Schema:
    """Return the schema of specs that use these plugins.

    Each plugin's parameters are a separate definition, such as ``generator:dcgan``; the ``plugin``
    beside them decides which one applies. Other plugin names are allowed, since a spec may bring
    plugins as files.
    """
    schema = Spec.model_json_schema()
    tables: Schema = schema["$defs"]
    for entry in registry.entries():
        name = f"{entry.cls.kind}:{entry.cls.name}"
        template = f"#/$defs/{name}/$defs/{{model}}"
        tables[name] = entry.cls.Params.model_json_schema(ref_template=template)
    for table in ("Benchmark", "Data", "DataSet"):
        tables[table].pop("required", None)  # what a spec extends may say it
    _own_switches(tables)
    tables["Benchmark"]["properties"]["extends"] = {
        "type": "string",
        "description": "A spec that this one overrides, relative to this file.",
    }
    _params_beside_plugin(tables, registry)
    schema["properties"]["generators"]["items"] = _use(tables, registry, "generator")
    schema["properties"]["segmenter"] = _use(tables, registry, "segmenter")
    schema["properties"]["segmenters"]["items"] = _use(tables, registry, "segmenter")
    for family in _FAMILIES:
        names = list(registry.metrics(family))
        tables["Metrics"]["properties"][family]["items"] = {
            "anyOf": [_name(names, ""), _use(tables, registry, "metric", names)]
        }
    schema.pop("required", None)
    # A spec that extends another may leave out what the other has.
    schema["if"] = {
        "properties": {"benchmark": {"required": ["extends"]}},
        "required": ["benchmark"],
    }
    schema["else"] = {
        "required": ["benchmark", "data"],
        "properties": {
            "benchmark": {"required": ["name"]},
            "data": {"required": ["source"], "properties": {"source": {"required": ["plugin"]}}},
        },
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **_without_null(schema),
        "title": TITLE,
    }


def _own_switches(tables: Schema) -> None:
    """Say that a regime's table may be ``true`` for its defaults, and ``false``."""
    for name, field in tables["Regimes"]["properties"].items():
        if "anyOf" in field:
            switch = {"const": False} if REGIMES[name].needs_table else {"type": "boolean"}
            field["anyOf"].append(switch)


def _name(names: list[str], description: str) -> Schema:
    """Return a string that is completed from names but may be another."""
    found: Schema = {"anyOf": [{"enum": sorted(names)}, {"type": "string"}]}
    return {**found, "description": description} if description else found


def _use(tables: Schema, registry: Registry, kind: Kind, names: list[str] | None = None) -> Schema:
    """Return a table with ``plugin``, ``name`` and the plugin's own ``params``."""
    names = registry.names(kind) if names is None else names
    base = tables["GeneratorUse" if kind == "generator" else "PluginUse"]
    table: Schema = {
        **base,
        "properties": {
            **base["properties"],
            "plugin": _name(names, f"Name of a {kind}."),
        },
        "allOf": [
            _when(name, {"properties": {"params": {"$ref": f"#/$defs/{kind}:{name}"}}})
            for name in names
        ],
    }
    return table


def _params_beside_plugin(tables: Schema, registry: Registry) -> None:
    """Add each source's parameters, which are beside ``plugin`` and ``split``."""
    table = tables["DataSet"]
    own = dict.fromkeys(table["properties"], True)
    names = registry.names("source")
    table["properties"]["plugin"] = _name(names, "Name of a data source.")
    table["allOf"] = [
        _when(
            name,
            {
                "properties": {
                    **own,
                    **tables[f"source:{name}"].get("properties", {}),
                },
                "additionalProperties": False,
            },
        )
        for name in names
    ]


def _when(plugin: str, then: Schema) -> Schema:
    condition = {"properties": {"plugin": {"const": plugin}}, "required": ["plugin"]}
    return {"if": condition, "then": then}


def _without_null(value: Any) -> Any:
    """Drop what is null: TOML has none."""
    if isinstance(value, list):
        return [_without_null(part) for part in value]
    if not isinstance(value, dict):
        return value
    kept = {
        name: _without_null(part)
        for name, part in value.items()
        if not (name == "default" and part is None)
    }
    options = kept.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [option for option in options if option != {"type": "null"}]
        del kept["anyOf"]
        kept.update(rest[0] if len(rest) == 1 else {"anyOf": rest})
    return kept
