"""nnU-Net's planner, trainer and predictor, driven one step at a time.

nnU-Net reads its folders from the environment, draws from global random states and prints; each
call here sets the first, seeds the second, silences the third, and puts them back.
"""

from __future__ import annotations

import io
import json
import os
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
    ExperimentPlanner,
)
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from vbench.data.datasetjson import dataset_json
from vbench.layout import image_of, label_of
from vbench.types import Array, Patches, Setup, Weights
from vbench_plugins.nn.flat import load_module, load_optimiser, module_arrays, optimiser_arrays
from vbench_plugins.nn.seeding import DATA, DROPOUT, INIT, numpy_rng, torch_seed

DATASET = "Dataset001_patches"
#: The third axis of a slice, as nnU-Net writes it for pictures.
_NO_SPACING = 999.0
_CONFIGURATIONS = {2: "2d", 3: "3d_fullres"}


def about(cases: int) -> dict[str, Any]:
    """Return nnU-Net's description of the data set; intensities stay as they are."""
    return dataset_json(
        cases, channel="noNorm", ending=".nii", overwrite_image_reader_writer="NibabelIO"
    )


def spacing(setup: Setup) -> tuple[float, ...]:
    """Return the spacing of cases in mm, in nnU-Net's order, z y x."""
    x, y, z = setup.spacing or (1.0, 1.0, 1.0)
    return (z if setup.ndim == 3 else _NO_SPACING, y, x)


class Model:
    """A planned network, and what nnU-Net needs to predict with it.

    Attributes:
        plans: nnU-Net's plans.
        network: The network.
    """

    def __init__(self, plans: dict[str, Any], setup: Setup, network: Any = None) -> None:
        self.plans, self.setup = plans, setup
        self.manager = PlansManager(plans)
        self.configuration = self.manager.get_configuration(_CONFIGURATIONS[setup.ndim])
        if network is None:
            with torch_seed(0, INIT), _alone():
                network = nnUNetTrainer.build_network_architecture(
                    self.manager, self.configuration, 1, 2, enable_deep_supervision=False
                ).to(setup.device)
        self.network = network

    @classmethod
    def from_weights(cls, weights: Mapping[str, Any], setup: Setup) -> Model:
        """Build the network that :meth:`weights` returned."""
        model = cls(json.loads(bytes(np.asarray(weights["plans"], np.uint8)).decode()), setup)
        load_module(model.network, weights, "network.")
        return model

    def weights(self) -> dict[str, Any]:
        """Copy network and plans."""
        plans = np.frombuffer(json.dumps(self.plans, sort_keys=True).encode(), np.uint8)
        return {"plans": plans.copy(), **module_arrays(self.network, "network.")}

    def predict(self, image: Array, p: Any) -> Array:
        """Return the vessel probability of a volume ``(X, Y, Z)``, float32."""
        self.network.eval()
        self.network.decoder.deep_supervision = False
        with _alone():
            predictor = nnUNetPredictor(
                tile_step_size=1 - p.overlap,
                use_mirroring=p.mirror,
                device=torch.device(self.setup.device),
                allow_tqdm=False,
            )
            predictor.manual_initialization(
                self.network,
                self.manager,
                self.configuration,
                [self.network.state_dict()],
                about(1),
                "nnUNetTrainer",
                tuple(range(self.setup.ndim)),
            )
            _, probability = predictor.predict_single_npy_array(
                image.T[None].copy(), {"spacing": list(spacing(self.setup))}, None, None, True
            )
        return np.asarray(probability[1], np.float32).T.clip(0, 1)


