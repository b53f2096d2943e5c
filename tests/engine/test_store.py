from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from toy_benchmark import toy_spec

import vbench
from vbench.engine.seals import sealed
from vbench.engine.store import Store
from vbench.engine.weights import load_weights, save_weights
from vbench.errors import ContractError, DamagedError, StoreError
from vbench.files import read_json, write_json, write_npy
from vbench.records.job import JobRecord
from vbench.records.parts import PluginIdentity
from vbench.records.training import SynthesiseInputs, SynthesiseResult


def record(key: str = "k", checkpoint: int = 1) -> JobRecord:
    plugin = PluginIdentity(name="p")
    inputs = SynthesiseInputs(
        plugin=plugin, generator="g", checkpoint=checkpoint, n=2, size=(4, 4), seed=0
    )
    result = SynthesiseResult(n=2, checkpoint=checkpoint)
    return JobRecord(key=key, stage="synthesise", status="ok", inputs=inputs, result=result)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    made.create()
    return made


def test_a_job_is_in_the_store_whole_or_not_at_all(store: Store) -> None:
    folder = store.begin("k")
    write_npy(folder / "sub" / "a.npy", np.arange(3))
    assert not store.has("k")
    store.publish("k", folder, record())
    assert store.has("k")
    assert store.result("k", SynthesiseResult).n == 2
    assert np.load(store.folder("k") / "sub" / "a.npy").tolist() == [0, 1, 2]


def test_the_first_to_finish_stays(store: Store) -> None:
    first, second = store.begin("k"), store.begin("k")
    store.publish("k", first, record())
    kept = store.publish("k", second, record(checkpoint=2))
    assert kept == record()
    assert not second.exists()


def test_a_result_takes_the_place_of_a_failure_and_of_half_a_folder(store: Store) -> None:
    store.fail("k", record().model_copy(update={"status": "failed", "result": None}))
    assert store.failure("k") is not None
    (store.folder("k")).mkdir()
    (store.folder("k") / "rest").write_text("of something")
    store.publish("k", store.begin("k"), record())
    assert store.failure("k") is None
    assert not (store.folder("k") / "rest").exists()


def test_removed_jobs_are_forgotten(store: Store) -> None:
    store.publish("k", store.begin("k"), record())
    store.remove(["k", "never-there"])
    assert not store.has("k")


def test_a_damaged_record_is_named(store: Store) -> None:
    store.publish("k", store.begin("k"), record())
    (store.folder("k") / "record.json").write_text("{")
    with pytest.raises(StoreError, match=r"record\.json: damaged \(not a readable"):
        store.record("k")


def test_a_record_that_does_not_fit_is_refused_in_one_line_and_left_out_of_all(
    store: Store,
) -> None:
    for key in ("k", "sound"):
        store.publish(key, store.begin(key), record(key))
    path = store.folder("k") / "record.json"
    value = {**read_json(path), "stage": "bake"}
    sums = value.pop("files")
    write_json(path, sealed({name: each for name, each in value.items() if name != "sha256"}, sums))
    with pytest.raises(StoreError, match=r"record\.json: stage 'bake' is not known.*--force k"):
        store.record("k")
    assert [found.key for found in store.records()] == ["sound"]


def test_the_newest_records_come_in_the_order_in_which_they_were_written(store: Store) -> None:
    for key, written in (("a", 30), ("b", 10), ("c", 20), ("d", 0)):
        store.publish(key, store.begin(key), record(key))
        os.utime(store.folder(key) / "record.json", (written, written))
    assert [found.key for found in store.records(newest=3)] == ["b", "c", "a"]
    assert [found.key for found in store.records()] == ["a", "b", "c", "d"]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--out"):
        Store(tmp_path / "file" / "store").create()


def test_weights_come_back_as_they_went(tmp_path: Path) -> None:
    weights = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T, "step": np.array(3)}
    save_weights(tmp_path / "w.safetensors", weights)
    back = load_weights(tmp_path / "w.safetensors")
    assert back["step"].shape == ()
    np.testing.assert_array_equal(back["a"], weights["a"])


def test_weights_that_are_not_arrays_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"gan\['x'\] is str"):
        save_weights(tmp_path / "w", {"x": "text"}, "gan")
    with pytest.raises(ContractError, match="expected a dict"):
        save_weights(tmp_path / "w", [1], "gan")  # type: ignore[arg-type]


def test_nothing_in_the_store_is_pickled(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pickle|Object arrays"):
        write_npy(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object))
    kept = store.publish("k", store.begin("k"), record())
    value = json.loads((store.folder("k") / "record.json").read_text())
    assert {n: each for n, each in value.items() if n not in ("files", "sha256")} == kept.to_json()


def test_what_a_killed_run_left_half_written_is_swept(store: Store) -> None:
    dead, living = store.begin("dead"), store.begin("living")
    store.sweep(lambda key: key == "living")
    assert not dead.exists()
    assert living.exists()


def test_what_a_job_left_that_was_killed_as_it_finished_is_swept(store: Store) -> None:
    for key in ("done", "not-yet"):
        store.fail(key, record(key=key))
        store.checkpoint(key).mkdir()
    with patch.object(Store, "_forget", lambda *_: None):
        store.publish("done", store.begin("done"), record(key="done"))
    store.sweep(lambda _: False)
    assert not store.checkpoint("done").exists()
    assert store.failure("done") is None
    assert store.checkpoint("not-yet").exists()
    assert store.failure("not-yet") is not None


@pytest.mark.parametrize("files", [["a"], {"../../secret": "0"}, {"/etc/passwd": "0"}, 3, None])
def test_a_seal_of_others_leads_nowhere(store: Store, files: object) -> None:
    store.publish("k", store.begin("k"), record())
    path = store.folder("k") / "record.json"
    value = {name: each for name, each in read_json(path).items() if name != "sha256"}
    write_json(path, sealed(value, files))  # type: ignore[arg-type]
    with pytest.raises(DamagedError, match="cannot be"):
        store.artifacts("k")


def test_an_artifact_is_what_was_written_or_damaged(store: Store) -> None:
    folder = store.begin("k")
    for name in ("a.npy", "sub/b.npy"):
        write_npy(folder / name, np.arange(9))
    store.publish("k", folder, record())
    assert store.artifacts("k") == store.folder("k")
    (store.folder("k") / "sub" / "b.npy").write_bytes(b"else")
    assert store.artifacts("k", "a.npy") == store.folder("k")  # only what is read is looked at
    with pytest.raises(DamagedError, match=r"b\.npy: damaged"):
        store.artifacts("k")
    (store.folder("k") / "a.npy").unlink()
    with pytest.raises(DamagedError, match=r"a\.npy: damaged \(missing\)"):
        store.artifacts("k", "a.npy")
    assert store.damage("k") is None
    assert store.damage("k", files=True) is not None


def test_a_plan_looks_through_the_store_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[object] = []
    plain = Store.records

    def counted(self: Store, newest: int | None = None) -> Iterator[JobRecord]:
        looks.append(newest)
        return plain(self, newest)

    monkeypatch.setattr(Store, "records", counted)
    planned = vbench.plan(toy_spec(), tmp_path)
    assert looks == [None]
    assert {job.reason for job in planned} == {"first time"}
