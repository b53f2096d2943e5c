"""What others trained or made: weights in a file or a bundle, and folders of patches."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from command_line import Answer
from fuzzing.mutations import spoil_bytes, spoil_tree, spoil_value
from fuzzing.target import Target, WrongError, one_line
from patients import patients
from safetensors.numpy import save_file
from share_sets import arrays, scans
from vbench_plugins.generators.folder import Folder

from vbench.engine.given import adopt, find, read
from vbench.engine.weights import load_weights
from vbench.errors import VbenchError
from vbench.regimes.planner import Start
from vbench.testing.toys import SPACING, ToyPatches
from vbench.types import Cutting, Setup


class Network:
    """What weights are laid into."""

    name = "network"

    def __init__(self) -> None:
        self.loaded: dict[str, Any] = {}

    def weights(self) -> dict[str, Any]:
        """Return layers of two convolutions, and the moments of images."""
        return {
            "moments": np.array([0.0, 1.0]),
            "network.in.weight": np.zeros((4, 1, 3, 3), np.float32),
            "network.in.num_batches_tracked": np.zeros((), np.int64),
            "network.out.weight": np.zeros((1, 4, 1, 1), np.float32),
        }

    def load_weights(self, weights: dict[str, Any]) -> None:
        """Keep them."""
        self.loaded = weights


def state() -> dict[str, Any]:
    """Return weights that fit."""
    return {
        "in.weight": np.ones((4, 1, 3, 3), np.float32),
        "out.weight": np.ones((1, 4, 1, 1), np.float32),
    }


def read_header(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a safetensors file apart: its header, and the rest."""
    end = 8 + int.from_bytes(raw[:8], "little")
    return json.loads(raw[8:end]), raw[end:]


class Weights(Target):
    """safetensors files and state dicts of torch, as ``pretrained`` takes them."""

    def prepare(self, folder: Path) -> None:
        save_file(state(), folder / "a.safetensors", metadata={"framework": "numpy"})
        tensors = {name: torch.from_numpy(value) for name, value in state().items()}
        torch.save({"state_dict": tensors, "epoch": 3}, folder / "b.pt")

    def spoil(self, folder: Path, rng: random.Random) -> None:
        path = folder / rng.choice(("a.safetensors", "a.safetensors", "b.pt"))
        raw = path.read_bytes()
        if path.suffix == ".pt" or rng.random() < 0.3:
            path.write_bytes(spoil_bytes(raw, rng))
            return
        header, rest = read_header(raw)
        text = json.dumps(spoil_value(header, rng)).encode("utf-8", "surrogatepass")
        path.write_bytes(len(text).to_bytes(8, "little") + text + rest)

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        for name in ("a.safetensors", "b.pt"):
            self.take(folder / name, folder / name)
        try:
            load_weights(folder / "a.safetensors")
        except VbenchError as error:
            one_line(error)
        return None

    def take(self, place: Path, file: Path) -> None:
        """Find, read and adopt weights; what is laid in has the network's shapes, and is finite."""
        network: Any = Network()
        try:
            file, about = find(Start(str(place), None, "regimes.pretrained.weights.x"))
            adopt(network, read(file), about, file)
        except VbenchError as error:
            one_line(error)
            return
        own = network.weights()
        for name, value in network.loaded.items():
            array = np.asarray(value)
            if array.shape != own[name].shape or array.dtype != own[name].dtype:
                raise WrongError(f"'{name}' became {array.dtype} {array.shape}")
            if not np.isfinite(array).all() or (name == "moments" and not array[1] > 0):
                raise WrongError(f"'{name}' became {array.ravel()[:3]}")


class Bundles(Weights):
    """MONAI bundles, as ``pretrained`` takes them."""

    def prepare(self, folder: Path) -> None:
        place = folder / "b"
        (place / "models").mkdir(parents=True)
        (place / "configs").mkdir()
        save_file(state(), place / "models" / "model.safetensors")
        network = {"_target_": "scripts.inference.VesselProbability", "mean": 0.25, "sd": 2.0}
        config = {"network": network, "network_def": {"_target_": "UNet", "spatial_dims": 2}}
        (place / "configs" / "inference.json").write_text(json.dumps(config))
        (place / "configs" / "metadata.json").write_text('{"version": "0.1"}')

    def spoil(self, folder: Path, rng: random.Random) -> None:
        config = folder / "b" / "configs" / "inference.json"
        kind = rng.random()
        if kind < 0.4:
            spoil_tree(folder / "b", rng)
        elif kind < 0.8:
            value = spoil_value(json.loads(config.read_bytes()), rng)
            config.write_text(json.dumps(value), "utf-8")
        else:
            config.write_bytes(spoil_bytes(config.read_bytes(), rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        self.take(folder / "b", folder / "b")
        return None


class Patches(Target):
    """Folders of patches that the generator ``folder`` takes: arrays, exports, NIfTI files."""

    SIZE = (8, 8, 4)

    def prepare(self, folder: Path) -> None:
        made = patients(2, 6, seed=3, size=self.SIZE)
        arrays(folder / "arrays", made)
        arrays(folder / "export", made)
        about = {"format": "vbench-dataset-2", "id": "0123456789abcdef" * 2, "patches": 12}
        (folder / "export" / "dataset.json").write_text(json.dumps(about))
        scans(folder / "scans", made, 3)

    def spoil(self, folder: Path, rng: random.Random) -> None:
        kind = rng.random()
        if kind < 0.25:
            spoil_tree(folder / rng.choice(("arrays", "export", "scans")), rng)
        elif kind < 0.4:
            path = folder / "export" / "dataset.json"
            value = spoil_value(json.loads(path.read_bytes()), rng)
            path.write_text(json.dumps(value), "utf-8")
        else:
            path = rng.choice([*folder.rglob("*.npy"), *(folder / "scans").rglob("*.nii")])
            raw = path.read_bytes()
            cut = len(raw) if rng.random() < 0.3 else 128
            path.write_bytes(spoil_bytes(raw[:cut], rng) + raw[cut:])

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        setup = Setup(self.SIZE, spacing=SPACING, cutting=Cutting(6, 0.5, seed=4))
        for name in ("arrays", "export", "scans"):
            intensities = rng.choice(("by-range", "as-is", "normalise"))
            try:
                params = Folder.Params(
                    path=folder / name, intensities=intensities, any_spacing=True
                )
                Folder.check(params, setup)
                method = Folder(params, setup)
                for _ in method.fit(ToyPatches(self.SIZE), seed=1):
                    pass
            except (VbenchError, ValueError) as error:
                if type(error) is not ValueError and not isinstance(error, VbenchError):
                    raise
                one_line(error)
                continue
            drawn = method.sample(5, seed=2)
            images, labels = drawn[:, 0], drawn[:, 1]
            if len(drawn) != 5 or not np.isin(labels, (0, 1)).all():
                raise WrongError(f"{len(drawn)} patches with the labels {np.unique(labels)[:5]}")
            if not (np.isfinite(images).all() and abs(images).max() <= 1):
                raise WrongError(f"intensities from {images.min()} to {images.max()}")
        return None
