from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command_line import vbench
from documents import ROOT
from installing import PLUGINS

SPECS = sorted((ROOT / "benchmarks").rglob("[!_]*.toml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(vbench("schema").out)


def faults(schema: dict[str, Any], text: str) -> list[str]:
    validator = jsonschema.Draft7Validator(schema)
    return [error.json_path for error in validator.iter_errors(tomllib.loads(text))]


def test_make_setup_writes_the_file_that_benchmarks_name():
    assert "$(BIN)/vbench schema --out $(SCHEMA)" in (ROOT / "Makefile").read_text()
    assert "SCHEMA := benchmarks/vbench.schema.json\n" in (ROOT / "Makefile").read_text()
    for path in SPECS:
        up = "" if path.parent == ROOT / "benchmarks" else "../"
        assert path.read_text().startswith(f"#:schema {up}vbench.schema.json\n"), path


def test_it_is_a_schema(schema):
    jsonschema.Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_benchmark_fits_it(schema, path: Path):
    assert faults(schema, path.read_text()) == []


BASE = """
[benchmark]
name = "x"
[data.source]
plugin = "phantom"
"""


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[benchmarc]", "$"),
        ("[tune]\ntrails = 3", "$.tune"),
        ("[tune]\ntrials = 0", "$.tune.trials"),
        ("[[generators]]\nplugin = 'dcgan'\nparams = { stepz = 3 }", "$.generators[0].params"),
        (
            "[[generators]]\nplugin = 'dcgan'\nparams = { steps = 0 }",
            "$.generators[0].params.steps",
        ),
        ("[segmenter]\nplugin = 'unet3d'\nparams = { norm = 'batsch' }", "$.segmenter.params.norm"),
        ("[data.target]\nplugin = 'phantom'\nsaling = 1", "$.data.target"),
        ("[regimes]\ntransfer = true", "$.regimes.transfer"),
    ],
)
def test_mistakes_are_found(schema, text, where):
    assert where in faults(schema, BASE + text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[regimes]\nreal = true\nsynthetic = true\ntransfer = false",
        "[regimes]\nsynthetic = { generators = ['dcgan'] }",
        "[[generators]]\nplugin = 'my-gan'\nparams = { anything = 1 }",
        "[metrics]\nsegmentation = ['dsc', { plugin = 'nsd', params = { tolerance = 2.0 } }]",
        "[data.target]\nplugin = 'my-source'\npath = 'x'",
    ],
)
def test_what_is_right_passes(schema, text):
    assert faults(schema, BASE + text) == []


def test_a_spec_that_extends_another_may_be_partial(schema):
    assert faults(schema, "[benchmark]\nextends = 'base.toml'\n[data.source]\npath = 'x'") == []
    assert faults(schema, "[benchmark]\nseeds = [1]") != []


def test_third_party_parameters_are_in_it(install):
    install("fine")
    made = json.loads(vbench("schema").out)
    wrong = BASE + "[[generators]]\nplugin = 'fine'\nparams = { steps = 0 }"
    assert faults(made, wrong) == ["$.generators[0].params.steps"]


def test_parameters_of_a_file_are_in_it(tmp_path):
    out = tmp_path / "vbench.schema.json"
    assert vbench("schema", "--file", PLUGINS / "fine.py", "--out", out).code == 0
    assert "generator:fine" in json.loads(out.read_text())["$defs"]
