"""Attacks on toys: one that copies its patients, one that learns what they share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import vbench
from toml_text import write_toml
from toy_benchmark import ATTACKED, TOYS, toy_table

from vbench import api
from vbench.engine.context import Context
from vbench.engine.plan import Plan, make_plan
from vbench.engine.shadows import shadow_members
from vbench.engine.stages.attack import patients
from vbench.engine.store import Store
from vbench.errors import AlarmError, DataError, SpecError
from vbench.records.judging import AttackInputs
from vbench.records.training import FitGeneratorInputs
from vbench.registry import for_paths
from vbench.share import rerun
from vbench.share.export import export
from vbench.spec import parse_spec

AUDIT = {"shadows": 3, "canaries": 8, "canary": {"plugin": "canary", "params": {"shape": [8] * 3}}}


def table(**changes: Any) -> dict[str, Any]:
    return toy_table(
        **{
            "data__source__split": {"train": 6, "val": 1, "test": 5},
            "regimes": {"synthetic": True},
            "plugins__paths": [TOYS, ATTACKED],
            "generators": [{"plugin": "hoarder", "name": "hoards"}, {"plugin": "crowd"}],
            "audit": AUDIT,
            **changes,
        }
    )


def plan(**changes: Any) -> Plan:
    return make_plan(parse_spec(table(**changes)), for_paths((TOYS, ATTACKED)))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the attacks once."""
    folder = tmp_path_factory.mktemp("attacked")
    api.run(parse_spec(table()), folder, tracking=False)
    return folder


@pytest.fixture(scope="module")
def board(out: Path) -> dict[str, Any]:
    """Return the leaderboard's rows by generator."""
    read: dict[str, Any] = json.loads((out / "toys" / "leaderboard.json").read_text())
    return {row["generator"]: row for row in read["rows"]}


def test_a_generator_that_copies_is_caught_by_every_attack(board: dict[str, Any]) -> None:
    found = board["hoards"]["privacy"]
    for attack in ("shadow-mia", "white-box-mia"):
        assert found[attack]["alarm"]
        assert found[attack]["value"] == found[attack]["tpr"] == 1
    assert board["hoards"]["verdict"] == "alarm"
    assert {"shadow-mia", "white-box-mia"} <= set(board["hoards"]["alarms"])
    assert board["hoards"]["worst_patient"]["patient"].startswith("blob-")
    assert found["canary-epsilon"]["correct"] == 8
    assert found["canary-epsilon"]["value"] == pytest.approx(0.789, abs=1e-3)


def test_one_that_learns_what_patients_share_is_not(board: dict[str, Any]) -> None:
    found = board["crowd"]["privacy"]
    assert board["crowd"]["verdict"] == "no alarm"
    assert set(found) == {
        "shadow-mia",
        "white-box-mia",
        "label-inference-segmenter",
        "canary-epsilon",
    }
    assert not any(entry["alarm"] for entry in found.values())
    assert board["crowd"]["status"] == "ok"


def test_the_alarm_of_an_attack_keeps_samples_in(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerun, "_defaults", lambda plugins, family: ())
    chosen: dict[str, Any] = {"benchmark": "toys", "out": out}
    with pytest.raises(AlarmError, match="shadow-mia"):
        export("synthetic/hoards", tmp_path / "a", **chosen, drop_flagged=True)
    assert not list(tmp_path.iterdir())
    folder = export("synthetic/hoards", tmp_path / "b", **chosen, accept_risk="phantoms")
    sheet = json.loads((folder / "dataset.json").read_text())
    assert {"shadow-mia", "white-box-mia"} <= set(sheet["alarms"])
    assert {"shadow-mia@1", "canary-epsilon@1"} <= {score["id"] for score in sheet["scores"]}
    text = (folder / "DATASHEET.md").read_text()
    assert "attackers who hold the generator" not in text
    assert rerun.audit_export(folder, out=out)["privacy"]["shadow-mia"]["alarm"]


def test_what_no_attack_tells_apart_is_exported(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rerun, "_defaults", lambda plugins, family: ())
    folder = export("synthetic/crowd", tmp_path / "a", benchmark="toys", out=out)
    assert json.loads((folder / "dataset.json").read_text())["verdict"] == "no alarm"


def test_patches_of_a_person_are_drawn_from_all_of_its_volumes(out: Path) -> None:
    job = next(job for job in plan().jobs.values() if job.stage == "attack")
    inputs = job.inputs_as(AttackInputs)
    groups = {"train": ("a", "b", "a", "c", "b", "d"), "heldout": ("e", "f", "g", "g", "h")}
    store = Store(out / "store")
    nothing: Any = lambda *_: None  # noqa: E731
    context = Context(job, store, out, for_paths((TOYS, ATTACKED)), "cpu", nothing, 60.0)
    found = patients(context, inputs.model_copy(update={"groups": groups, "per_person": 100}))
    assert np.bincount(found.person).tolist() == [16, 16, 8, 8, 8, 8, 16, 8]
    train = inputs.train
    assert found.volumes[:3] == ({train[0], train[2]}, {train[1], train[4]}, {train[3]})
    assert found.members(inputs)[0].tolist() == [True] * 4 + [False] * 4