class Trainer:
    """nnU-Net's trainer on a folder with exported and preprocessed patches.

    Attributes:
        model: The network that is trained.
        steps: Steps done.
    """

    def __init__(
        self,
        p: Any,
        setup: Setup,
        patches: Patches,
        seed: int,
        folder: str,
        start: Model | None,
    ) -> None:
        """Export, plan unless a model to start from has plans, preprocess, and build.

        Args:
            p: The segmenter's parameters.
            setup: Patch size, device, spacing.
            patches: What to train on.
            seed: Of everything that is drawn.
            folder: An empty folder that lives as long as the trainer.
            start: A model whose plans and weights to start from.
        """
        self.p, self.setup, self.seed, self.steps = p, setup, seed, 0
        configuration = _CONFIGURATIONS[setup.ndim]
        root = Path(folder)
        with _alone(root), torch_seed(seed, INIT), _seeded(seed, 0):
            cases = _export(patches, p.cases, numpy_rng(seed, DATA), root, spacing(setup))
            plans = start.plans if start else _plan(p, configuration)
            _preprocess(root, plans, configuration, cases)
            trainer = nnUNetTrainer(
                {**plans, "continue_training": False},
                configuration,
                "all",
                about(len(cases)),
                torch.device(setup.device),
            )
            trainer.num_epochs, trainer.initial_lr = p.steps, p.lr
            trainer.initialize()
            trainer.dataloader_train, _ = trainer.get_dataloaders()
        self._trainer, self._root = trainer, root
        self.model = Model(plans, setup, trainer.network)
        if start is not None:
            load_module(trainer.network, start.weights(), "network.")

    def step(self) -> float:
        """Do one step on nnU-Net's own next batch and return its loss."""
        self.steps += 1
        trainer = self._trainer
        device = self.setup.device
        with (
            _alone(self._root),
            torch_seed(self.seed, DROPOUT, self.steps, device),
            _seeded(self.seed, self.steps),
        ):
            trainer.network.train()
            trainer.set_deep_supervision_enabled(True)
            trainer.lr_scheduler.step(self.steps - 1)
            return float(trainer.train_step(next(trainer.dataloader_train))["loss"])

    def state(self) -> Weights:
        """Return all that the next step depends on; random numbers depend only on its count."""
        return {
            "steps": np.array(self.steps),
            **self.model.weights(),
            **optimiser_arrays(self._trainer.optimizer, "sgd."),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` returned."""
        self.steps = int(state["steps"])
        load_module(self._trainer.network, state, "network.")
        load_optimiser(self._trainer.optimizer, state, "sgd.")


def _export(
    patches: Patches, most: int, rng: np.random.Generator, root: Path, zyx: tuple[float, ...]
) -> list[str]:
    """Write patches as cases of nnU-Net's raw layout and return their names."""
    raw = root / "raw" / DATASET
    for part in ("imagesTr", "labelsTr"):
        (raw / part).mkdir(parents=True)
    chosen = np.sort(rng.permutation(len(patches))[:most])
    names, vessels = [], []
    affine = np.diag([*zyx[::-1], 1.0])
    for index in chosen:
        taken = patches.take(np.array([index]))
        image, label = image_of(taken)[0], label_of(taken)[0]
        if image.ndim == 2:
            image, label = image[..., None], label[..., None]
        names.append(f"patch_{index:06d}")
        nib.Nifti1Image(image, affine).to_filename(raw / "imagesTr" / f"{names[-1]}_0000.nii")
        nib.Nifti1Image(label.astype(np.uint8), affine).to_filename(
            raw / "labelsTr" / f"{names[-1]}.nii"
        )
        vessels.append(image[label > 0])
    (raw / "dataset.json").write_text(json.dumps(about(len(names))))
    _fingerprint(root, len(names), image.T.shape, zyx, np.concatenate(vessels))
    return names


def _fingerprint(
    root: Path, n: int, shape: tuple[int, ...], zyx: tuple[float, ...], vessels: Array
) -> None:
    """Write what nnU-Net's extractor would find, which starts processes to examine each case.

    All cases have one shape and spacing, and nothing is cropped.
    """
    inside = vessels if len(vessels) else np.zeros(1)
    low, middle, high = np.percentile(inside, (0.5, 50, 99.5))
    intensities = {
        "mean": inside.mean(),
        "median": middle,
        "std": inside.std(),
        "min": inside.min(),
        "max": inside.max(),
        "percentile_99_5": high,
        "percentile_00_5": low,
    }
    found = {
        "spacings": [zyx] * n,
        "shapes_after_crop": [shape] * n,
        "foreground_intensity_properties_per_channel": {
            "0": {name: float(value) for name, value in intensities.items()}
        },
        "median_relative_size_after_cropping": 1.0,
    }
    folder = root / "preprocessed" / DATASET
    folder.mkdir(parents=True)
    (folder / "dataset_fingerprint.json").write_text(json.dumps(found))


def _plan(p: Any, configuration: str) -> dict[str, Any]:
    """Let nnU-Net plan; only the width, and a batch size that is named, are ours."""
    planner = ExperimentPlanner(DATASET)
    planner.UNet_base_num_features = p.width
    with _alone(processes=1):  # it takes their number for one of threads, too
        planned = planner.plan_experiment()
    # Through JSON, as nnU-Net itself hands plans on.
    plans: dict[str, Any] = json.loads(json.dumps(planned, default=_plain))
    if p.batch_size:
        plans["configurations"][configuration]["batch_size"] = p.batch_size
    return plans


def _preprocess(root: Path, plans: dict[str, Any], configuration: str, cases: list[str]) -> None:
    manager = PlansManager(plans)
    planned = manager.get_configuration(configuration)
    raw = root / "raw" / DATASET
    folder = root / "preprocessed" / DATASET / planned.data_identifier
    folder.mkdir(parents=True)
    preprocessor = planned.preprocessor_class(verbose=False)
    for name in cases:
        preprocessor.run_case_save(
            str(folder / name),
            [str(raw / "imagesTr" / f"{name}_0000.nii")],
            str(raw / "labelsTr" / f"{name}.nii"),
            manager,
            planned,
            about(len(cases)),
        )


@contextmanager
def _alone(root: Path | None = None, processes: int = 0) -> Iterator[None]:
    """Give nnU-Net its folders, no helper processes, and nothing to print on."""
    values = {"nnUNet_n_proc_DA": str(processes), "nnUNet_compile": "false"}
    for part in ("raw", "preprocessed", "results"):
        if root is not None:
            values[f"nnUNet_{part}"] = str(root / part)
    before = {name: os.environ.get(name) for name in values}
    threads = torch.get_num_threads()
    os.environ.update(values)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        torch.set_num_threads(threads)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _seeded(seed: int, step: int) -> Iterator[None]:
    """Seed Python's and numpy's global generators within the block only."""
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    value = int(numpy_rng(seed, DATA, step).integers(2**32))
    random.seed(value)
    np.random.seed(value)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)
