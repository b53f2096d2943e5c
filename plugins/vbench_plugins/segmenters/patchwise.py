"""A network as a segmenter: trained on patches, predicting volumes by windows of their size."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench.interfaces import Segmenter
from vbench.layout import image_channels, image_of, label_of, one_hot
from vbench.types import Array, Patches, Portable, Progress, Setup, Weights
from vbench_plugins.nn.augment import flip_and_rotate, flip_axis, intensities, warp
from vbench_plugins.nn.seeding import INIT, numpy_rng
from vbench_plugins.nn.sides import refuse_mirrors
from vbench_plugins.nn.trained import Trained

if TYPE_CHECKING:
    import torch

    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.segmenters.training import PatchTrainer

#: Patches that ``standardise`` takes mean and spread from.
_SURVEY = 1000


class PatchSegmenter(Trained, Segmenter):
    """What segmenters share that train a network on patches.

    They predict by blended windows of the training size: windows of another size would change
    what normalisation layers see, and with it the result. Parameters are those of
    :class:`~vbench_plugins.segmenters.training_params.TrainingParams` and the network's own.
    """

    reports = 100

    def __init__(self, params: Any, setup: Setup) -> None:
        """Check the parameters; nothing is built before it is needed."""
        super().__init__(params, setup)
        self._moments = (0.0, 1.0)

    @abstractmethod
    def build(self, seed: int) -> torch.nn.Module:
        """Return the network with seeded weights.

        It maps images ``(n, channels, *size)`` to logits ``(n, 1, *size)``, or of several classes
        ``(n, classes + 1, *size)``, the background first.
        """

    def trainer(self, compute: Compute, seed: int) -> PatchTrainer:
        """Return a trainer of the network."""
        from vbench_plugins.segmenters.training import PatchTrainer

        return PatchTrainer(self.params, self.build(seed), compute, seed, self.loss)

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return what a step makes smaller; override it for a loss of your own.

        Args:
            logits: float32, what the network gives: ``(n, 1, *size)``, or of several classes
                ``(n, classes + 1, *size)``, the background first.
            labels: float32 ``(n, 1, *size)``, 0 or 1, or of several classes their index.

        Returns:
            One number, with a gradient in ``logits``.
        """
        from vbench_plugins.segmenters.training import loss_function

        return loss_function(self.params.loss, self.setup.classes)(logits, labels)

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Refuse what is for one class only, and mirrors of classes that have sides."""
        refuse_mirrors(setup, params.flips == "all", "flips = 'all'", "flips = 'none'")
        if setup.classes > 1 and params.loss == "cldice":
            raise ValueError("loss 'cldice' is for one class; take 'dice+ce'")
        if setup.classes > 1 and params.label_interpolation == "linear":
            raise ValueError(
                "label_interpolation 'linear' is for one class: it makes fractions of the indices; "
                "take 'nearest'"
            )

    @classmethod
    def training_steps(cls, params: Any, patches: int) -> int:
        """Return ``steps``, or as many as ``epochs`` passes over the patches take."""
        return math.ceil(params.epochs * patches / params.batch_size) or int(params.steps)

    @classmethod
    def settings_for(cls, steps: int) -> Mapping[str, Any]:
        """Return a length in steps."""
        return {"steps": steps, "epochs": 0.0}

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train; from given weights when ``load_weights`` came first."""
        steps = self.training_steps(self.params, len(patches))
        self.params = self.params.model_copy(update={"steps": steps})
        yield from super().fit(patches, seed=seed)

    def begin(self, trainer: Any, patches: Patches, seed: int) -> None:
        """Start from the weights that were loaded; else take the images' moments where asked."""
        from vbench_plugins.nn.flat import load_module, module_arrays

        if self._network is not None:
            given = module_arrays(self._network)
            for network in (trainer.network, trainer.average.module):
                load_module(network, given)
        elif self.params.standardise:
            image = image_of(patches.draw(_SURVEY, numpy_rng(seed, INIT)))
            self._moments = (float(image.mean()), float(image.std()) or 1.0)
        trainer.moments = self._moments

    def _start(self, patches: Patches, seed: int) -> Any:
        trainer: Any = super()._start(patches, seed)
        self._moments = trainer.moments
        return trainer

    def prepare(self, batch: Array, rng: np.random.Generator) -> Array:
        """Augment."""
        p = self.params
        if p.rotation or p.shear:
            batch = warp(batch, rng, p.rotation, p.shear, linear=p.label_interpolation == "linear")
        if p.flips == "all":
            batch = flip_and_rotate(batch, rng)
        elif p.flips == "vertical":
            batch = flip_axis(batch, rng, 1)
        return intensities(batch, rng, p.intensity) if p.intensity else batch

    def predict(self, image: Array, mask: Array) -> Array:
        """Predict by windows; 2D networks slice by slice along the last axis."""
        import torch

        from vbench_plugins.segmenters.training import outputs_of
        from vbench_plugins.segmenters.window import predict

        network, compute = self.model(), self.computing()
        mean, sd = self._moments
        outputs = outputs_of(self.setup)

        def probability(windows: torch.Tensor) -> torch.Tensor:
            with compute.autocast():
                logits = network(compute.tensor((windows - mean) / sd)).float()
            return (torch.sigmoid(logits) if outputs == 1 else torch.softmax(logits, 1)).cpu()

        with torch.inference_mode(), compute.running():
            return predict(
                probability,
                image,
                mask,
                window=self.setup.size,
                overlap=self.params.overlap,
                blending=self.params.blending,
                outputs=outputs,
            )

    def features(self, patches: Array) -> Array:
        """Return what the network sees: its coarsest channels, and how label and vessels agree."""
        import torch

        from vbench_plugins.segmenters.features import coarsest, vectors

        network, compute = self.model(), self.computing()
        mean, sd = self._moments
        classes = self.setup.classes
        image, label = (
            torch.from_numpy(np.array(part, np.float32))
            for part in (image_channels(patches), label_of(patches))
        )
        label = one_hot(label, classes) if classes > 1 else label[:, None]
        with torch.inference_mode(), compute.running():
            with compute.autocast():
                channels, logits = coarsest(network, compute.tensor((image - mean) / sd))
            logits = logits.float().cpu()
            probability = torch.sigmoid(logits) if classes == 1 else torch.softmax(logits, 1)[:, 1:]
            return vectors(channels.cpu(), probability, label).numpy()

    def elsewhere(self) -> tuple[Mapping[str, Any], Weights]:
        """Return the network as entries of a MONAI config, and its state dict; see Portable."""
        raise NotImplementedError(f"{self.name} has no network that can leave")

    def portable(self) -> Portable | None:
        """Return the network with what its images are standardised with, and its windows."""
        try:
            network, weights = self.elsewhere()
        except NotImplementedError:
            return None
        mean, sd = self._moments
        return Portable(network, weights, mean, sd, self.params.overlap, self.params.blending)

    def weights(self) -> Weights:
        """Return the averaged network, and the moments that images are standardised with."""
        from vbench_plugins.nn.flat import module_arrays

        return {
            "moments": np.array(self._moments),
            **module_arrays(self.model(), "network."),
        }

    def load_weights(self, weights: Weights) -> None:
        """Take over a network: to predict with, or for ``fit`` to start from."""
        from vbench_plugins.nn.flat import load_module
        from vbench_plugins.segmenters.training import moments_of

        load_module(self.model(), weights, "network.")
        self._moments = moments_of(weights)

    def resolved(self) -> Mapping[str, Any]:
        """Return steps, precision, memory format and threads in use."""
        settled = super().resolved()
        return {"steps": self.params.steps, **settled} if settled else {}
