from __future__ import annotations

import re
import time

import pytest
from installing import PLUGINS

from vbench import registry
from vbench.errors import PluginError
from vbench.interfaces import DataSource, Generator, SegmentationMetric, Segmenter
from vbench.registry import trial


def test_built_in_plugins_come_through_entry_points():
    found = registry.load()
    assert found.failures == []
    entries = list(found.entries())
    assert {entry.cls.kind for entry in entries} == {"source", "generator", "segmenter", "metric"}
    assert all(entry.built_in for entry in entries if entry.cls.__module__.startswith("vbench_"))


def test_third_party_plugins_of_each_kind(install):
    name = install("all_kinds", version="2.1")
    found = registry.load()
    assert issubclass(found.source("line"), DataSource)
    assert issubclass(found.generator("fine"), Generator)
    assert issubclass(found.segmenter("bright"), Segmenter)
    assert issubclass(found.metric("agreement"), SegmentationMetric)
    assert "agreement" in found.metrics("segmentation")
    assert "agreement" not in found.metrics("privacy")
    entry = found.get("generator", "fine")
    assert (entry.distribution, entry.version, entry.built_in) == (name, "2.1", False)


def test_identity_says_who_ships_which_code(install):
    install("fine", version="3.0")
    identity = registry.load().get("generator", "fine").identity
    assert identity["distribution"] == "vbench-fine"
    assert identity["version"] == "3.0"
    assert re.fullmatch(r"[0-9a-f]{16}", identity["source"])


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("broken_at_import", "No module named 'a_library_that_is_not_installed'"),
        ("half", "<class 'int'> is not a subclass of Generator"),
        ("unfinished", "generator 'unfinished' lacks load_weights, sample"),
        ("misnamed", "name is 'My GAN!'; expected lower case letters"),
        ("misspelt_hook", "unknown hook 'vbench_register_generator'"),
    ],
)
def test_a_broken_plugin_is_reported_and_takes_nothing_down(install, module, message):
    name = install(module)
    found = registry.load()
    assert "copy" in found.names("generator")
    (failure,) = found.failures
    assert failure.origin == f"{name}: {module} = {module}"
    assert message in failure.message
    assert "Traceback" in failure.traceback


def test_a_plugin_is_registered_as_a_whole_or_not_at_all(install):
    install("half")
    found = registry.load()
    assert "half" not in found.names("generator")
    assert not found.manager.has_plugin("vbench-half:half")


def test_a_clash_names_both_distributions(install):
    install("clashing", version="4.5")
    found = registry.load()
    (failure,) = found.failures
    assert "two generators are called 'copy'" in failure.message
    assert re.search(r"one of vbench \S+, one of vbench-clashing 4.5", failure.message)
    with pytest.raises(PluginError, match="two generators are called 'copy'"):
        found.get("generator", "copy")  # which one is meant is not guessed
    assert found.get("generator", "noise").built_in
    assert "copy" in {entry.cls.name for entry in found.entries("generator")}


def test_two_third_parties_may_clash_too(install):
    install("fine", distribution="a-fine")
    install("all_kinds", distribution="b-kinds")
    (failure,) = registry.load().failures
    assert "one of a-fine 1.0, one of b-kinds 1.0" in failure.message


def test_an_unknown_name_brings_the_nearest_and_what_failed(install):
    install("broken_at_import")
    with pytest.raises(PluginError) as caught:
        registry.load().generator("coppy")
    assert "no generator is called 'coppy'; did you mean 'copy'?" in str(caught.value)
    assert "vbench-broken-at-import" in str(caught.value)


def test_strict_raises_at_the_first_failure(install):
    install("broken_at_import")
    with pytest.raises(PluginError, match=r"vbench-broken-at-import: .*a_library_that") as caught:
        registry.load(strict=True)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(("value", "raises"), [("1", True), ("0", False), ("", False)])
