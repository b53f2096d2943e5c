from __future__ import annotations

import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vbench import api
from vbench.errors import SpecError
from vbench.spec import load_spec, parse_spec
from vbench.spec.split import Split

MINIMAL = """
[benchmark]
name = "small"
[data.source]
plugin = "phantom"
"""


def write(folder: Path, text: str, name: str = "spec.toml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def fault(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(SpecError) as caught:
        load_spec(write(folder, text), overrides)
    return str(caught.value)


def test_a_minimal_spec_has_defaults(tmp_path: Path) -> None:
    spec = load_spec(write(tmp_path, MINIMAL))
    assert spec.regimes.real
    assert spec.segmenter.plugin == "unet3d"
    assert spec.benchmark.seeds == [0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[tune]\ntrails = 3", "tune.trails: unknown key; did you mean 'trials'?"),
        ("[[generators]]\nplugin = 'copy'\nparam = {}", "generators.0.param: unknown key"),
        ("[regimes]\nreall = true", "regimes.reall: unknown key; did you mean 'real'?"),
        ("[patches]\nsize = [16]", "patches.size: List should have at least 2 items"),
        ("[patches]\nsize = [2, 2]", "a patch edge is shorter than 4 voxels"),
        ("[regimes]\nreal = false", "no regime is switched on"),
        ("[regimes]\nsynthetic = true", "needs at least one [[generators]] table"),
        ("[regimes]\nscratch = {subjects = [1]}", "needs a second data set, [data.target]"),
        ("[segmenter]\nlr = 3", "a parameter of the plugin is set by segmenter.params.lr"),
        ("[segmenter]\nplugn = 'x'", "segmenter.plugn: unknown key; did you mean 'plugin'?"),
        ("[split]\ntrain = 3", "split: unknown key; did you mean 'data.source.split'"),
        ("[compute]\ntrials = 3", "compute.trials: unknown key; did you mean 'tune.trials'?"),
        ("[compute]\nEpochs = 3", "compute.Epochs: unknown key; known: "),
        ("[generators]\nplugin = 'copy'", "expected a list of tables; write [[generators]]"),
        ("[patches]\nsize = 16", "patches.size: expected a list, such as [16]"),
        ("[metrics]\nsegmentation = 'dsc'", 'expected a list, such as ["dsc"]'),
        ("[tune]\ntrials = 0", "tune.trials: Input should be greater than or equal to 1 (got 0)"),
        (
            "[[generators]]\nplugin = 'copy'\n[[generators]]\nplugin = 'copy'",
            "'copy' is listed twice; give one a name",
        ),
        (
            "[data.target]\nplugin = 'phantom'\nsplit = {train = 2, val = 1, test = 1}\n"
            "[regimes]\nscratch = {subjects = [3]}",
            "asks for 3 subjects, but data.target.split.train has 2",
        ),
        (
            "[data.target]\nplugin = 'phantom'\nsplit = {train = 2, val = 0.5, test = 1}",
            "mixes counts and fractions",
        ),
        (
            "[data.target]\nplugin = 'phantom'\nsplit = {train = 2, val = 0, test = 1}",
            "val = 0; each part needs at least 1 subject",
        ),
    ],
)
def test_a_fault_names_its_key_and_the_mend(tmp_path: Path, line: str, message: str) -> None:
    assert message in fault(tmp_path, MINIMAL + line)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("metrics.segmentation=[dsc]", "a list, got the text '[dsc]'; with --set, put all of it"),
        ("generators=[{plugin=copy}]", "the shell takes the double ones away"),
        ("segmenter={plugin=unet3d}", "expected a table, got '{plugin=unet3d}'; with --set"),
        ("segmenter=unet3d", "expected a table, got 'unet3d'"),
    ],
)
def test_quotes_that_the_shell_took_are_named(tmp_path: Path, setting: str, message: str) -> None:
    assert message in fault(tmp_path, MINIMAL, setting)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    text = "[benchmark]\nnam = 'x'\n[data.source]\nplugin = 'phantom'\n[tune]\ntrials = 'many'"
    assert len(fault(tmp_path, text).splitlines()) == 3


