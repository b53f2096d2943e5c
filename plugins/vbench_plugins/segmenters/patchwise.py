"""A network as a segmenter: trained on patches, predicting volumes by windows of their size."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vbench.interfaces import Segmenter
from vbench.layout import image_channels, image_of, label_channels, patches_shape
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.nn.augment import flip_and_rotate, flip_axis, intensities, warp
from vbench_plugins.nn.feed import prefetch
from vbench_plugins.nn.seeding import DATA, INIT, numpy_rng

if TYPE_CHECKING:
    from vbench_plugins.nn.compute import Compute
    from vbench_plugins.segmenters.training import Trainer

_REPORTS = 100
#: Patches that ``standardise`` takes mean and spread from.
_SURVEY = 1000


class PatchSegmenter(Segmenter):
    """What segmenters share that train a network on patches.

    They predict by blended windows of the training size: windows of another size would change
    what normalisation layers see, and with it the result. Parameters are those of
    :class:`~vbench_plugins.segmenters.training_params.TrainingParams` and the network's own.
    """

    @abstractmethod
    def build(self, seed: int) -> Any:
        """Return the network with seeded weights: images ``(n, 1, *size)`` to logits alike."""

    @abstractmethod
    def architecture(self) -> Mapping[str, Any]:
        """Return the parameters that the network's speed depends on."""

    def step(self, trainer: Trainer, batch: Array) -> Any:
        """Do one training step and return the loss."""
        return trainer.step(batch)

    def __init__(self, params: Any, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._trainer: Trainer | None = None
        self._resumed: Weights | None = None
        self._network: Any = None
        self._moments = (0.0, 1.0)
        self._compute: Compute | None = None

    @classmethod
    def training_steps(cls, params: Any, patches: int) -> int:
        """Return ``steps``, or so many that ``epochs`` passes over the patches are done."""
        return math.ceil(params.epochs * patches / params.batch_size) or int(params.steps)

    @classmethod
    def settings_for(cls, steps: int) -> Mapping[str, Any]:
        """Return a length in steps."""
        return {"steps": steps, "epochs": 0.0}

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train; from given weights when ``load_weights`` came first."""
        steps = self.training_steps(self.params, len(patches))
        p = self.params = self.params.model_copy(update={"steps": steps})
        trainer = self._start(patches, seed)
        every = max(1, p.steps // _REPORTS)

        def batch(step: int) -> Array:
            rng = numpy_rng(seed, DATA, step)
            return self._augment(patches.draw(p.batch_size, rng), rng)

        for step, drawn in prefetch(batch, trainer.steps + 1, p.steps):
            with trainer.compute.running():
                loss = self.step(trainer, drawn)
            report = step % every == 0 or step in (1, p.steps)
            yield Progress(step, p.steps, {"loss": float(loss)} if report else {})

    def _start(self, patches: Patches, seed: int) -> Trainer:
        from vbench_plugins.nn.flat import load_module, module_arrays
        from vbench_plugins.segmenters.training import Trainer

        p, state = self.params, self._resumed
        network = self.build(seed)
        if state is not None:
            self._moments = tuple(float(m) for m in state["moments"])
        elif self._network is not None:
            load_module(network, module_arrays(self._network))
        elif p.standardise:
            image = image_of(patches.draw(_SURVEY, numpy_rng(seed, INIT)))
            self._moments = (float(image.mean()), float(image.std()) or 1.0)
        trainer = Trainer(p, network, self._computing(), seed, self._moments)
        if state is not None:
            trainer.load_state(state)
        self._trainer, self._resumed = trainer, None
        self._network = trainer.average.module
        return trainer

    def _computing(self) -> Compute:
        if self._compute is None:
            from vbench_plugins.nn.compute import choose
            from vbench_plugins.segmenters.training import Trainer

            p, size = self.params, self.setup.size
            plain = p.model_copy(update={"compile": False})

            def step(compute: Compute) -> Any:
                trainer = Trainer(plain, self.build(seed=0), compute, 0, (0.0, 1.0))
                drawn = np.random.default_rng(0).random(
                    patches_shape(p.batch_size, size), np.float32
                )
                return lambda: trainer.step(drawn)

            about = {
                "method": self.name,
                "size": size,
                "loss": p.loss,
                "batch_size": p.batch_size,
                **self.architecture(),
            }
            self._compute = choose(
                p.precision, p.memory_format, self.setup.device, about, step, p.threads
            )
        return self._compute

    def _augment(self, batch: Array, rng: np.random.Generator) -> Array:
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

        from vbench_plugins.segmenters.window import predict

        network, compute = self._built(), self._computing()
        mean, sd = self._moments

        def probability(windows: torch.Tensor) -> torch.Tensor:
            with compute.autocast():
                logits = network(compute.tensor((windows - mean) / sd))
            return torch.sigmoid(logits.float()).cpu()

        with torch.inference_mode(), compute.running():
            return predict(
                probability,
                image,
                mask,
                window=self.setup.size,
                overlap=self.params.overlap,
                blending=self.params.blending,
            )

    def features(self, patches: Array) -> Array:
        """Return what the network sees: its coarsest channels, and how label and vessels agree."""
        import torch

        from vbench_plugins.segmenters.features import coarsest, vectors

        network, compute = self._built(), self._computing()
        mean, sd = self._moments
        image, label = (
            torch.from_numpy(np.array(part, np.float32))
            for part in (image_channels(patches), label_channels(patches))
        )
        with torch.inference_mode(), compute.running():
            with compute.autocast():
                channels, logits = coarsest(network, compute.tensor((image - mean) / sd))
            probability = torch.sigmoid(logits.float()).cpu()
            return vectors(channels.cpu(), probability, label).numpy()

    def _built(self) -> Any:
        if self._network is None:
            network = self._computing().module(self.build(seed=0))
            self._network = network.eval().requires_grad_(False)
        return self._network

    def weights(self) -> Weights:
        """Return the averaged network, and the moments that images are standardised with."""
        from vbench_plugins.nn.flat import module_arrays

        return {
            "moments": np.array(self._moments),
            **module_arrays(self._built(), "network."),
        }

    def load_weights(self, weights: Weights) -> None:
        """Take over a network: to predict with, or for ``fit`` to start from."""
        from vbench_plugins.nn.flat import load_module

        load_module(self._built(), weights, "network.")
        self._moments = tuple(float(m) for m in np.asarray(weights["moments"]))

    def state(self) -> Weights | None:
        """Return network, optimiser, average and step count."""
        return None if self._trainer is None else self._trainer.state()

    def load_state(self, state: Weights) -> None:
        """Go on from a state at the next ``fit``."""
        self._resumed = dict(state)

    def resolved(self) -> Mapping[str, Any]:
        """Return steps, precision, memory format and threads in use."""
        return (
            {} if self._compute is None else {"steps": self.params.steps, **self._compute.settled()}
        )