def test_strict_by_environment(install, monkeypatch, value, raises):
    install("broken_at_import")
    monkeypatch.setenv("VBENCH_PLUGINS_STRICT", value)
    if raises:
        with pytest.raises(PluginError):
            registry.load()
    else:
        assert len(registry.load().failures) == 1


@pytest.mark.parametrize("only", ["vbench-fine", "fine", "fine,vbench-fine"])
def test_environment_limits_what_is_loaded(install, monkeypatch, only):
    install("fine")
    install("broken_at_import")
    monkeypatch.setenv("VBENCH_PLUGINS", only)
    found = registry.load()
    assert found.failures == []
    assert {"fine", "copy"} <= set(found.names("generator"))


def test_a_limit_that_names_nothing_is_reported(install, monkeypatch):
    install("fine")
    monkeypatch.setenv("VBENCH_PLUGINS", "fine,vbench-fein")
    found = registry.load()
    assert found.has("generator", "fine")
    (failure,) = found.failures
    assert (failure.origin, failure.message) == (
        "VBENCH_PLUGINS",
        "no distribution or entry point is called 'vbench-fein'; did you mean 'vbench-fine'?",
    )
    with pytest.raises(PluginError, match="VBENCH_PLUGINS: no distribution"):
        registry.load(strict=True)


def test_an_empty_limit_leaves_the_built_in_ones(install, monkeypatch):
    install("fine")
    monkeypatch.setenv("VBENCH_PLUGINS", "")
    found = registry.load()
    assert all(entry.built_in for entry in found.entries())


def test_local_file():
    path = PLUGINS / "fine.py"
    found = registry.load([path])
    entry = found.get("generator", "fine")
    assert entry.distribution == str(path)
    assert entry.version == ""
    assert not entry.built_in


def test_identity_of_a_local_file_does_not_tell_its_place(tmp_path):
    identities = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        copy = tmp_path / folder / "fine.py"
        copy.write_text((PLUGINS / "fine.py").read_text())
        identities.append(registry.load([copy]).get("generator", "fine").identity)
    assert identities[0] == identities[1]


def test_a_broken_local_file_is_reported():
    found = registry.load([PLUGINS / "broken_at_import.py"])
    (failure,) = found.failures
    assert failure.origin == str(PLUGINS / "broken_at_import.py")


def test_a_missing_local_file_is_an_error(tmp_path):
    with pytest.raises(PluginError, match=r"gone\.py: no such plugin file \(plugins\.paths\)"):
        registry.load([tmp_path / "gone.py"])


def test_registries_are_loaded_once_a_process():
    assert registry.default() is registry.default()
    assert registry.for_paths(()) is registry.default()
    paths = (str(PLUGINS / "fine.py"),)
    assert registry.for_paths(paths) is registry.for_paths(paths)


def test_an_edited_file_is_loaded_anew(tmp_path):
    path = tmp_path / "edited.py"
    path.write_text((PLUGINS / "fine.py").read_text())
    before = registry.for_paths((str(path),)).get("generator", "fine").digest
    path.write_text((PLUGINS / "fine.py").read_text() + "\n# edited\n")
    after = registry.for_paths((str(path),)).get("generator", "fine").digest
    assert after != before


def test_a_file_that_is_installed_in_place_is_no_clash(install):
    install("fine", version="2.0")
    found = registry.load([install.folder / "fine.py"])
    assert found.failures == []
    assert found.get("generator", "fine").version == "2.0"


def test_a_copy_of_an_installed_file_is_a_clash(install):
    install("fine", version="2.0")
    (failure,) = registry.load([PLUGINS / "fine.py"]).failures
    assert "two generators are called 'fine': one of vbench-fine 2.0" in failure.message


def test_a_family_gives_members_by_name():
    found = registry.load([PLUGINS / "family.py"])
    assert found.failures == []
    entry = found.get("generator", "lib:Large")
    assert entry.cls.name == "lib:Large"
    assert entry.cls.size == "Large"
    assert found.get("generator", "lib:Large").cls is entry.cls
    assert found.has("generator", "lib:Small")


