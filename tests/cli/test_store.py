"""``vbench store``: what is there, and that only what nobody needs goes."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from command_line import vbench
from toy_benchmark import toy_spec

from vbench import api
from vbench.engine.claims import Claims
from vbench.housekeeping import remove, unneeded

REGIMES = {"real": True, "synthetic": True}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Results of one benchmark, run again with another segmenter for the synthetic arm alone."""
    api.run(toy_spec(regimes=REGIMES), tmp_path, tracking=False)
    return tmp_path


def keys(out: Path) -> set[str]:
    return {path.parent.name for path in (out / "store").glob("*/record.json")}


def rows(out: Path) -> list[dict[str, object]]:
    answer = vbench("store", "ls", "--out", out, "--json")
    assert answer.code == 0, answer.err
    found: list[dict[str, object]] = json.loads(answer.out)
    return found


def check_finds_damage(out: Path) -> None:
    """`store check` is quiet about what is sound, and names a file of which a byte changed."""
    sound = vbench("store", "check", "--out", out)
    assert (sound.code, sound.out) == (0, f"{out}: {len(keys(out))} jobs read, all as they were"
                                          " written\n")  # fmt: skip
    file = sorted((out / "store").glob("*/weights.safetensors"))[0]
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    found = vbench("store", "check", "toys", "--out", out)
    assert (found.code, found.err.count("damaged (")) == (1, 1)
    assert f"{file}: damaged" in found.err
    assert f"--force {file.parent.name}" in found.err
    said = json.loads(vbench("store", "check", "--out", out, "--json").out)
    assert (said["jobs"], len(said["damaged"])) == (len(keys(out)), 1)
    file.write_bytes(whole)
    assert vbench("store", "check", "toys", "--out", out).code == 0
    assert "did you mean 'toys'" in vbench("store", "check", "toy", "--out", out).err


def where_names_files_that_are_there(out: Path) -> None:
    """`store where` prints the model, predictions and patches of each seed, and no place else."""
    said = json.loads(
        vbench("store", "where", "synthetic/toy-generator", "--out", out, "--json").out
    )
    assert list(said) == ["0"]
    assert list(said["0"]) == ["model", "predictions", "generator", "patches"]
    places = {name: Path(place) for name, place in said["0"].items()}
    assert places["model"].name == "weights.safetensors"
    assert len(list(places["predictions"].iterdir())) == 2
    assert (places["patches"] / "images.npy").is_file()
    assert all(place.exists() for place in places.values())
    lines = vbench("store", "where", "real", "--out", out, "--benchmark", "toys").out.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["seed", "0", "model"],
        ["seed", "0", "predictions"],
    ]
    assert "did you mean 'real'" in vbench("store", "where", "reel", "--out", out).err


def test_what_is_there_is_listed_pruned_and_removed_by_arm(out: Path) -> None:
    where_names_files_that_are_there(out)
    before = rows(out)
    assert {row["stage"] for row in before} >= {"prepare", "fit-generator", "fit-segmenter"}
    assert sum(int(str(row["jobs"])) for row in before) == len(keys(out))
    assert all(int(str(row["bytes"])) > 0 for row in before)
    assert "toys" in vbench("store", "--out", out).out
    check_finds_damage(out)
    assert "0 jobs, 0 B" in vbench("store", "prune", "--out", out, "--yes").out

    # the same name with other settings: what only the old plan named is free
    whole = keys(out)
    longer = [{"plugin": "toy-generator", "params": {"steps": 5}}]
    api.run(toy_spec(regimes=REGIMES, generators=longer), out, tracking=False)
    dry = vbench("store", "prune", "--out", out, "--dry-run")
    assert "would lose 4 jobs" in dry.out
    assert keys(out) > whole
    asked = vbench("store", "prune", "--out", out)
    assert (asked.code, "add --yes" in asked.err) == (2, True)
    assert keys(out) > whole
    assert vbench("store", "prune", "--out", out, "--yes").code == 0
    plan = json.loads((out / "toys" / "plan.json").read_text())
    assert keys(out) == {job["key"] for job in plan["jobs"]}

    # an arm: what others share stays
    arm = ("store", "rm", "synthetic/toy-generator", "--benchmark", "toys", "--out", out)
    with closing(Claims(out / "store" / "claims")) as claims:
        assert claims.take("0123")
        busy = vbench(*arm, "--yes")
        assert busy.code == 2
        assert "a run is at work on it" in busy.err
    assert len(keys(out)) == len(plan["jobs"])
    assert vbench(*arm, "--yes").code == 0
    gone = {j["key"] for j in plan["jobs"]} - keys(out)
    stages = sorted(j["stage"] for j in plan["jobs"] if j["key"] in gone)
    assert stages == ["evaluate", "fit-generator", "fit-segmenter", "synthesise"]
    assert "synthetic/toy-generator" in vbench("leaderboard", "toys", "--out", out).out


