"""nnU-Net issue 1871: images of one patient were split between training and validation.

Two eyes or two time points counted as two subjects. A group keeps them in one part of the split,
and counts them once in tests.
"""

import json

import numpy as np
import pytest
from command_line import vbench
from nnunet_folders import vessels, write_dataset, write_spec

from vbench.data.patches import VolumePatches
from vbench.data.splits import group_by_pattern, split_subjects
from vbench.engine.plan import make_plan
from vbench.errors import DataError
from vbench.records.training import FitGeneratorInputs
from vbench.registry import default
from vbench.spec.load import load_spec

IDS = [f"genius_{person:02d}{time:02d}" for person in range(9) for time in range(3)]
PEOPLE = {name: name[:-2] for name in IDS}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "split", [{"train": 4, "val": 2, "test": 3}, {"train": 0.5, "val": 0.25, "test": 0.25}]
)
def test_no_person_is_in_two_parts_and_counts_are_of_persons(split, seed):
    found = split_subjects(IDS, split, seed, PEOPLE)
    parts = [{PEOPLE[name] for name in part} for part in (found.train, found.val, found.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 9
    assert len(found.train) + len(found.val) + len(found.test) == 27
    if split["train"] == 4:
        assert [len(part) for part in parts] == [4, 2, 3]
    shuffled = list(np.random.default_rng(seed).permutation(IDS))
    assert split_subjects(shuffled, split, seed, PEOPLE) == found


def test_lists_name_persons_or_files_but_share_none():
    split = {"train": ["genius_00", "genius_0100"], "val": ["genius_02"], "test": ["genius_0300"]}
    found = split_subjects(IDS, split, 0, PEOPLE)
    assert found.train == ("genius_0000", "genius_0001", "genius_0002", "genius_0100")
    with pytest.raises(DataError, match="a person belongs to one part"):
        split_subjects(IDS, {**split, "test": ["genius_0101"]}, 0, PEOPLE)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(.+)_(left|right)", "matches no subject"),
        ("(genius)_", "all 27 subjects are of one group"),
        ("(genius_0[0-4]).*", "15 of 27"),
    ],
)
def test_a_pattern_that_groups_wrongly_is_refused(pattern, said):
    with pytest.raises(DataError, match=said) as caught:
        group_by_pattern(IDS, pattern)
    assert "\n" not in str(caught.value)


def eyes(tmp_path):
    labels = {
        f"p{person}_{side}": vessels((30, 24, 16), person * 2 + (side == "right"))
        for person in range(4)
        for side in ("left", "right")
    }
    return write_dataset(tmp_path / "d", labels)


SPLIT = "split = { train = 2, val = 1, test = 1 }\ngroup = '(.+)_(left|right)'"


def test_a_run_counts_a_person_once(tmp_path):
    spec = write_spec(tmp_path / "s.toml", eyes(tmp_path), "[8, 8, 8]", more=SPLIT)
    options = ("--workers", 1, "--no-tracking")
    assert vbench("run", spec, "--out", tmp_path / "out", *options).code == 0
    folder = tmp_path / "out" / "field"
    source = json.loads((folder / "plan.json").read_text())["data"]["source"]
    assert [len(source["subjects"][part]) for part in ("train", "val", "test")] == [4, 2, 2]
    person = source["groups"][source["subjects"]["test"][0]]
    board = json.loads((folder / "leaderboard.json").read_text())
    assert board["cohorts"] == {"source": [person]}
    first = board["rows"][0]
    score = first["metrics"]["dsc"]
    assert score["n"] == 1
    rows = [line.split(",") for line in (folder / "cases.csv").read_text().splitlines()[1:]]
    rows = [row for row in rows if row[0] == first["arm"]]
    assert sorted(row[5] for row in rows) == [f"{person}_left", f"{person}_right"]
    assert score["mean"] == pytest.approx(np.mean([float(row[7]) for row in rows]))
    assert vbench("report", "field", "--out", tmp_path / "out").code == 0


@pytest.mark.parametrize("pattern", ["(.+)_(up|down)", "(p).*", "p.*", "p("])
def test_the_command_line_refuses_it_in_one_line(tmp_path, pattern):
    more = SPLIT.replace("(.+)_(left|right)", pattern)
    spec = write_spec(tmp_path / "s.toml", eyes(tmp_path), "[8, 8, 8]", more=more)
    answer = vbench("validate", spec)
    assert answer.code == 2
    assert sum("data.source.group" in line for line in answer.err.splitlines()) == 1


def test_without_a_group_the_keys_are_those_of_a_spec_that_knows_none(tmp_path):
    data = eyes(tmp_path)
    spec = write_spec(tmp_path / "s.toml", data, "[8, 8, 8]")
    jobs = json.loads(vbench("plan", spec, "--out", tmp_path / "o", "--json").out)
    assert "group" not in json.dumps(jobs)


def test_generators_learn_whose_volumes_are_of_one_person(tmp_path):
    more = f"{SPLIT}\n[[generators]]\nplugin = 'copy'"
    spec = write_spec(tmp_path / "s.toml", eyes(tmp_path), "[8, 8, 8]", regime="synthetic")
    spec.write_text(spec.read_text().replace("split = { train = 1, val = 1, test = 1 }", more))
    plan = make_plan(load_spec(spec), default())
    (fit,) = [
        job.inputs for job in plan.jobs.values() if isinstance(job.inputs, FitGeneratorInputs)
    ]
    assert len(fit.train) == len(fit.groups) == 4
    assert len(set(fit.groups)) == 2


def test_a_manifest_has_a_column_and_bids_has_its_sub(tmp_path):
    eyes(tmp_path)
    rows = [
        f"p{n}{s[0]},d/imagesTr/p{n}_{s}_0000.nii.gz,d/labelsTr/p{n}_{s}.nii.gz,person{n}"
        for n in range(4)
        for s in ("left", "right")
    ]
    table = tmp_path / "m.csv"
    table.write_text("\n".join(["subject,image,label,group", *rows]))
    source = default().source("manifest")
    found = source(source.Params(path=table))
    assert {found.group_of(s) for s in found.subjects()} == {f"person{n}" for n in range(4)}
    bids = default().source("bids")
    assert bids(bids.Params(path=tmp_path)).group_of("sub-07_ses-2_run-1") == "sub-07"


def test_privacy_splits_by_person():
    from datasets import volume

    volumes = [volume(i) for i in range(3)]
    patches = VolumePatches(volumes, size=(8, 8, 8), per_subject=4, groups=["a", "b", "a"])
    assert patches.subject_index.tolist() == [0] * 4 + [1] * 4 + [0] * 4
    plain = VolumePatches(volumes, size=(8, 8, 8), per_subject=4)
    assert (plain.take(np.arange(12)) == patches.take(np.arange(12))).all()