def test_all_volumes_of_a_person_are_in_a_shadow_or_none() -> None:
    source = plan(data__source__split={"train": 6, "val": 1, "test": 4}).data["source"]
    people = {
        subject: f"{part}-{place // 2}"
        for part, subjects in source.parts.items()
        for place, subject in enumerate(subjects)
    }
    grouped = replace(source, people=people)
    for members in shadow_members(grouped, 3, seed=0):
        for own in (*grouped.persons("train"), *grouped.persons("test")):
            assert len(own) == 2
            assert len(set(own) & set(members)) in (0, 2)
        assert len(members) == 6


def test_without_the_table_no_job_changes_and_none_is_added() -> None:
    without = set(plan(audit=None).jobs)
    attacked = plan()
    assert without < set(attacked.jobs)
    added = [attacked.jobs[key].stage for key in set(attacked.jobs) - without]
    assert sorted(set(added)) == ["attack", "fit-generator", "prepare", "synthesise"]
    assert added.count("fit-generator") == 2 * 4  # of each generator, three shadows and canaries


def test_plan_says_what_attacks_cost(tmp_path: Path) -> None:
    spec = write_toml(tmp_path / "toys.toml", table())
    said = vbench("plan", spec, "--out", tmp_path / "out").out
    assert "8 trainings are for attacks, 8 of them new" in said
    spec = write_toml(tmp_path / "toys.toml", table(audit={}))
    assert "attacks" not in vbench("plan", spec, "--out", tmp_path / "out").out.splitlines()[-1]


def test_seeds_share_the_shadows() -> None:
    one, two = plan(), plan(benchmark__seeds=[0, 1])

    def fits(made: Plan) -> int:
        return sum(job.stage == "fit-generator" for job in made.jobs.values())

    assert fits(two) == fits(one) + 2
    assert sum(job.stage == "attack" for job in two.jobs.values()) == 4


def test_each_patient_is_in_some_shadow_and_out_of_another() -> None:
    made = plan()
    source = made.data["source"]
    everyone = {*source.keys("train"), *source.keys("test")}
    (inputs, *_) = (
        job.inputs_as(AttackInputs) for job in made.jobs.values() if job.stage == "attack"
    )
    games = [set(shadow.members) for shadow in inputs.shadows]
    assert all(game < everyone and len(game) == 6 for game in games)
    assert set.union(*games) == everyone
    assert not set.intersection(*games)
    assert not set(source.keys("val")) & set.union(*games)


def test_planted_canaries_are_trained_on_and_the_others_are_not() -> None:
    made = plan()
    for job in made.jobs.values():
        if job.stage != "attack":
            continue
        canaries = job.inputs_as(AttackInputs).canaries
        assert canaries is not None
        (fit,) = made.jobs[canaries.samples].needs
        train = set(made.jobs[fit].inputs_as(FitGeneratorInputs).train)
        planted = {k for k, coin in zip(canaries.volumes, canaries.planted, strict=True) if coin}
        assert train & set(canaries.volumes) == planted
        assert train - planted == set(made.data["source"].keys("train"))


def test_too_few_shadows_are_refused_with_the_number_that_is_enough() -> None:
    with pytest.raises(SpecError, match=r"audit\.shadows = 2: of 11 patients .* 3 or more"):
        plan(audit={"shadows": 2})


@pytest.mark.parametrize("count", [1, 7])
def test_too_few_canaries_are_refused(count: int) -> None:
    with pytest.raises(SpecError, match="guessed by chance too easily; ask for 8 or more"):
        plan(audit={"canaries": count})


@pytest.mark.parametrize(
    ("canary", "message"),
    [
        ({"plugin": "canary", "params": {"shape": [8, 8, 4]}}, "audit.canary: patches.size"),
        ({"plugin": "canary", "params": {"wave": 1}}, "audit.canary.params.wave: .*waves"),
        ({"plugin": "canari"}, "audit.canary.plugin: .*canary"),
    ],
    ids=["too small", "a wrong parameter", "misspelt"],
)
def test_canaries_that_cannot_be_are_refused(canary: dict[str, Any], message: str) -> None:
    with pytest.raises((SpecError, DataError), match=message):
        plan(audit={"canaries": 8, "canary": canary}, patches__size=[12, 12, 12])
