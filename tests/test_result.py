"""Results in Python: frames, samples, figures, and what a notebook shows."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fabricate import fabricate
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench import api
from vbench.errors import StoreError
from vbench.notebook import NotebookProgress, in_notebook
from vbench.types import JobFailure

pytestmark = pytest.mark.usefixtures("warm_workers")


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> vbench.RunResult:
    """A benchmark of toys, with arms of every kind; one of the two generators is broken."""
    generators = [
        {"plugin": "toy-generator"},
        {"plugin": "toy-generator", "name": "broken", "params": {"fault": "raise"}},
    ]
    regimes = {
        "real": True,
        "synthetic": True,
        "mixed": {"generators": ["toy-generator"]},
        "transfer": {"subjects": [1], "generators": ["toy-generator"]},
    }
    spec = toy_spec(generators=generators, regimes=regimes, plugins__paths=[TOYS])
    return api.run(spec, tmp_path_factory.mktemp("out"), workers=1, tracking=False)


def test_the_leaderboard_is_a_frame_with_what_the_file_says(ran):
    frame = ran.leaderboard
    assert list(frame.index) == [row["arm"] for row in ran.board["rows"]]
    real = next(row for row in ran.board["rows"] if row["arm"] == "real")
    assert frame.loc["real", "dsc"] == real["metrics"]["dsc"]["mean"]
    assert frame.loc["real", ["dsc_low", "dsc_high"]].tolist() == real["metrics"]["dsc"]["ci95"]
    assert frame.loc["real", "dsc_n"] == 2
    assert frame.loc["transfer/toy-generator/n1", "n_subjects"] == 1
    assert frame.loc["synthetic/broken", "status"] == "failed"
    ratio = frame.loc["mixed/toy-generator", "dsc"] / frame.loc["real", "dsc"]
    assert frame.loc["mixed/toy-generator", "dsc_ratio_to_real"] == pytest.approx(ratio)


def test_cases_are_every_score_and_their_means_are_the_leaderboard(ran):
    cases = ran.cases
    means = cases[cases.status == "ok"].groupby("arm").value.mean()
    for arm, mean in means.items():
        assert ran.leaderboard.loc[arm, "dsc"] == pytest.approx(mean)
    failed = cases[cases.arm == "synthetic/broken"]
    assert len(failed) == 2
    assert failed.value.isna().all()


@pytest.mark.parametrize("arm", ["synthetic", "mixed", "transfer"])
def test_samples_are_the_patches_that_the_arm_was_trained_on(ran, arm):
    name = next(a for a in ran.leaderboard.index if a.startswith(f"{arm}/toy-generator"))
    samples = ran.samples(name, 3)
    assert samples.shape == (3, 2, 4, 4, 4)
    assert samples.dtype == np.float32
    stored = [np.load(p) for p in (ran.folder.parent / "store").glob("*/images.npy")]
    assert any(np.array_equal(samples[:, 0], images[:3].astype(np.float32)) for images in stored)


@pytest.mark.parametrize(
    ("arm", "says"),
    [
        ("real", "no generator; arms that have: synthetic/toy-generator"),
        ("synthetic/toy-generatr", "did you mean 'synthetic/toy-generator'"),
        ("synthetic/broken", "has not finished"),
    ],
)
def test_samples_say_what_is_wrong(ran, arm, says):
    with pytest.raises(StoreError, match=says):
        ran.samples(arm)


def test_as_many_samples_as_are_asked_for_or_a_word_why_not(ran):
    arm = "synthetic/toy-generator"
    there = len(ran.samples(arm))
    assert 0 < there <= 16
    assert len(ran.samples(arm, there)) == there
    with pytest.raises(StoreError, match=rf"{arm}: \d+ patches are .* 1000 .*`vbench sample {arm}"):
        ran.samples(arm, 1000)
    assert len(ran.samples(arm, np.int64(2))) == 2
    for n in (-1, 2.5, "3"):
        with pytest.raises(ValueError, match=f"n = {n!r}: expected how many patches, a whole"):
            ran.samples(arm, n)


def test_a_run_of_which_an_arm_failed_is_not_ok_and_shows_why(ran):
    assert not ran.ok
    html = ran._repr_html_()
    assert repr(ran).endswith("6 arms, not all arms are finished)")
    assert "the toy broke" in html
    assert "<td>synthetic/toy-generator</td>" in html


def test_the_same_is_read_from_the_folder(ran):
    again = vbench.read_result(ran.folder)
    assert again.leaderboard.equals(ran.leaderboard)
    assert again.board["rows"] == ran.board["rows"]
    assert not again.ok
    with pytest.raises(StoreError, match=r"plan\.json: missing"):
        vbench.read_result(ran.folder / "nothing")


def test_figures_are_those_of_the_report_and_show_themselves(tmp_path):
    made = fabricate(tmp_path, artifacts=True, seeds=(0,))
    figures = vbench.read_result(made.folder).figures
    assert figures["samples"][0].title == "real"
    assert 'src="data:image/png;base64,' in figures["samples"][0]._repr_html_()
    assert 'src="data:image/svg+xml;base64,' in figures["strips"][0]._repr_html_()
    assert figures._repr_html_().count("<figure>") == sum(map(len, figures.values()))


def test_the_report_is_written_once_it_is_asked_for(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    assert not (made.folder / "report.html").exists()
    assert vbench.read_result(made.folder).report.read_text().startswith("<!doctype html>")


def test_hostile_names_stay_text(tmp_path):
    made = fabricate(tmp_path, truth={"real": 0.9}, failed=None)
    made.arm("real")["arm"] = "<script>alert(1)</script>"
    made.rewrite()
    result = vbench.read_result(made.folder)
    assert "<script>" not in result._repr_html_()
    assert "<script>" not in result.figures._repr_html_()


def test_a_plan_shows_as_a_table(tmp_path):
    jobs = vbench.plan(toy_spec(plugins__paths=[TOYS]), tmp_path)
    html = jobs._repr_html_()
    assert html.count("<tr>") == len(jobs) + 1
    assert repr(jobs) == f"PlannedJobs({len(jobs)} jobs, 0 cached)"
    assert "<td>new</td>" in html


class Notebook:
    """Stands in for IPython in a kernel; keeps what is displayed."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.kernel = object()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
        ipython.get_ipython = lambda: self  # type: ignore[attr-defined]
        display.HTML = str  # type: ignore[attr-defined]
        display.display = self.display  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setitem(sys.modules, "IPython.display", display)

    def display(self, html: str, display_id: bool) -> Notebook:
        assert display_id
        self.update(html)
        return self

    def update(self, html: str) -> None:
        self.shown.append(html)