def test_a_missing_file_and_bad_toml_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.toml: no such file"):
        load_spec(tmp_path / "nowhere.toml")
    assert "not valid TOML" in fault(tmp_path, "[benchmark\nname = 1")


def test_a_file_overrides_what_it_extends_table_by_table(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL + "seed = 4\n[tune]\ntrials = 5\nvalidations = 7", "base.toml")
    text = '[benchmark]\nname = "child"\nextends = "base.toml"\n[tune]\ntrials = 2'
    spec = load_spec(write(tmp_path, text))
    assert spec.benchmark.name == "child"
    assert (spec.tune.trials, spec.tune.validations) == (2, 7)
    assert spec.data.source.params == {"seed": 4}


def test_another_source_plugin_replaces_the_whole_data_set(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL + "seed = 4", "base.toml")
    text = '[benchmark]\nname = "c"\nextends = "base.toml"\n[data.source]\nplugin = "nnunet"'
    assert load_spec(write(tmp_path, text)).data.source.params == {}


def test_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, '[benchmark]\nname = "a"\nextends = "b.toml"', "a.toml")
    write(tmp_path, '[benchmark]\nname = "b"\nextends = "a.toml"', "b.toml")
    with pytest.raises(SpecError, match="comes back to itself"):
        load_spec(tmp_path / "a.toml")


def test_paths_are_relative_to_the_file_and_to_where_one_stands_for_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MINIMAL.replace("phantom", "nnunet") + 'path = "data"\n[plugins]\npaths = ["gan.py"]'
    path = write(tmp_path, text, "specs/spec.toml")
    spec = load_spec(path)
    assert spec.data.source.params["path"] == str(tmp_path / "specs/data")
    assert spec.plugins.paths == [str(tmp_path / "specs/gan.py")]
    monkeypatch.chdir(tmp_path)
    spec = load_spec(path, ["data.source.path=other"])
    assert spec.data.source.params["path"] == str(tmp_path / "other")


def test_set_takes_toml_values_and_picks_from_lists(tmp_path: Path) -> None:
    text = MINIMAL + '[[generators]]\nplugin = "copy"\n[[generators]]\nplugin = "noise"'
    spec = load_spec(
        write(tmp_path, text),
        [
            "data.source.split={train=2,val=1,test=1}",
            "data.source.split.test=3",
            "generators.noise.params.x=1e-3",
            "generators.0.name=first",
            "tune.metric=hd95",
        ],
    )
    assert spec.data.source.split.wanted == 6
    assert spec.generators[1].params == {"x": 1e-3}
    assert spec.generators[0].label == "first"
    assert spec.tune.metric == "hd95"


@pytest.mark.parametrize("text", ["tune.trials", "=3", "tune..trials=3", "generators.x.params.a=1"])
def test_a_set_that_cannot_be_placed_says_so(tmp_path: Path, text: str) -> None:
    generators = '[[generators]]\nplugin = "copy"\n'
    assert "--set" in fault(tmp_path, MINIMAL + generators, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_spec_is_read_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(MINIMAL.replace("\n", "\r\n").encode(encoding))
    assert load_spec(path).benchmark.name == "small"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL.encode() + b"# M\xfcller", r"byte 0xfc in line \d+.*saved as UTF-8"),
        (MINIMAL.encode() + b"\0", "a NUL in line"),
        (MINIMAL.encode() + b"x = " + b"[" * 50_000, "nested too deeply"),
        (MINIMAL.encode() + b"seed = " + b"9" * 5000, "spec.toml: "),
        (MINIMAL.encode() + b'path = "C:\\data"', "write a path with '/', or in 'single quotes'"),
        (MINIMAL.encode() + b"path = 'C:\\data'", r"data.source.path: .* a path of Windows"),
        (MINIMAL.encode() + b'path = "a\\u0000b"', r"data.source.path: .*U\+0000"),
        (MINIMAL.encode() + b'path = "' + b"x" * 400 + b'"', "data.source.path: .* is too long"),
        (MINIMAL.encode() + b'path = "~nobody-here/d"', "data.source.path: .*no user's name"),
        (b'[benchmark]\nextends = "~nobody-here/a"', "benchmark.extends: .*no user's name"),
        (b'[plugins]\npaths = ["a\\u2028.py"]', r"plugins.paths: .*U\+2028"),
    ],
)
def test_what_windows_or_a_slip_leaves_in_a_spec_is_one_line(
    tmp_path: Path, text: bytes, message: str
) -> None:
    (tmp_path / "spec.toml").write_bytes(text)
    with pytest.raises(SpecError, match=message) as caught:
        load_spec(tmp_path / "spec.toml")
    assert len(str(caught.value).splitlines()) == 1


