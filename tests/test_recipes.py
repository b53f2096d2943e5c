"""Each recipe reads a tiny made copy of its data set, with its names and folders."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench
from documents import ROOT
from made_recipes import MADE

from vbench.cli.data import open_folder
from vbench.data.check import faults_of
from vbench.data.splits import group_by_pattern
from vbench.registry import default
from vbench.spec import load_spec
from vbench.spec.check import faults
from vbench.spec.recipes import recipe
from vbench.spec.shipped import names as benchmarks
from vbench.spec.shipped import recipes as names


def test_each_recipe_has_a_made_copy() -> None:
    assert names() == sorted(MADE)
    assert not set(names()) & set(benchmarks())


@pytest.mark.parametrize("name", sorted(MADE))
def test_it_reads_its_data_set_as_it_is_downloaded(name: str, tmp_path: Path) -> None:
    made = MADE[name]
    source = open_folder(made.write(tmp_path), name, ())
    assert source.subjects() == sorted(made.subjects)
    assert [str(fault) for fault in faults_of(source)] == []
    if made.mask:
        assert source.load(made.subjects[0]).mask is not None
    group = recipe(name).group
    people = dict(zip(made.subjects, made.people or made.subjects, strict=True))
    assert (group_by_pattern(made.subjects, group) if group else people) == people


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_first_spec_takes_over_how_a_recipe_reads(name: str, tmp_path: Path) -> None:
    made = MADE[name]
    place = made.write(tmp_path)
    people = len(set(made.people or made.subjects))
    answer = vbench("init", tmp_path / "new", "--data", place, "--layout", name)
    if people < 3:
        assert f"{people} subject" in answer.err
        return
    assert answer.code == 0, answer.err
    spec = load_spec(tmp_path / "new" / "benchmark.toml")
    read = recipe(name)
    assert spec.data.source.plugin == read.plugin
    assert spec.data.source.params | {"path": ""} == read.params | {"path": ""}
    assert spec.data.source.group == read.group
    split = spec.data.source.split
    assert split.wanted == people


@pytest.mark.parametrize("name", sorted(MADE))
def test_it_is_a_sound_spec_but_for_the_path_and_says_what_it_is(name: str) -> None:
    spec = load_spec(name)
    assert spec.benchmark.name == name
    assert faults(spec, default()) == [
        "data.source.path: missing; it is required, such as with --set data.source.path=DIR"
    ]
    about = spec.data.source.about
    assert about is not None
    lacking = [key for key, value in about.model_dump(exclude={"unchecked"}).items() if not value]
    assert lacking == []
    for place in about.read:
        assert re.match(r"https?://\S+$", place) or about.unchecked, place


def test_a_recipe_is_listed_and_told_of() -> None:
    assert all(name in vbench("data", "recipes").out for name in names())
    told = vbench("data", "recipes", "lausanne").out
    assert "CC0" in told
    assert "vbench run lausanne --set data.source.path=DIR" in told
    answer = vbench("data", "recipes", "lausane")
    assert (answer.code, answer.err) == (
        2,
        "vbench: no recipe 'lausane'; did you mean 'lausanne'?\n",
    )


def test_a_data_set_is_checked_and_written_by_a_recipe(tmp_path: Path) -> None:
    data = MADE["adam"].write(tmp_path / "ADAM")
    label = data / "10001" / "aneurysms.nii.gz"
    image = nib.load(label)
    values = np.asarray(image.dataobj).astype(np.uint8)
    values[2:4, 2:4, 2:4] = 2
    nib.save(nib.Nifti1Image(values, image.affine, image.header), label)
    assert vbench("data", "check", data, "--layout", "adam").code == 0
    answer = vbench(
        "data", "convert", "adam", data, tmp_path / "out", "--set", "exclude=['10045F']"
    )
    assert answer.out.endswith(f"{tmp_path}/out: 2 subjects, nnunet layout\n")
    again = open_folder(tmp_path / "out", None, ())
    there, here = again.load("10001"), open_folder(data, "adam", ()).load("10001")
    np.testing.assert_array_equal(there.label, here.label)
    assert here.ignore is not None
    assert here.ignore.sum() == 8
    np.testing.assert_array_equal(there.ignore, here.ignore)
    answer = vbench("data", "convert", "adam", data, tmp_path / "b", "--layout", "bids")
    assert "'10001' has voxels that nobody labelled" in answer.err


@pytest.mark.parametrize("name", ["minivess", "drive", "vesselnn"])
def test_a_folder_that_a_recipe_reads_is_told_so(name: str, tmp_path: Path) -> None:
    answer = vbench("data", "check", MADE[name].write(tmp_path))
    assert f"its names are those of the recipe '{name}': --layout {name}" in answer.err
    assert answer.code == 2


def test_a_recipe_is_cited() -> None:
    cited = vbench("cite", "minivess").out
    assert "@misc{data-source," in cited
    assert "10.1038/s41597-023-02048-8" in cited


def test_an_unknown_layout_gets_the_nearest_recipe(tmp_path: Path) -> None:
    assert (
        "or a recipe; did you mean 'topcow-mr'?"
        in vbench("data", "check", tmp_path, "--layout", "topcow-m").err
    )


def test_the_page_of_public_data_says_what_the_recipes_say() -> None:
    page = (ROOT / "docs" / "howto" / "public-data.md").read_text()
    _, head, listed = page.partition("\n## The data sets\n\n")
    told = vbench("data", "recipes", "--markdown").out
    assert listed == told, f"replace what stands below '{head.strip()}' by what the command prints"
