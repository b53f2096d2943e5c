"""New patches of a fitted generator: seeded, of any candidate, whole or absent."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from toy_benchmark import TOYS, toy_spec, toy_table

import vbench
from vbench import api, registry
from vbench.engine.stages.common import sample_patches
from vbench.errors import ContractError
from vbench.interfaces import AT_ONCE
from vbench.layout import image_of, label_of
from vbench.trained.arm import open_arm
from vbench.trained.sample import TrainedGenerator

ARM = "synthetic/toy-generator"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    api.run(toy_spec(tune__checkpoints=2, plugins__paths=[TOYS]), folder, tracking=False)
    return folder


def test_the_same_seed_gives_the_same_patches_and_another_does_not(out: Path) -> None:
    few, more = (vbench.sample(ARM, n, benchmark="toys", out=out, seed=3) for n in (4, 6))
    assert few.shape == (4, 2, 4, 4, 4)
    np.testing.assert_array_equal(few, more[:4])
    assert set(np.unique(label_of(few))) <= {0, 1}
    other = vbench.sample(ARM, 4, benchmark="toys", out=out, seed=4)
    assert not np.array_equal(few, other)


def test_neighbouring_seeds_share_no_patch(out: Path) -> None:
    one = vbench.sample(ARM, AT_ONCE + 3, benchmark="toys", out=out, seed=0)
    two = vbench.sample(ARM, 3, benchmark="toys", out=out, seed=1)
    assert not np.array_equal(one[AT_ONCE:], two)


def test_patches_are_sampled_as_the_benchmark_samples_them(out: Path) -> None:
    chosen = open_arm(ARM, benchmark="toys", out=out).first
    assert chosen.samples is not None
    inputs = chosen.samples.inputs
    made = TrainedGenerator(open_arm(ARM, benchmark="toys", out=out), None)
    images = np.empty((inputs.n, *inputs.size), np.float16)
    labels = np.empty(images.shape, np.uint8)
    sample_patches(made.method, inputs.n, inputs.seed, images, labels, lambda done, of: None)
    place = out / "store" / chosen.samples.key
    np.testing.assert_array_equal(images, np.load(place / "images.npy"))
    np.testing.assert_array_equal(labels, np.load(place / "labels.npy"))


def test_each_candidate_can_be_sampled(out: Path, tmp_path: Path) -> None:
    drawn = [vbench.sample(ARM, 2, benchmark="toys", out=out, candidate=index) for index in (0, 1)]
    assert not np.array_equal(*drawn)
    said = command("sample", ARM, 2, "--to", tmp_path / "x", "--candidate", 1, "--out", out)
    assert said.code == 0, said.err
    np.testing.assert_array_equal(
        np.load(tmp_path / "x/images.npy"), image_of(drawn[1]).astype(np.float16)
    )


def test_a_folder_says_where_its_patches_come_from(out: Path, tmp_path: Path) -> None:
    said = command(
        "sample", ARM, 5, "--to", tmp_path / "a" / "x", "--seed", 9, "--out", out, "--json"
    )
    about = json.loads((tmp_path / "a/x/samples.json").read_text())
    assert json.loads(said.out) == about
    assert (about["patches"], about["seed"], about["audited"]) == (5, 9, False)
    images = np.load(tmp_path / "a/x/images.npy")
    assert (images.dtype, images.shape) == (np.float16, (5, 4, 4, 4))
    assert about["vessel_fraction"] == np.load(tmp_path / "a/x/labels.npy").mean()


def test_nifti_is_an_nnunet_data_set(out: Path, tmp_path: Path) -> None:
    made = vbench.write_samples(
        ARM, 3, tmp_path / "x", benchmark="toys", out=out, nifti=True, seed=9
    )
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "dataset.json", "imagesTr", "labelsTr", "samples.json"
    ]  # fmt: skip
    case = nib.load(made.folder / "imagesTr/synthetic_000002_0000.nii.gz")
    drawn = vbench.sample(ARM, 3, benchmark="toys", out=out, seed=9)
    np.testing.assert_allclose(case.get_fdata(), image_of(drawn)[2], atol=1e-3)
    assert case.header.get_zooms() == (1.0, 1.0, 2.0)
    source = registry.default().source("nnunet")
    assert len(source(source.Params(path=made.folder)).subjects()) == 3


def test_like_takes_a_specs_own_count(out: Path, tmp_path: Path) -> None:
    spec = tmp_path / "other.toml"
    table = toy_table(patches__per_subject=7)
    spec.write_text(
        f"""
[benchmark]
name = "other"
[data.source]
plugin = "blobs"
split = {{ train = 3, val = 1, test = 1 }}
[patches]
size = [4, 4, 4]
per_subject = {table["patches"]["per_subject"]}
[[generators]]
plugin = "toy-generator"
[segmenter]
plugin = "toy-segmenter"
[regimes]
synthetic = true
[plugins]
paths = ["{TOYS}"]
"""
    )
    said = command("sample", ARM, "--like", spec, "--to", tmp_path / "x", "--out", out)
    assert said.code == 0, said.err
    assert len(np.load(tmp_path / "x/labels.npy")) == 21
    text = spec.read_text().replace("synthetic = true", "real = true")
    spec.write_text(text)
    said = command("sample", ARM, "--like", spec, "--to", tmp_path / "y", "--out", out)
    assert (said.code, "it has none; give N" in said.err) == (2, True)


def test_bad_input_is_one_line_and_nothing_is_written(out: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    before = sorted(tmp_path.rglob("*"))
    to = ["--to", tmp_path / "new" / "x"]
    for arguments, message in [
        (["synthetic/toy-generater", 3, *to], "did you mean 'synthetic/toy-generator'?"),
        (["real", 3, *to], "real: has no generator"),
        ([ARM, 3, *to, "--candidate", 5], "no candidate 5 (has 0, 1; the arm chose"),
        ([ARM, 3, *to, "--repetition", 5], "seed 5 has not finished (finished: 0)"),
        ([ARM, 0, *to], "0 is not in the range"),
        ([ARM, *to], "give either N or --like SPEC"),
        ([ARM, 3, "--like", "x.toml", *to], "give either N or --like SPEC"),
        ([ARM, "--like", tmp_path / "no.toml", *to], "no.toml"),
        ([ARM, 3, "--to", full], "exists and is not empty"),
        ([ARM, 3, "--to", full / "mine.txt"], "mine.txt: is a file, expected a folder"),
    ]:
        said = command("sample", *arguments, "--out", out)
        assert (said.code, message in said.err) == (2, True), said.err
        assert sorted(tmp_path.rglob("*")) == before


def test_a_generator_that_breaks_its_contract_leaves_nothing(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ContractError("shape")

    monkeypatch.setattr("vbench.trained.sample.sample_patches", broken)
    said = command("sample", ARM, 3, "--to", tmp_path / "x", "--out", out)
    assert (said.code, said.err) == (2, f"vbench: {ARM}: shape\n")
    assert not any(tmp_path.iterdir())


def test_a_generator_is_called_as_the_benchmark_calls_it(tmp_path: Path) -> None:
    spec = toy_spec(generators=[{"plugin": "toy-generator", "name": "tubes"}])
    api.run(spec, tmp_path / "out", tracking=False)
    place = ("--to", tmp_path / "x", "--out", tmp_path / "out")
    said = command("sample", "synthetic/tubes", 3, *place)
    assert "3 patches by tubes, repetition 0" in said.out
    assert json.loads((tmp_path / "x/samples.json").read_text())["generator"] == "toy-generator"