def test_links_that_go_round_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SpecError, match="Too many levels of symbolic links"):
        load_spec(tmp_path / "loop")
    path = write(tmp_path, MINIMAL.replace("phantom", "nnunet") + 'path = "loop"')
    from command_line import vbench

    answer = vbench("validate", path)
    assert answer.code == 2
    assert "loop" in answer.err.splitlines()[0]
    assert "Traceback" not in answer.err


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60))
def test_any_text_is_a_spec_or_is_said(tmp_path: Path, text: str) -> None:
    for content in (text, f'{MINIMAL}path = "{text}"', f"{MINIMAL}{text} = 1"):
        (tmp_path / "any.toml").write_bytes(content.encode("utf-8", "surrogatepass"))
        with suppress(SpecError):
            load_spec(tmp_path / "any.toml")
    with suppress(SpecError):
        load_spec(write(tmp_path, MINIMAL), [text, f"data.source.path={text}"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "[data.source.labels]\nartery = 1\nvein = 1",
            "data.source.labels: the value 1 is both artery and vein",
        ),
        ("[data.source.labels]\nartery = 0", "data.source.labels: artery = 0: 0 is the background"),
        (
            "[data.source.labels]\nartery = 1.5",
            "data.source.labels: artery = 1.5; expected a whole",
        ),
        (
            "[data.source.labels]\nartery = [1, 1]",
            "data.source.labels: artery = [1, 1]: a value is",
        ),
        ("[data.source.labels]\nartery = []", "data.source.labels: artery = []; expected a whole"),
        ("[data.source.labels]\nignore = 255", "data.source.labels: names no class"),
        ("[data.source]\nlabels = 'all'", "data.source.labels: expected a table such as"),
        (
            "[data.source]\nchannels = ['tof', 'tof']",
            "data.source.channels: a channel is listed twice",
        ),
        ("[data.source]\nchannels = []", "data.source.channels: names no channel"),
        ("[data.source]\nchannels = ['a/b']", "data.source.channels: 'a/b' cannot name a channel"),
    ],
)
def test_wrong_classes_or_channels_are_refused_in_one_line(text, fault):
    table = tomllib.loads("[benchmark]\nname = 'x'\n" + text)
    table["data"]["source"]["plugin"] = "phantom"
    with pytest.raises(SpecError) as caught:
        parse_spec(table)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(fault)


def test_what_is_named_by_default_is_the_one_class_and_channel():
    named = {"labels": {"vessel": 1}, "channels": ["image"]}
    specs = [
        parse_spec({"benchmark": {"name": "x"}, "data": {"source": {"plugin": "phantom", **names}}})
        for names in ({}, named)
    ]
    assert specs[0] == specs[1]
    assert specs[1].data.source.params == {}


def test_published_figures_belong_to_the_spec_that_names_them(tmp_path: Path) -> None:
    published = "[reference]\ncitation = 'C'\nvalues = { real = { dsc = 0.9 } }\n"
    base = write(tmp_path, MINIMAL + published, "base.toml")
    assert load_spec(base).reference is not None
    above = "[benchmark]\nextends = 'base.toml'\nname = 'other'\n"
    assert load_spec(write(tmp_path, above)).reference is None
    assert load_spec(write(tmp_path, above + published)).reference is not None


