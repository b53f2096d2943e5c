from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest
from command_line import vbench
from installing import PLUGINS

KINDS = ["source", "generator", "segmenter", "metric"]


def test_the_list_says_what_is_installed(install):
    install("all_kinds", version="2.1")
    answer = vbench("plugins")
    assert answer.code == 0
    for line in ("generators", "copy", "Keeps training patches and hands them out"):
        assert line in answer.out
    (row,) = [line for line in answer.out.splitlines() if line.startswith("fine ")]
    assert "vbench-all-kinds 2.1" in row
    assert "Samples every voxel around its mean." in row


def test_the_list_can_be_of_one_kind():
    answer = vbench("plugins", "--kind", "segmenter")
    assert "unet3d" in answer.out
    assert "copy" not in answer.out


def test_json_says_everything(install):
    install("fine", version="2.1")
    install("broken_at_import")
    found = json.loads(vbench("plugins", "--json").out)
    (fine,) = [p for p in found["plugins"] if p["name"] == "fine"]
    assert fine == {
        "kind": "generator",
        "name": "fine",
        "distribution": "vbench-fine",
        "version": "2.1",
        "origin": "third party",
        "description": "Samples every voxel around its mean.",
        "classes": 1,
        "channels": 1,
        "paper": "",
        "ndims": [2, 3],
        "parameters": [
            {
                "name": "steps",
                "type": "int",
                "required": False,
                "default": 4,
                "limits": {"ge": 1},
                "unit": "steps",
                "tune": {"values": [1, 8], "log": False, "range": True},
                "help": "Draws",
            }
        ],
    }
    (metric,) = [p for p in found["plugins"] if p["name"] == "hd95"]
    assert (metric["id"], metric["unit"], metric["origin"]) == ("hd95@1", "mm", "built-in")
    (failure,) = found["failures"]
    assert failure["origin"].startswith("vbench-broken-at-import")
    assert "Traceback" in failure["traceback"]


def test_verbose_shows_parameters_papers_and_load_errors(install):
    install("fine")
    install("broken_at_import")
    answer = vbench("plugins", "--verbose")
    assert answer.code == 0
    assert "steps  int = 4 steps  ≥ 1  tuned over 1 – 8" in answer.out
    assert "Kossen et al. 2021" in answer.out
    assert "import a_library_that_is_not_installed" in answer.out


def test_a_load_error_is_one_line_else(install):
    install("broken_at_import")
    answer = vbench("plugins")
    assert answer.code == 0
    assert "not loaded  vbench-broken-at-import: broken_at_import" in answer.out
    assert "No module named 'a_library_that_is_not_installed'" in answer.out
    assert "Traceback" not in answer.out


def test_strict_mode_makes_it_fatal(install, monkeypatch):
    install("broken_at_import")
    monkeypatch.setenv("VBENCH_PLUGINS_STRICT", "1")
    answer = vbench("plugins")
    assert answer.code == 2
    assert answer.err.startswith("vbench: vbench-broken-at-import:")


def test_a_limit_that_names_nothing_is_said(monkeypatch):
    monkeypatch.setenv("VBENCH_PLUGINS", "my-gna")
    answer = vbench("plugins", "--verbose", "--kind", "source")
    assert answer.code == 0
    assert "no distribution or entry point is called 'my-gna'" in answer.out


def test_a_clash_is_said_with_both_sides(install):
    install("clashing", version="4.5")
    out = vbench("plugins").out
    both = f"one of vbench {version('vbench')}, one of vbench-clashing 4.5"
    assert f"two generators are called 'copy': {both}" in out


def test_a_file_can_be_listed_too():
    answer = vbench("plugins", "--json", "--file", PLUGINS / "fine.py")
    (fine,) = [p for p in json.loads(answer.out)["plugins"] if p["name"] == "fine"]
    assert fine["origin"] == "file"


def test_show_one():
    answer = vbench("plugins", "show", "hd95")
    assert "hd95@1: segmentation, in mm, lower is better" in answer.out


def test_show_an_unknown_one():
    answer = vbench("plugins", "show", "unet4d")
    assert (answer.code, answer.out) == (2, "")
    assert "no plugin is called 'unet4d'; did you mean 'unet3d'?" in answer.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_package_is_complete_and_passes(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = vbench("plugins", "new", f"my-{kind}", "--kind", kind)
    assert answer.code == 0
    folder = tmp_path / f"my-{kind}"
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        f"my_{kind}.py",
        "pyproject.toml",
        f"test_my_{kind}.py",
        "try.toml",
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"vbench": {f"my_{kind}": f"my_{kind}"}}
    monkeypatch.chdir(folder)
    report = json.loads(vbench("check", f"my_{kind}.py", "--json").out)
    assert [p["name"] for p in report["plugins"]] == [f"my-{kind}"]
    assert report["plugins"][0]["failed"] == 0
    assert report["plugins"][0]["ran"] > 10
    assert vbench("validate", "try.toml").code == 0
    lint = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,W,I,D,B,UP"]
    options = ["--ignore", "D203,D213,D107", "--line-length", "100", "--no-cache", "."]
    assert subprocess.run([*lint, *options], capture_output=True, check=False).returncode == 0


def test_the_tests_of_new_packages_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in KINDS:
        vbench("plugins", "new", f"my-{kind}", "--kind", kind, "--dir", kind)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *KINDS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for kind in KINDS:
        assert re.search(rf"test_my_{kind}\.py::.* PASSED", done.stdout), kind


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My_Gan", "cannot name a plugin; expected lower case letters"),
        ("3d", "cannot name a plugin"),
        ("import", "cannot name a plugin"),
        ("copy", f"there is a generator 'copy' already, of vbench {version('vbench')}"),
    ],
)
def test_a_name_that_cannot_be(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = vbench("plugins", "new", name, "--kind", "generator")
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_left_alone(tmp_path):
    (tmp_path / "work.py").write_text("x = 1")
    answer = vbench("plugins", "new", "my-gan", "--kind", "generator", "--dir", tmp_path)
    assert answer.code == 2
    assert "not empty" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["work.py"]


def test_a_plugin_adds_a_command(install):
    install("observer")
    answer = vbench("hello")
    assert (answer.code, answer.out) == (0, "hello from a plugin\n")
