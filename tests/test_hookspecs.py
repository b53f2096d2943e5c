"""Every hook is documented, with an example; here each example is loaded and does what it says."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import re
import shutil
import sqlite3
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import vbench as run_cli
from documents import ROOT, blocks
from toy_benchmark import TOYS, toy_spec

from vbench import api, hookspecs, registry
from vbench.testing import run, suite_for

pytestmark = pytest.mark.usefixtures("warm_workers")

GROUPS = (hookspecs.Registration, hookspecs.LifeCycle, hookspecs.CommandLine)
HOOKS = {
    name: function
    for group in GROUPS
    for name, function in vars(group).items()
    if name.startswith("vbench_")
}
PAGE = ROOT / "docs" / "reference" / "hooks.md"


def example(hook: str, folder: Path) -> Path:
    """Write the example that stands under a hook's heading to a file."""
    (block,) = [b for b in blocks(PAGE) if b.heading == hook and b.language == "python"]
    path = folder / f"{hook.replace(' ', '_')}.py"
    path.write_text(block.text)
    return path


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_what_it_is_called_with(hook):
    text = inspect.getdoc(HOOKS[hook]) or ""
    assert text.partition("\n")[0].endswith(".")
    for name in list(inspect.signature(HOOKS[hook]).parameters)[1:]:
        assert re.search(rf"^ +{name}: \S", text, re.MULTILINE), name


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_an_example_that_implements_it(hook, tmp_path):
    assert f"def {hook}(" in example(hook, tmp_path).read_text()


def test_every_hook_has_a_test_of_its_example():
    for hook in HOOKS:
        assert f"test_{hook}" in globals(), f"write a test_{hook}, as the others are"


def test_the_page_documents_nothing_else():
    documented = {b.heading for b in blocks(PAGE) if b.language == "python"}
    assert documented == {*HOOKS, "A tracker"}


def registered(hook: str, folder: Path) -> registry.Registry:
    found = registry.load([example(hook, folder)])
    assert found.failures == []
    return found


def assert_conforms(cls: Any) -> None:
    failed = [o for o in run(suite_for(cls)) if o.status == "failed"]
    assert failed == []


def test_vbench_register_sources(tmp_path):
    assert_conforms(registered("vbench_register_sources", tmp_path).source("rods"))


def test_vbench_register_generators(tmp_path):
    assert_conforms(registered("vbench_register_generators", tmp_path).generator("repeat"))


def test_vbench_register_segmenters(tmp_path):
    assert_conforms(registered("vbench_register_segmenters", tmp_path).segmenter("midway"))


def test_vbench_register_metrics(tmp_path):
    assert_conforms(registered("vbench_register_metrics", tmp_path).metric("accuracy"))


@dataclass(frozen=True)
class Watched:
    result: api.RunResult
    folder: Path
    printed: list[str]


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Watched:
    """A benchmark of toys, one arm of which fails, with the examples of all life-cycle hooks."""
    folder = tmp_path_factory.mktemp("watched")
    examples = [str(example(hook, folder)) for hook in HOOKS if hook in vars(hookspecs.LifeCycle)]
    broken = {"plugin": "toy-generator", "params": {"fault": "raise"}}
    spec = toy_spec(plugins__paths=[TOYS, *examples], generators=[broken])
    out = io.StringIO()
    with contextlib.chdir(folder), redirect_stdout(out):
        result = api.run(spec, folder / "results", workers=1, tracking=False)
    return Watched(result, folder, out.getvalue().splitlines())


def test_vbench_job_started(watched):
    assert "started fit-segmenter: real · seed 0" in watched.printed
    assert len(watched.printed) == watched.result.ran + 1  # and the one that failed


def test_vbench_job_finished(watched):
    lines = (watched.folder / "times.csv").read_text().splitlines()
    assert len(lines) == watched.result.ran
    assert {line.partition(",")[0] for line in lines} == {"prepare", "fit-segmenter", "evaluate"}
    assert all(float(line.rpartition(",")[2]) >= 0 for line in lines)


def test_vbench_job_failed(watched):
    (line,) = (watched.folder / "failures.txt").read_text().splitlines()
    assert line.endswith("error: RuntimeError: the toy broke")


def test_vbench_run_finished(watched):
    text = (watched.result.folder / "summary.txt").read_text()
    assert text == "2 arms, failed: ['synthetic/toy-generator']\n"


def test_vbench_cli(tmp_path, install):
    (install.folder / "observer.py").unlink(missing_ok=True)
    install("observer")
    (install.folder / "observer.py").write_text(example("vbench_cli", tmp_path).read_text())
    install.forget()
    answer = run_cli("voxels", "16")
    assert (answer.code, answer.out) == (0, "4096\n")


def test_a_tracker_logs_what_is_new_unless_it_is_switched_off(tmp_path, monkeypatch, empty_store):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tracker, out = example("A tracker", tmp_path), tmp_path / "results"
    spec = toy_spec(plugins__paths=[TOYS, str(tracker)], generators=[], regimes={"real": True})
    silent = api.run(spec, out, workers=1, tracking=False)
    assert not list(out.rglob("*mlflow*")) + list(out.rglob("tracked*"))
    shutil.copyfile(empty_store, out / "mlflow.db")
    result = api.run(spec, out, workers=1, force=["evaluate"])
    assert api.run(spec, out, workers=1).ran == 0
    (line,) = map(json.loads, (result.folder / "tracked.jsonl").read_text().splitlines())
    assert (line["arm"], line["dsc"]) == ("real", silent.board["rows"][0]["metrics"]["dsc"]["mean"])
    assert line["curves"]["segmenter seed 0/loss"] >= 0
    assert Path(line["weights"]["0"]).is_file()
    assert list((result.folder / "tracked" / "real").glob("*.svg"))
    # The built-in mirror took the same road.
    with closing(sqlite3.connect(out / "mlflow.db")) as store:
        (runs,) = store.execute("SELECT count(*) FROM tags WHERE key = 'arm'").fetchone()
    assert runs == 1


def test_an_exception_in_a_life_cycle_hook_is_a_warning(tmp_path, caplog):
    plugin = tmp_path / "angry.py"
    plugin.write_text(
        "import vbench\n\n\n@vbench.hookimpl\ndef vbench_run_finished(folder, leaderboard):\n"
        "    raise RuntimeError('not today')\n"
    )
    spec = toy_spec(plugins__paths=[TOYS, str(plugin)], generators=[], regimes={"real": True})
    result = api.run(spec, tmp_path / "results", workers=1, tracking=False)
    assert "vbench_run_finished failed: RuntimeError: not today" in caplog.text
    assert result.ok
    assert json.loads((result.folder / "leaderboard.json").read_text())["rows"]
