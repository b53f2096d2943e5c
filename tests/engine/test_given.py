"""Weights that were made elsewhere: which file, which layers, and the arms that start from them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench.engine.given import _moments, adopt, find, matched, read
from vbench.engine.plan import make_plan
from vbench.errors import DataError, SpecError
from vbench.files import read_json, write_json
from vbench.records.parts import GivenWeights
from vbench.records.training import FitSegmenterInputs
from vbench.regimes.planner import Start
from vbench.registry import for_paths

ABOUT = GivenWeights(digest="x")


class Network:
    """What :func:`adopt` needs of a segmenter."""

    name = "network"

    def __init__(self) -> None:
        self.loaded: dict[str, Any] = {}

    def weights(self) -> dict[str, Any]:
        return {
            "moments": np.array([0.0, 1.0]),
            "network.in.weight": np.zeros((4, 1, 3, 3)),
            "network.in.num_batches_tracked": np.zeros((), np.int64),
            "network.out.weight": torch.zeros((1, 4, 1, 1)),
        }

    def load_weights(self, weights: dict[str, Any]) -> None:
        self.loaded = weights


def state(prefix: str = "", width: int = 4) -> dict[str, Any]:
    return {
        f"{prefix}in.weight": np.ones((width, 1, 3, 3), np.float32),
        f"{prefix}out.weight": np.ones((1, width, 1, 1), np.float32),
    }


@pytest.mark.parametrize("prefix", ["", "module.", "network.", "model.net."])
def test_names_agree_but_for_what_stands_before_all(prefix: str) -> None:
    network: Any = Network()
    adopt(network, state(prefix), ABOUT, Path("w"))
    assert float(network.loaded["network.in.weight"].sum()) == 36
    assert float(network.loaded["network.out.weight"].sum()) == 4
    assert list(network.loaded["moments"]) == [0, 1]


def test_the_range_of_a_networks_images_becomes_its_moments() -> None:
    network: Any = Network()
    mean, sd = _moments(Start("x", (0.0, 1.0), "k"), None)
    adopt(network, state(), GivenWeights(digest="x", mean=mean, sd=sd), Path("w"))
    mean, sd = network.loaded["moments"]
    assert [(x - mean) / sd for x in (-1, 0, 1)] == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (state(width=8), r"layer 'in\.weight' has shape 8 × 1 × 3 × 3, the segmenter's 4 × 1"),
        ({"in.weight": state()["in.weight"]}, r"layer 'out\.weight' .* is missing"),
        (
            {f"module.{name}": v for name, v in list(state().items())[:1]},
            r"layer 'module\.out\.weight' .* is missing",
        ),
        ({**state(), "more": np.zeros(3)}, r"layer 'more' \(3\) has no place"),
        ({"other": np.zeros(3)}, "none of its 1 layers"),
        ({**state(), "in.weight": np.full((4, 1, 3, 3), np.nan)}, "not finite"),
    ],
)
def test_what_does_not_fit_is_told_by_layer_and_shape(given: Any, says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        adopt(Network(), given, ABOUT, Path("given.safetensors"))  # type: ignore[arg-type]
    assert str(caught.value).startswith("given.safetensors: ")


def test_most_names_decide_what_stands_before() -> None:
    pairs, missing, surplus = matched(["a.x", "a.y", "b"], ["m.x", "m.y", "m.z"])
    assert pairs == {"a.x": "m.x", "a.y": "m.y"}
    assert (missing, surplus) == ({}, ["m.z"])


def test_a_bundle_a_file_and_a_state_dict_of_torch_are_read(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    (bundle / "models").mkdir(parents=True)
    save_file(state(), bundle / "models" / "model.safetensors")
    write_json(bundle / "configs" / "inference.json", {"network": {"mean": 0.25, "sd": 2.0}})
    file, about = find(Start(str(bundle), None, "k"))
    assert file == bundle / "models" / "model.safetensors"
    assert (about.mean, about.sd) == (0.25, 2.0)
    tensors = {name: torch.from_numpy(value) for name, value in state().items()}
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "net.pt")
    for path in (file, tmp_path / "net.pt"):
        assert set(read(path)) == set(state())


def test_nothing_is_unpickled_and_wrong_files_are_one_line(tmp_path: Path) -> None:
    torch.save({"state_dict": Path("x")}, tmp_path / "evil.pt")
    (tmp_path / "cut.safetensors").write_bytes(b"x" * 20)
    for name in ("evil.pt", "cut.safetensors"):
        with pytest.raises(DataError, match="cannot be read as weights") as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_no_fault_of_torch_weights_is_told_in_torchs_words(tmp_path: Path) -> None:
    torch.save({"state_dict": Path("x")}, tmp_path / "code.pt")
    (tmp_path / "garbage.pt").write_bytes(b"x" * 200)
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps({"a": print}, protocol=4))
    for name, says in (
        ("code.pt", r"beside tensors it holds pathlib\.\w+, and loading that could run code"),
        ("garbage.pt", "it is damaged, or no state dict of torch"),
        ("pickle.pt", "it is damaged, or no state dict of torch"),
    ):
        with pytest.raises(DataError, match=says) as caught:
            read(tmp_path / name)
        assert "weights_only" not in str(caught.value)


def test_a_place_without_weights_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, says in (("none", "no such"), ("empty", "no weights"), ("a.txt", "expected a")):
        (tmp_path / "a.txt").touch()
        with pytest.raises(DataError, match=says):
            find(Start(str(tmp_path / name), None, "regimes.pretrained.weights.x"))


def spec_of(tmp_path: Path, level: Any = (-0.5, 0.8), **changes: Any) -> Any:
    save_file({"level": np.array(level, np.float32)}, tmp_path / "toy.safetensors")
    pretrained = {"subjects": [0, 1], "weights": {"toy": str(tmp_path / "toy.safetensors")}}
    regimes = {"scratch": {"subjects": [1]}, "pretrained": pretrained}
    return toy_spec(regimes=regimes, generators=[], **changes)


def test_as_they_are_and_fine_tuned_are_arms_beside_scratch(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, tune={"trials": 2})
    plan = make_plan(spec, for_paths((TOYS,)))
    assert [arm.name for arm in plan.arms] == [
        "scratch/n1",
        "pretrained/toy/n0",
        "pretrained/toy/n1",
    ]
    arms = {arm.name: len(arm.trials[0]) for arm in plan.arms}
    assert arms == {"scratch/n1": 2, "pretrained/toy/n0": 1, "pretrained/toy/n1": 2}
    vbench.run(spec_of(tmp_path), out=tmp_path / "out", workers=1, tracking=False)
    rows = {row["arm"]: row for row in read_json(tmp_path / "out/toys/leaderboard.json")["rows"]}
    assert all(row["status"] == "ok" for row in rows.values())
    assert rows["pretrained/toy/n0"]["budget"]["steps"] == 0
    assert rows["pretrained/toy/n1"]["versus"]["scratch"]["dsc"]["arm"] == "scratch/n1"
    # As they are: what was given is what is evaluated.
    store = tmp_path / "out" / "store"
    kept = [
        read(folder / "weights.safetensors")["level"]
        for folder in store.iterdir()
        if (folder / "record.json").is_file()
        and read_json(folder / "record.json")["label"].startswith("pretrained/toy/n0")
        and (folder / "weights.safetensors").is_file()
    ]
    np.testing.assert_allclose(kept, [[-0.5, 0.8]], rtol=1e-6)


def test_other_training_lengths_are_of_what_is_trained(tmp_path: Path) -> None:
    plan = make_plan(spec_of(tmp_path, compare={"steps": [9]}), for_paths((TOYS,)))
    longer = [arm.name for arm in plan.arms if arm.steps == 9]
    assert longer == ["scratch/n1/steps=9", "pretrained/toy/n1/steps=9"]


def test_content_is_in_the_key_and_the_place_is_not(tmp_path: Path) -> None:
    def keys(folder: str, level: tuple[float, float]) -> list[str]:
        (tmp_path / folder).mkdir(exist_ok=True)
        plan = make_plan(spec_of(tmp_path / folder, level), for_paths((TOYS,)))
        inputs = {key: job.inputs for key, job in plan.jobs.items()}
        return [k for k, i in inputs.items() if isinstance(i, FitSegmenterInputs) and i.given]

    assert keys("a", (0, 1)) == keys("b", (0, 1))
    assert not set(keys("a", (0, 1))) & set(keys("b", (0, 2)))


def test_weights_of_another_network_stop_a_run_before_training(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, level=(0.0, 1.0, 2.0))
    says = r"^regimes\.pretrained\.weights\.toy: .*layer 'level' has shape 3, the segmenter's 2"
    with pytest.raises(DataError, match=says):
        vbench.run(spec, out=tmp_path / "out", workers=1, tracking=False)
    assert not (tmp_path / "out" / "toys" / "plan.json").exists()
    with pytest.raises(SpecError, match="each number is at least 1"):
        toy_spec(regimes={"scratch": {"subjects": [0]}})