def test_a_run_in_a_notebook_shows_its_jobs_and_leaves_a_line(monkeypatch, tmp_path):
    assert not in_notebook()
    notebook = Notebook()
    notebook.install(monkeypatch)
    monkeypatch.setattr("vbench.notebook.EVERY", 0.0)
    spec = toy_spec(plugins__paths=[TOYS], generators=[], regimes={"real": True})
    result = vbench.run(spec, tmp_path, workers=1, tracking=False)
    assert any("<td>fit-segmenter</td><td>real · seed 0</td>" in html for html in notebook.shown)
    assert f"{result.ran} of {result.ran} jobs done" in notebook.shown[-1]
    assert "<table>" not in notebook.shown[-1]
    notebook.shown.clear()
    vbench.run(spec, tmp_path, workers=1, tracking=False)
    assert notebook.shown == []


def test_a_notebook_is_not_drawn_on_at_every_step(monkeypatch):
    notebook = Notebook()
    notebook.install(monkeypatch)
    progress = NotebookProgress()
    job: Any = types.SimpleNamespace(key="k", stage="fit-segmenter", label="<real>")
    progress.started(job)
    for step in range(1000):
        progress.progress(job, step, 1000, {"loss": 0.5})
    assert len(notebook.shown) < 10
    assert "&lt;real&gt;" in notebook.shown[0]
    progress.failed(job, JobFailure("error", "it broke"))
    progress.close()
    assert "it broke" in notebook.shown[-1]


def test_score_takes_arrays_and_files(tmp_path: Path):
    truth = np.zeros((6, 6, 6), bool)
    truth[2:4, 2:4, 2:4] = True
    prediction = truth.copy()
    prediction[3, 3, 3] = False
    found = vbench.score(prediction, truth, spacing=(0.5, 0.5, 0.7), metrics=["dsc", "recall"])
    assert found == {"dsc": pytest.approx(14 / 15), "recall": pytest.approx(7 / 8)}
    assert len(vbench.score(prediction, truth, spacing=(1, 1, 1))) > 15


def test_the_frame_has_the_verdict_and_the_worst_patient(tmp_path):
    truth = {"real": 0.9, "synthetic/copy": 0.88}
    made = fabricate(tmp_path, truth=truth, seeds=(0,), n_test=1, failed=None)
    made.privacy("synthetic/copy")["nn-ratio"] |= {
        "alarm": True,
        "patients": [{"subject": 3, "value": 0.75, "ci95": [0.6, 0.9]}],
    }
    made.rewrite()
    frame = vbench.read_result(made.folder).leaderboard
    names = ["verdict", "worst_patient", *(f"worst_patient_risk{s}" for s in ("", "_low", "_high"))]
    assert frame.loc["synthetic/copy", names].tolist() == ["alarm", "source-03", 0.75, 0.6, 0.9]
    assert frame.loc["real", names].isna().all()
