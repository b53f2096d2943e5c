"""nnU-Net v2 as a segmenter: it plans, trains and predicts by its own code, on exported patches.

What vbench keeps is what it keeps of every method: the steps, the seeds, the validation subjects
and the threshold. nnU-Net is an extra (``pip install 'vbench[nnunet]'``), imported when it fits.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vbench.errors import MissingExtraError
from vbench.interfaces import Params, Segmenter, param
from vbench.masks.slices import margins
from vbench.types import Array, Patches, Progress, Setup, Weights

if TYPE_CHECKING:
    from vbench_plugins.segmenters.nnunet_training import Model, Trainer

_REPORTS = 100
#: nnU-Net halves an axis while 4 voxels are left, and supervises all but the lowest resolution.
_SMALLEST, _LARGEST_AT_LEAST = 4, 16


class NnunetParams(Params):
    """Parameters of :class:`Nnunet`; what is not here nnU-Net plans."""

    steps: int = param(
        500, "Training steps; nnU-Net's own schedule has 250000", unit="steps", length=True, ge=1
    )
    cases: int = param(400, "Patches that are exported as cases, at most", ge=2)
    width: int = param(32, "Channels at full resolution (nnU-Net: 32)", ge=2)
    batch_size: int = param(0, "Patches per step; 0: as nnU-Net plans", ge=0)
    lr: float = param(0.01, "Learning rate (SGD), falling to 0", tune=(3e-3, 3e-2), log=True, gt=0)
    mirror: bool = param(True, "Average predictions over mirror images, as nnU-Net does")
    overlap: float = param(0.5, "Of neighbouring prediction windows", ge=0, lt=1)


class Nnunet(Segmenter):
    """A U-net planned, trained and applied by nnU-Net v2.

    Patches are written as the cases of an nnU-Net data set; its planner decides on the network,
    its trainer augments and trains, its predictor slides over the volume. Differences to
    ``nnUNetv2_train``: intensities stay as vbench prepared them (``noNorm``), all cases train
    (vbench validates on other subjects), and there are as many steps as vbench says.
    """

    name = "nnunet-v2"
    paper = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z"
    Params = NnunetParams
    tiny: ClassVar[Mapping[str, Any]] = {
        "steps": 2,
        "cases": 4,
        "width": 2,
        "batch_size": 2,
        "mirror": False,
        "overlap": 0.0,
    }

    def __init__(self, params: NnunetParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._model: Model | None = None
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None

    @classmethod
    def check(cls, params: NnunetParams, setup: Setup) -> None:
        """Refuse sizes that nnU-Net cannot plan for, and say when it is not installed."""
        if min(setup.size) < _SMALLEST or max(setup.size) < _LARGEST_AT_LEAST:
            raise ValueError(
                f"patch size {list(setup.size)}: nnU-Net needs {_SMALLEST} voxels or more along "
                f"every axis, and {_LARGEST_AT_LEAST} or more along one"
            )
        if importlib.util.find_spec("nnunetv2") is None:
            raise MissingExtraError("nnU-Net is not installed; run `pip install 'vbench[nnunet]'`")

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Export, plan and preprocess, then train; from given weights when there are any."""
        from vbench_plugins.segmenters.nnunet_training import Trainer

        total = self.params.steps
        every = max(1, total // _REPORTS)
        with TemporaryDirectory(prefix="vbench-nnunet-") as folder:
            trainer = Trainer(self.params, self.setup, patches, seed, folder, self._model)
            if self._resumed is not None:
                trainer.load_state(self._resumed)
                self._resumed = None
            self._trainer, self._model = trainer, trainer.model
            while trainer.steps < total:
                loss = trainer.step()
                report = trainer.steps % every == 0 or trainer.steps in (1, total)
                yield Progress(trainer.steps, total, {"loss": loss} if report else {})

    def predict(self, image: Array, mask: Array) -> Array:
        """Predict the box around the mask by nnU-Net's sliding window."""
        found = np.zeros(image.shape, np.float32)
        if not mask.any():
            return found
        places = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        box = tuple(slice(int(p[0]), int(p[-1]) + 1) for p in places)
        cut = np.asarray(image[box], np.float32)
        # What is thinner than a patch lies in it as in training: nnU-Net would pad with 0, grey.
        size = self.setup.size
        extra = margins(cut.shape, size if len(size) == 3 else (*size, 1))
        padded = np.pad(cut, extra, constant_values=-1)
        inside = self._built().predict(padded, self.params)
        middle = tuple(slice(b, b + n) for (b, _), n in zip(extra, cut.shape, strict=True))
        found[box] = np.where(mask[box], inside[middle], 0)
        return found

    def _built(self) -> Model:
        if self._model is None:
            raise RuntimeError("nnU-Net plans when it sees patches: fit it, or load weights first")
        return self._model

    def weights(self) -> Weights:
        """Return the network, and nnU-Net's plans of it as bytes of JSON."""
        return self._built().weights()

    def load_weights(self, weights: Weights) -> None:
        """Take over a planned network: to predict with, or for ``fit`` to start from."""
        from vbench_plugins.segmenters.nnunet_training import Model

        self._model = Model.from_weights(weights, self.setup)

    def state(self) -> Weights | None:
        """Return network, plans, optimiser and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``, with the plans that it began with."""
        self.load_weights(state)
        self._resumed = dict(state)
