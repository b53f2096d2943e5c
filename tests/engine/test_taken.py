"""A generator of another benchmark: its weights, its parameters, whom it learnt from."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from datasets import nnunet
from toy_benchmark import TOYS

import vbench
from vbench.errors import SpecError
from vbench.files import read_json
from vbench.records.training import FitGeneratorInputs
from vbench.spec import load_spec

SPEC = """
[benchmark]
name = "{name}"
seeds = {seeds}
[data.source]
plugin = "blobs"
split = {{ train = {train}, val = {val}, test = {test} }}
[patches]
size = [4, 4, 4]
per_subject = 8
[[generators]]
{generator}
[segmenter]
plugin = "toy-segmenter"
[regimes]
synthetic = true
[metrics]
segmentation = ["dsc"]
privacy = ["near-copies"]
[compute]
threads = 1
[plugins]
paths = ["{toys}"]
"""
PARTS = {"train": ["blob-0", "blob-1"], "val": ["blob-2"], "test": ["blob-3", "blob-4"]}


def spec(folder: Path, name: str, generator: str, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    given = {"name": name, "seeds": [0], "generator": generator, "toys": TOYS, **PARTS, **changes}
    path.write_text(SPEC.format(**given))
    return path


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that came from another machine: a benchmark that is finished."""
    folder = tmp_path_factory.mktemp("there")
    first = spec(folder, "first", 'plugin = "toy-generator"\nparams = { steps = 6 }')
    vbench.run(first, out=folder / "results", workers=1, tracking=False)
    shutil.move(folder / "results", folder / "moved")
    return folder


def test_it_is_an_arm_without_being_trained_again(there: Path, tmp_path: Path) -> None:
    shutil.copytree(there / "moved", tmp_path / "theirs")
    path = spec(tmp_path, "mine", 'from = "theirs/first:synthetic/toy-generator"', seeds=[0, 1])
    (use,) = load_spec(path).generators
    assert use.from_ == f"{tmp_path}/theirs/first:synthetic/toy-generator"
    assert use.label == "toy-generator"
    jobs = vbench.plan(path, out=tmp_path / "out")
    fits = [job.job.inputs for job in jobs if job.job.stage == "fit-generator"]
    assert len(fits) == 1
    assert isinstance(fits[0], FitGeneratorInputs)
    assert fits[0].taken
    assert fits[0].params["steps"] == 6
    vbench.run(path, out=tmp_path / "out", workers=1, tracking=False)
    (row,) = read_json(tmp_path / "out/mine/leaderboard.json")["rows"]
    assert (row["arm"], row["status"]) == ("synthetic/toy-generator", "ok")
    assert row["verdict"] is not None
    assert "not trained here" in row["remarks"][0]
    assert "from 2 subjects" in row["remarks"][1]
    # Weights are kept here: theirs may go, and the place is not in the key.
    shutil.move(tmp_path / "theirs", tmp_path / "elsewhere")
    again = spec(tmp_path, "mine", 'from = "elsewhere/first:synthetic/toy-generator"', seeds=[0, 1])
    assert all(job.cached for job in vbench.plan(again, out=tmp_path / "out"))


@pytest.mark.parametrize(
    ("generator", "changes", "says"),
    [
        (":synthetic/toy-generater", {}, "did you mean 'synthetic/toy-generator'"),
        (":synthetic/toy-generator", {"test": ["blob-1"], "train": ["blob-0"]}, "has seen what"),
        (":synthetic/toy-generator", {"val": ["blob-1"], "train": ["blob-0"]}, "part val here"),
        ("/none:synthetic/toy-generator", {}, "no benchmark's results"),
    ],
)
def test_what_does_not_fit_is_refused(
    generator: str, changes: dict[str, object], says: str, there: Path, tmp_path: Path
) -> None:
    origin = f'from = "{there}/moved/first{generator}"'
    with pytest.raises(SpecError, match=says) as caught:
        vbench.plan(spec(tmp_path, "mine", origin, **changes), out=tmp_path / "out")
    assert "generators.0.from" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_plugin_is_refused(there: Path, tmp_path: Path) -> None:
    origin = f'from = "{there}/moved/first:synthetic/toy-generator"\nplugin = "copy"'
    says = r"generators.0.plugin: 'copy', but .* was made by 'toy-generator'; leave plugin out"
    with pytest.raises(SpecError, match=says):
        vbench.plan(spec(tmp_path, "mine", origin), out=tmp_path / "out")


def test_another_patch_size_or_range_is_refused(there: Path, tmp_path: Path) -> None:
    path = spec(tmp_path, "mine", f'from = "{there}/moved/first:synthetic/toy-generator"')
    changes = {"patches.size=[6,6,6]": "makes patches", "data.normalise=zscore": "'percentile'"}
    for change, says in changes.items():
        with pytest.raises(SpecError, match=says):
            vbench.plan(path, out=tmp_path / "out", overrides=[change])


def test_a_scan_with_another_label_is_the_same_patient(tmp_path: Path) -> None:
    source = '[data.source]\nplugin = "nnunet"\npath = "set"'
    parts = {"train": ["case0", "case1"], "val": ["case2"], "test": ["case3", "case4"]}

    def files(name: str, generator: str, **changes: object) -> Path:
        path = spec(tmp_path, name, generator, **{**parts, **changes})
        path.write_text(path.read_text().replace('[data.source]\nplugin = "blobs"', source))
        return path

    nnunet(tmp_path / "set", n=5)
    first = files("first", 'plugin = "toy-generator"\nparams = { steps = 6 }')
    vbench.run(first, out=tmp_path / "results", workers=1, tracking=False)
    (label,) = (tmp_path / "set/labelsTr").glob("case0.*")
    scan = nib.load(label)
    corrected = np.asarray(scan.dataobj).copy()
    corrected[0, 0, 0] = 1 - corrected[0, 0, 0]
    nib.save(nib.Nifti1Image(corrected, scan.affine, scan.header), label)
    changes = {"train": ["case3", "case1"], "test": ["case0", "case4"]}
    mine = files("mine", 'from = "results/first:synthetic/toy-generator"', **changes)
    with pytest.raises(SpecError, match=r"learnt from 'case0', which is 'case0' of .* test"):
        vbench.plan(mine, out=tmp_path / "out")


def test_a_generator_has_one_origin(tmp_path: Path) -> None:
    for generator, says in (
        ('name = "x"', "needs a plugin, or from"),
        ('from = "x"', "expected FOLDER/BENCHMARK:ARM"),
        ('from = "a/b:synthetic/c"\nparams = { steps = 1 }', "params has no effect"),
    ):
        with pytest.raises(SpecError, match=says):
            load_spec(spec(tmp_path, "mine", generator))


def test_records_that_are_gone_are_said(there: Path, tmp_path: Path) -> None:
    shutil.copytree(there / "moved", tmp_path / "theirs")
    store = tmp_path / "theirs" / "store"
    for folder in list(store.iterdir()):
        if (folder / "volume.json").is_file():
            shutil.rmtree(folder)
    path = spec(tmp_path, "mine", 'from = "theirs/first:synthetic/toy-generator"')
    (fit,) = [
        job.job
        for job in vbench.plan(path, out=tmp_path / "out")
        if job.job.stage == "fit-generator"
    ]
    assert any("cannot be told" in line for line in fit.extra["remarks"])