def test_a_family_lists_its_members():
    found = registry.load([PLUGINS / "family.py"])
    listed = {entry.cls.name for entry in found.entries("generator")}
    assert {"lib:Small", "lib:Large"} <= listed
    assert "lib:*" not in listed


def test_a_family_offers_more_than_it_lists():
    found = registry.load([PLUGINS / "family.py"])
    assert "lib:Huge" not in found.names("generator")
    assert found.generator("lib:Huge").name == "lib:Huge"


def test_a_family_refuses_by_name():
    found = registry.load([PLUGINS / "family.py"])
    with pytest.raises(PluginError, match="no network is called 'Largo'; did you mean 'Large'"):
        found.generator("lib:Largo")


ENDS = {
    "os._exit": ("import os\nos._exit(0)\n", "importing it ended Python with exit code 0"),
    "in a hook": (
        "import os\ndef vbench_register_metrics(register):\n    os._exit(3)\n",
        "importing it ended Python with exit code 3",
    ),
    "crash": ("import ctypes\nctypes.string_at(0)\n", "importing it killed Python by SIGSEGV"),
    "hang": ("import time\ntime.sleep(600)\n", "it was still not imported after 0.5 s"),
    "hang in C": ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n", "it was still not imported"),
    "deaf": (
        "import signal, time\nfor each in (signal.SIGALRM, signal.SIGTERM):\n"
        "    signal.signal(each, signal.SIG_IGN)\ntime.sleep(600)\n",
        "it was still not imported after 0.5 s",
    ),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_file_that_ends_python_is_a_failure_like_any_other(tmp_path, monkeypatch, how):
    code, message = ENDS[how]
    monkeypatch.setattr(trial, "LIMIT", 0.5)
    monkeypatch.setattr(trial, "GRACE", 20.0)
    began = time.monotonic()
    (tmp_path / "a.py").write_text(code)
    (tmp_path / "b.py").write_text("")
    found = registry.load([tmp_path / "a.py", tmp_path / "b.py"])
    (failure,) = found.failures
    assert failure.origin == str(tmp_path / "a.py")
    assert failure.message.startswith(message)
    assert found.has_file(tmp_path / "b.py")
    assert time.monotonic() - began < 20


def test_a_distribution_that_hangs_is_left_out(install, monkeypatch, caplog):
    monkeypatch.setattr(trial, "LIMIT", 0.5)
    install("fine")
    bad = install("hangs_at_import")
    found = registry.load()
    assert found.generator("fine")
    assert [failure.origin for failure in found.failures] == [
        f"{bad}: hangs_at_import = hangs_at_import"
    ]
    assert "not loaded: it was still not imported after 0.5 s" in caplog.text


def test_a_distribution_that_ends_python_is_named_and_left_out(install, caplog):
    name = install("fine")
    bad = install("leaves_at_import")
    found = registry.load()
    assert found.generator("fine")
    (failure,) = found.failures
    assert failure.origin == f"{bad}: leaves_at_import = leaves_at_import"
    assert f"{bad}: leaves_at_import = leaves_at_import: not loaded: importing it" in caplog.text
    assert name not in caplog.text
    with pytest.raises(PluginError, match=rf"'gone'.*{bad}.*could not be loaded: importing it"):
        found.get("generator", "gone")


def test_what_was_tried_is_not_tried_again_here_or_in_processes_that_are_told(
    tmp_path, monkeypatch
):
    path = tmp_path / "a.py"
    path.write_text("import os\nos._exit(0)\n")
    assert registry.load([path]).failures
    monkeypatch.setattr(trial, "_try", None)
    assert registry.load([path]).failures
    monkeypatch.setenv(trial.TOLD, trial.told()[trial.TOLD])
    monkeypatch.setattr(trial, "_tried", {})
    assert registry.load([path]).failures
    monkeypatch.undo()
    path.write_text("")
    assert not registry.load([path]).failures


def test_built_in_plugins_cost_no_process(monkeypatch):
    monkeypatch.setattr(trial, "_try", None)
    assert registry.load().failures == []