def test_the_folder_may_stand_before_the_command(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`store --out A rm …` is about A, and not about ./results; a later --out says otherwise."""
    monkeypatch.chdir(out.parent)
    shutil.copytree(out, out.parent / "results")
    whole = keys(out)
    arm = ("rm", "synthetic/toy-generator", "--benchmark", "toys", "--yes")
    assert vbench("store", "--out", out, "ls", "--json").out == (
        vbench("store", "ls", "--out", out, "--json").out
    )
    assert vbench("store", "--out", "results", *arm, "--out", out).code == 0
    assert keys(Path("results")) == whole > keys(out)
    assert vbench("store", "--out", "results", *arm).code == 0
    assert keys(Path("results")) == keys(out)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rm", "reel", "--benchmark", "toys"), "did you mean 'real'"),
        (("rm", "real", "--benchmark", "toy"), "missing; is this a benchmark's results folder"),
    ],
)
def test_what_is_not_there_is_one_line(out: Path, words: tuple[str, ...], message: str) -> None:
    before = keys(out)
    answer = vbench("store", *words, "--out", out, "--yes")
    assert answer.code == 2
    assert message in answer.err
    assert len(answer.err.splitlines()) == 1
    assert keys(out) == before


def test_a_folder_without_a_store_and_a_broken_plan_are_said(tmp_path: Path) -> None:
    assert "no store" in vbench("store", "--out", tmp_path).err
    (tmp_path / "store" / "abc").mkdir(parents=True)
    (tmp_path / "store" / "abc" / "record.json").write_text("{}")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "plan.json").write_text("{")
    answer = vbench("store", "prune", "--out", tmp_path, "--yes")
    assert (answer.code, "half/plan.json" in answer.err) == (2, True)
    assert (tmp_path / "store" / "abc").is_dir()


def test_two_folders_of_one_benchmark_keep_what_either_names(out: Path) -> None:
    (out / "toys").rename(out / "toys-before")
    longer = [{"plugin": "toy-generator", "params": {"steps": 5}}]
    api.run(toy_spec(regimes=REGIMES, generators=longer), out, tracking=False)
    assert "0 jobs, 0 B" in vbench("store", "prune", "--out", out, "--yes").out


def test_what_a_run_needs_that_ended_meanwhile_stays(out: Path) -> None:
    (out / "toys" / "plan.json").rename(out / "plan.aside")
    agreed = unneeded(out)
    assert agreed
    (out / "plan.aside").rename(out / "toys" / "plan.json")
    before = keys(out)
    assert remove(out, agreed, partial(unneeded, out)) == 0
    assert keys(out) == before


def test_a_link_goes_and_what_it_leads_to_stays(out: Path, tmp_path: Path) -> None:
    aside = tmp_path / "elsewhere"
    aside.mkdir()
    (aside / "record.json").write_text("{}")
    (out / "store" / "checkpoints").mkdir(exist_ok=True)
    links = [out / "store" / "linked", out / "store" / "checkpoints" / "linked"]
    for link in links:
        link.symlink_to(aside)
    assert vbench("store", "prune", "--out", out, "--yes").code == 0
    assert not any(link.is_symlink() for link in links)
    assert (aside / "record.json").is_file()
    assert not any((out / "store" / "work").glob("gone-*"))
