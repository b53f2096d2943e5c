"""A longer training starts from the state that a shorter one left, and ends as if it had not."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from toy_benchmark import TOYS, toy_spec

from vbench import api, housekeeping
from vbench.engine.store import Store
from vbench.spec import Spec

pytestmark = pytest.mark.usefixtures("forked_workers")

GAN: dict[str, Any] = {
    "batch_size": 4,
    "latent": 8,
    "width": 4,
    "critic_width": 4,
    "critic_steps": 1,
    "decay": 0.5,
}


def spec(steps: int, plugin: str = "wgan-gp-sn", keep: bool = True, **params: Any) -> Spec:
    own = params if plugin == "toy-generator" else {**GAN, **params}
    return toy_spec(
        patches__size=[8, 8, 8],
        generators=[{"plugin": plugin, "params": {"steps": steps, **own}}],
        regimes={"synthetic": True},
        limits={"keep_states": keep},
        plugins__paths=[TOYS],
    )


def fitted(result: api.RunResult) -> dict[str, Any]:
    lines = map(json.loads, (result.folder / "records.jsonl").read_text().splitlines())
    (record,) = [line for line in lines if line["stage"] == "fit-generator"]
    return dict(record)


def weights(out: Path, record: dict[str, Any]) -> bytes:
    return (out / "store" / record["key"] / "candidate-0.safetensors").read_bytes()


@pytest.mark.parametrize(
    ("plugin", "params"),
    [
        ("wgan-gp-sn", {"label_by": "segmenter", "critic_labels": "hard"}),
        ("dcgan", {}),
        ("wgan-gp", {"decay": 0.0}),
    ],
)
def test_it_ends_as_an_undisturbed_one(tmp_path: Path, plugin: str, params: dict[str, Any]) -> None:
    alone = fitted(api.run(spec(13, plugin, **params), tmp_path / "alone", tracking=False))
    assert "went_on_from" not in alone["result"]
    api.run(spec(6, plugin, **params), tmp_path, tracking=False)
    went_on = fitted(api.run(spec(13, plugin, **params), tmp_path, tracking=False))
    assert went_on["result"]["went_on_from"] == (6 if params.get("decay") == 0 else 3)
    assert went_on["key"] == alone["key"]
    assert weights(tmp_path, went_on) == weights(tmp_path / "alone", alone)
    assert went_on["result"]["budget"] == alone["result"]["budget"]
    steps = [point["step"] for point in went_on["result"]["curve"]]
    assert steps == list(range(1, 14))


def test_without_the_setting_nothing_is_kept(tmp_path: Path) -> None:
    api.run(spec(6, keep=False), tmp_path, tracking=False)
    assert not (tmp_path / "store" / "states").exists()
    assert "went_on_from" not in fitted(api.run(spec(13), tmp_path, tracking=False))["result"]


@pytest.mark.parametrize("changed", [{"lr_critic": 2e-3}, {"decay": 0.4}, {"agreement": 0.1}])
def test_another_training_starts_at_its_first_step(tmp_path: Path, changed: dict[str, Any]) -> None:
    api.run(spec(6), tmp_path, tracking=False)
    longer = fitted(api.run(spec(13, **changed), tmp_path, tracking=False))
    assert "went_on_from" not in longer["result"]


def test_a_state_is_of_use_before_the_first_candidate_only(tmp_path: Path) -> None:
    api.run(spec(12), tmp_path, tracking=False)
    assert [path.name for path in (tmp_path / "store" / "states").glob("*/*")] == ["6"]
    api.run(spec(8), tmp_path, tracking=False)  # its candidate is kept at its end; it falls from 4
    result = fitted(api.run(spec(8), tmp_path, tracking=False))["result"]
    assert "went_on_from" not in result
    longest = fitted(api.run(spec(30), tmp_path, tracking=False))["result"]
    assert longest["went_on_from"] == 6


def test_a_damaged_state_is_passed_over(tmp_path: Path) -> None:
    api.run(spec(4), tmp_path, tracking=False)
    api.run(spec(6), tmp_path, tracking=False)
    (state,) = (tmp_path / "store" / "states").glob("*/3/state-3.safetensors")
    state.write_bytes(state.read_bytes()[:-1] + b"\0")
    assert fitted(api.run(spec(13), tmp_path, tracking=False))["result"]["went_on_from"] == 2


def test_a_state_that_another_run_kept_meanwhile_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vbench.engine import states
    from vbench.engine.fitting import Checkpoint

    store = Store(tmp_path / "store")
    store.create()
    kept = object.__new__(states.States)
    kept._context = SimpleNamespace(store=store, job=SimpleNamespace(key="k"))  # type: ignore[assignment]
    kept._folder = store.root / "states" / "lineage"
    place = kept._folder / "3"

    def meanwhile(self: Checkpoint, _: Any) -> bool:
        (self.folder / "ours").touch()
        place.mkdir(parents=True)
        (place / "theirs").touch()
        return True

    monkeypatch.setattr(Checkpoint, "save", meanwhile)
    checkpoint = Checkpoint(tmp_path)
    checkpoint.notes["step"] = 3
    kept.keep(None, checkpoint)  # type: ignore[arg-type]
    assert [path.name for path in place.iterdir()] == ["theirs"]
    assert not list((store.root / "work").iterdir())


def test_a_generator_that_says_nothing_leaves_nothing(tmp_path: Path) -> None:
    api.run(spec(6, "toy-generator"), tmp_path, tracking=False)
    assert not (tmp_path / "store" / "states").exists()


def test_the_store_names_states_and_prunes_them(tmp_path: Path) -> None:
    api.run(spec(6), tmp_path, tracking=False)
    (held,) = [each for each in housekeeping.unneeded(tmp_path) if each.size]
    assert held.places[0].parent.name == "states"
    assert (
        housekeeping.remove(tmp_path, [held], lambda: housekeeping.unneeded(tmp_path)) == held.size
    )
    assert not list((tmp_path / "store" / "states").iterdir())
