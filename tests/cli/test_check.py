from __future__ import annotations

import json
import re
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest
from command_line import vbench
from installing import PLUGINS

from vbench.testing import apart


@pytest.fixture(autouse=True)
def forked(monkeypatch, warm_python):
    """Fork the processes of plugins, but those of the first test."""
    monkeypatch.setattr(apart, "sys", SimpleNamespace(executable=warm_python, path=sys.path))


def test_what_ran_failed_and_was_skipped_is_printed(monkeypatch):
    monkeypatch.undo()  # a process that is started
    answer = vbench("check", "threshold")
    assert answer.code == 0
    assert f"segmenter threshold, vbench {version('vbench')}" in answer.out
    assert "40 checks ran: 40 passed, 0 failed; 13 skipped" in answer.out
    assert "skipped: state() is None: an interrupted fit starts again" in answer.out


def test_wrong_shapes_are_found(install):
    install("wrong_shapes")
    answer = vbench("check", "wrong-shapes")
    assert answer.code == 1
    assert (
        "samples-are-labelled-patches: sample(1) returned shape (1, 1, 16, 16); "
        "expected (1, 2, 16, 16)" in answer.out
    )


def test_a_plugin_that_hangs_costs_its_limit_once(install):
    install("hanging")
    answer = vbench("check", "hanging", "--seconds", "0.3", "--only", "fits", "--only", "repeats")
    assert answer.code == 1
    assert "fits: still not finished after 0.3 s" in answer.out
    assert "skipped: not tried: fits 2D did not finish" in answer.out
    assert "1 checks ran: 0 passed, 1 failed; 3 skipped" in answer.out


def test_what_a_plugin_does_to_its_process_is_reported(install, monkeypatch):
    monkeypatch.setattr(apart, "GRACE", 0.5)
    install("unruly")
    names = ["leaves", "exits", "chatty", "deaf"]
    answer = vbench("check", *names, "--json", "--only", "fits", "--seconds", "1")
    assert answer.code == 1
    reports = {report["name"]: report for report in json.loads(answer.out)["plugins"]}
    assert list(reports) == names
    said = {
        name: [f"{c['check']} {c['case']}: {c['message']}" for c in report["checks"]]
        for name, report in reports.items()
    }
    assert said["leaves"] == [
        "fits 2D: its process ended with exit code 0; does the plugin call os._exit?",
        "fits 3D: not tried: fits 2D ended its process",
    ]
    assert "fits 2D: called sys.exit(0), which would end the whole run" in said["exits"]
    assert len(said["exits"]) == 2
    assert said["chatty"][-1].startswith("leaves-no-thread : ")
    assert "forever" in said["chatty"][-1]
    assert said["deaf"] == [
        "fits 2D: its process neither ended nor answered, and was killed",
        "fits 3D: not tried: fits 2D did not finish",
    ]
    assert [report["failed"] for report in reports.values()] == [1, 2, 1, 1]
    assert [report["skipped"] for report in reports.values()] == [1, 0, 0, 1]


def test_what_was_not_tried_counts_alike_however_a_check_ended_them_all(install):
    install("unruly")
    install("hanging")
    counts = []
    for name in ("leaves", "hanging"):
        answer = vbench("check", name, "--seconds", "3", "--json")
        (report,) = json.loads(answer.out)["plugins"]
        counts.append([report[word] for word in ("ran", "failed", "skipped")])
    assert counts[0] == counts[1]
    assert counts[0][2] > 40


def test_one_fault_of_many_checks_is_said_once(install):
    install("unruly")
    answer = vbench("check", "exits")
    (line,) = [line for line in answer.out.splitlines() if "FAILED  The same as fits in" in line]
    assert line.endswith("more checks: called sys.exit(0), which would end the whole run")
    assert answer.out.count("called sys.exit(0)") == 2
    assert answer.out.count("fit failed, see test_fits") == 2
    verbose = vbench("check", "exits", "--verbose")
    assert "The same as" not in verbose.out


def test_a_bare_assert_says_its_line(install):
    install("unruly")
    answer = vbench("check", "silent", "--only", "fits", "--only", "odd-sizes")
    where = r"AssertionError in line \d+ of unruly.py: assert seed < 0"
    assert re.search(f"fits: {where}", answer.out)
    assert re.search(f"but then: {where}", answer.out)


def test_a_file_that_leaves_while_it_is_loaded_is_said(tmp_path):
    (tmp_path / "gone.py").write_text("import os\nos._exit(0)\n")
    answer = vbench("check", tmp_path / "gone.py")
    assert answer.code == 2
    assert "gone.py could not be loaded: importing it ended Python with exit code 0" in answer.err


def test_the_limit_covers_loading(tmp_path):
    (tmp_path / "waits.py").write_text("import time\ntime.sleep(600)\n")
    answer = vbench("check", tmp_path / "waits.py", "--seconds", "0.5")
    assert answer.code == 2
    assert "waits.py could not be loaded: it was still not imported after 0.5 s" in answer.err


def test_json(install):
    install("wrong_shapes")
    answer = vbench("check", "wrong-shapes", "--json", "--only", "samples-are-labelled-patches")
    assert answer.code == 1
    (report,) = json.loads(answer.out)["plugins"]
    assert {k: report[k] for k in ("kind", "name", "ran", "failed", "skipped")} == {
        "kind": "generator",
        "name": "wrong-shapes",
        "ran": 2,
        "failed": 2,
        "skipped": 0,
    }
    assert [check["case"] for check in report["checks"]] == ["2D", "3D"]


def test_a_file_is_checked_without_installing():
    answer = vbench("check", PLUGINS / "fine.py", "--only", "fits")
    assert answer.code == 0
    assert "generator fine" in answer.out


def test_an_installed_file_is_checked_by_its_path(install):
    install("fine")
    answer = vbench("check", install.folder / "fine.py", "--only", "fits")
    assert (answer.code, "generator fine, vbench-fine 1.0" in answer.out) == (0, True)


def test_several_are_summed_up():
    answer = vbench("check", "dsc", "hd95", "--only", "is-versioned")
    assert answer.code == 0
    assert "2 plugins: 2 checks ran, 0 failed" in answer.out


def test_parameters_can_be_given(install):
    answer = vbench("check", PLUGINS / "fine.py", "--only", "fits", "--set", "steps=0")
    assert answer.code == 1
    assert "greater than or equal to 1" in answer.out


def test_a_source_that_needs_a_folder_says_so():
    answer = vbench("check", "nnunet")
    assert answer.code == 0
    assert "skipped: needs path, which has no default" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["coppy"], "no plugin is called 'coppy'; did you mean 'copy'?"),
        (["copy", "--kind", "segmenter"], "no segmenter is called 'copy'"),
        (["copy", "--only", "fitz"], "no check is called 'fitz'; did you mean 'fits'?"),
        (["copy", "--set", "keep"], "--set keep: expected KEY=VALUE"),
        ([], "name the plugins to check, or use --all"),
        (["gone.py"], "gone.py: no such plugin file"),
        ([PLUGINS / "broken_at_import.py"], "could not be loaded: ModuleNotFoundError"),
        ([PLUGINS / "observer.py"], "registers no plugin"),
    ],
)
def test_calls_that_are_wrong(arguments, message):
    answer = vbench("check", *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_what_failed_to_load_is_said(install):
    install("broken_at_import")
    answer = vbench("check", "broken")
    assert answer.code == 2
    assert "vbench-broken-at-import: broken_at_import = broken_at_import" in answer.err
