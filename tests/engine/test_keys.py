from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from toy_benchmark import TOYS, toy_plan, toy_spec, toy_table

from vbench._version import KEYS
from vbench.engine.keys import derive_seed, digest
from vbench.engine.plan import Plan, make_plan
from vbench.records.training import FitSegmenterInputs
from vbench.registry import Entry, load, loading
from vbench.spec import parse_spec


def trial(plan: Plan, key: str) -> FitSegmenterInputs:
    return plan.jobs[key].inputs_as(FitSegmenterInputs)


def trials(plan: Plan) -> list[FitSegmenterInputs]:
    return [trial(plan, key) for key, job in plan.jobs.items() if job.stage == "fit-segmenter"]


def keys(**changes: object) -> dict[str, str]:
    """The key of each job, by stage and label."""
    plan = toy_plan(**changes)
    return {f"{job.stage} {job.label}": key for key, job in plan.jobs.items()}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if after.get(name) != before[name]}


def test_a_parameter_changes_its_job_and_those_that_read_it() -> None:
    names = changed(keys(), keys(generators__0__params={"steps": 5}))
    assert "fit-generator toy-generator · seed 0" in names
    assert "fit-segmenter synthetic/toy-generator · seed 0" in names
    assert "evaluate synthetic/toy-generator · seed 0" in names
    assert not any(name.endswith("real · seed 0") or name.startswith("prepare") for name in names)


def test_the_data_changes_everything_that_reads_it() -> None:
    before = keys(regimes__scratch={"subjects": [1]})
    after = keys(regimes__scratch={"subjects": [1]}, data__source__seed=9)
    names = changed(before, after)
    assert names == {name for name in before if "target" not in name and "scratch" not in name}


def test_a_spelled_out_default_and_another_order_change_nothing() -> None:
    spelled = keys(
        segmenter={"params": {"depth": 1, "steps": 4}, "plugin": "toy-segmenter"},
        data__normalise="percentile",
        tune={"trials": 1, "sampler": "tpe"},
    )
    assert keys() == spelled
    table = toy_table()
    shuffled = {name: table[name] for name in reversed(table)}
    plan = make_plan(parse_spec(shuffled), load([TOYS]))
    assert set(plan.jobs) == set(keys().values())


def test_an_added_arm_or_seed_changes_no_other() -> None:
    before = keys()
    more = keys(
        generators=[{"plugin": "copy"}, {"plugin": "toy-generator"}],
        regimes={"real": True, "synthetic": True, "mixed": True, "scratch": {"subjects": [1]}},
        benchmark__seeds=[0, 1],
    )
    assert not changed(before, more)
    assert len(more) > len(before)


def test_workers_limits_and_place_are_no_part_of_a_key() -> None:
    assert keys() == keys(limits={"seconds": 5, "memory_gb": 1}, compute__threads=2)


def test_a_release_changes_keys_of_its_own_plugins_unless_it_is_vbench(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = toy_spec(generators=[{"plugin": "copy"}], segmenter={"plugin": "threshold"})
    before = set(make_plan(spec, load([TOYS])).jobs)
    points = loading._points
    monkeypatch.setattr(
        loading, "_points", lambda fail: [replace(p, version="9.9") for p in points(fail)]
    )
    released = load([TOYS])
    copy = released.get("generator", "copy")
    assert copy.version == "9.9"
    assert set(make_plan(spec, released).jobs) == before
    assert copy.identity["version"] == KEYS
    others = [Entry(copy.cls, "others", version).identity for version in ("1.0", "1.1")]
    assert [identity["version"] for identity in others] == ["1.0", "1.1"]


def test_the_name_of_the_benchmark_is_no_part_of_a_key() -> None:
    assert set(keys().values()) == set(keys(benchmark__name="other").values())


def test_a_change_of_the_source_changes_the_plugins_jobs_only(tmp_path: Path) -> None:
    text = Path(TOYS).read_text()
    edited = tmp_path / "toys.py"
    edited.write_text(text + "\n# changed\n")

    def stages(path: Path) -> dict[str, str]:
        spec = toy_spec(plugins__paths=[str(path)], segmenter={"plugin": "threshold"})
        plan = make_plan(spec, load([path]))
        return {f"{j.stage} {j.label}": key for key, j in plan.jobs.items()}

    same_place = tmp_path / "elsewhere" / "toys.py"
    same_place.parent.mkdir()
    same_place.write_text(text)
    before = stages(Path(TOYS))
    assert stages(same_place) == before  # content counts, not the place
    assert "fit-generator toy-generator · seed 0" in changed(before, stages(edited))


def test_a_digest_ignores_the_order_of_tables() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1})
    assert digest({"b": [2, 1]}) != digest({"b": [1, 2]})


def test_derived_seeds_differ_by_axis_and_fit_32_bits() -> None:
    seeds = {derive_seed(s, axis, n) for s in range(3) for axis in "ab" for n in range(50)}
    assert len(seeds) == 300
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_trials_see_those_before_them_unless_run_in_parallel() -> None:
    def previous(parallel: int) -> list[int]:
        plan = toy_plan(tune={"trials": 4, "parallel": parallel}, regimes={"real": True})
        return [len(inputs.trial_spec.previous) for inputs in trials(plan)]

    assert previous(1) == [0, 1, 2, 3]
    assert previous(2) == [0, 0, 1, 2]


def test_a_budget_of_time_is_part_of_the_trials_that_it_may_stop() -> None:
    before = keys(tune={"trials": 3}, regimes={"real": True})
    after = keys(tune={"trials": 3, "seconds": 60.0}, regimes={"real": True})
    assert changed(before, after) == {
        "fit-segmenter real · seed 0 · trial 1",
        "fit-segmenter real · seed 0 · trial 2",
        "evaluate real · seed 0",
    }


def test_every_arm_gets_the_same_number_of_trials_and_validation_subjects() -> None:
    plan = toy_plan(
        tune={"trials": 3},
        regimes={
            "real": True,
            "synthetic": True,
            "mixed": True,
            "baseline": True,
            "scratch": {"subjects": [1, 2]},
            "transfer": {"subjects": [1, 2]},
        },
    )
    assert len(plan.arms) == 12  # two of them controls, three baselines
    assert {len(arm.trials[0]) for arm in plan.arms} == {3}
    for arm in plan.arms:
        role = "target" if arm.regime in ("scratch", "transfer") else "source"
        for key in arm.trials[0]:
            assert list(trial(plan, key).val) == plan.data[role].keys("val")


def test_test_subjects_are_read_by_evaluate_and_audit_only() -> None:
    plan = toy_plan(tune={"trials": 2})
    tests = set(plan.data["source"].keys("test"))
    readers = {job.stage for job in plan.jobs.values() if tests.intersection(job.needs)}
    assert readers == {"evaluate"}


def test_transfer_and_scratch_train_on_the_same_subjects() -> None:
    plan = toy_plan(
        benchmark__seeds=[0, 1, 2],
        regimes={"scratch": {"subjects": [1]}, "transfer": {"subjects": [1]}},
    )
    few = {
        (job.seed, trial(plan, key).train)
        for key, job in plan.jobs.items()
        if job.stage == "fit-segmenter" and trial(plan, key).train
    }
    assert len(few) == 3