def test_a_source_is_told_how_many_are_wanted_only_by_counts() -> None:
    assert Split(train=3, val=1, test=2).wanted == 6
    assert Split(train=0.5, val=0.25, test=0.25).wanted is None
    assert Split(train=["a"], val=["b"], test=["c"]).wanted is None


def test_a_name_with_a_space_gets_words(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(MINIMAL.replace("small", "my first"))
    with pytest.raises(SpecError, match=r"'my first' cannot be a name; use .*such as 'my-first'$"):
        load_spec(tmp_path / "s.toml")
    with pytest.raises(SpecError, match=r"'Gefäße.' cannot be a name; .*such as 'Gefasse'$"):
        load_spec(tmp_path / "s.toml", ["benchmark.name='Gefäße.'"])


def test_faults_of_keys_and_of_plugins_come_in_one_pass(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        '[benchmark]\nname = "a"\nseed = 1\n[data.source]\nplugin = "phantom"\nshap = [9, 9, 9]\n'
        '[[generators]]\nplugin = "wgan"\n[tune]\ntrials = 0\n[metrics]\nsegmentation = ["dice"]\n'
    )
    found = api.validate(tmp_path / "s.toml")
    for words in (
        "benchmark.seed: unknown key",
        "tune.trials: Input should be greater",
        "data.source.shap: unknown key; did you mean 'shape'?",
        "generators.0.plugin: no generator is called 'wgan'",
        "did you mean 'dsc'?",
    ):
        assert any(words in line for line in found), (words, found)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("text", "of_keys"),
    [
        ('[benchmark]\nname = "my b"\n[data.source]\nplugin = "phantom"', 1),
        ('[data.source]\nplugin = "phantom"', 1),
        ('[benchmark]\nname = "a"', 1),
        ('[benchmark]\nname = "a"\n[data]\nsource = 3', 1),
        ('[benchmark]\nname = "a"\n[data.source]\nplugin = 3', 1),
        ('[benchmark]\nname = "a"\n[data.source]\nplugin = "phantom"\nsplit = {test = "x"}', 3),
        ('[benchmark]\nname = "a"\n[data.source]\nplugin = "phantom"\n[[generators]]\nplugin=3', 1),
        (
            '[benchmark]\nname = "a"\n[data.source]\nplugin = "phantom"\n'
            "[metrics]\nsegmentation = [{}]",
            1,
        ),
    ],
)
def test_a_faulty_required_key_hides_no_fault_of_a_plugin(
    tmp_path: Path, text: str, of_keys: int
) -> None:
    path = write(tmp_path, f'{text}\n[[generators]]\nplugin = "wgan"\n')
    found = api.validate(path)
    assert [line for line in found if "no generator is called 'wgan'" in line]
    assert len(found) == of_keys + 1, found


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            "[data.target]\nplugin = 'phantom'\nsplit = {train = 1, val = 1, test = 'x'}",
            "data.target.split.test: expected a number or a list of names, got 'x'",
        ),
        (
            "[data.target]\nplugin = 'phantom'\nsplit = {train = 1, val = 1, test = [1]}",
            "data.target.split.test.0: Input should be a valid string (got 1)",
        ),
        ("[tune]\nmetric = 3", "tune.metric: expected a name or a table, got 3"),
        (
            "[tune]\nmetric = {plugin = 'dsc', parms = 3}",
            "tune.metric.parms: unknown key; did you mean 'params'?",
        ),
    ],
)
def test_what_may_have_several_forms_is_one_line(tmp_path: Path, lines: str, message: str) -> None:
    assert fault(tmp_path, f"{MINIMAL}{lines}") == message


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ({"train": 3}, "data.source.split: folds beside 'train': .* take 'train' out, or take"),
        ({"train": 3, "test": 1}, "folds beside 'train' and 'test'"),
        ({"subjcts": 9}, "split.subjcts: unknown key; did you mean 'subjects'"),
    ],
)
def test_folds_have_no_parts_beside_them(split: dict[str, int], message: str) -> None:
    table = {"plugin": "phantom", "split": {"folds": 5, "val": 1, **split}}
    with pytest.raises(SpecError, match=message):
        parse_spec({"benchmark": {"name": "x"}, "data": {"source": table}})
