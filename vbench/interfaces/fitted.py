"""What generators and segmenters share: a fit that can be watched, kept and resumed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from vbench.interfaces.plugin import Count, Plugin
from vbench.params import length_param
from vbench.types import Patches, Progress, Setup, Weights


class Fitted(Plugin):
    """A method that is fitted on labelled patches: what generators and segmenters share.

    vbench builds it, may call ``load_weights`` (a segmenter that starts from a pre-trained one)
    or ``load_state`` (an interrupted fit that goes on), iterates over ``fit``, and between two
    steps calls ``weights`` (to keep the state as a candidate) and ``state`` (to resume). A method
    must not touch global random state, nor change the arrays that it is given. Every seed is a
    whole number in [0, 2**31), in runs as in the conformance kit, so that scikit-learn and torch
    take it; derive more of them with ``np.random.default_rng([seed, i])``, not by arithmetic.

    Attributes:
        ndims: The patch dimensions that it takes.
        gpu: Whether it computes on ``setup.device``; False for a method that needs the CPU only,
            so that its jobs keep no GPU from others.
        classes: How many classes of a label it takes beside the background: 1, another number at
            most, or ``"any"``; ``setup.labels`` names those of a benchmark.
        channels: Likewise, how many channels of an image; ``setup.channels`` names them.
    """

    ndims: ClassVar[tuple[int, ...]] = (2, 3)
    gpu: ClassVar[bool] = True
    classes: ClassVar[Count] = 1
    channels: ClassVar[Count] = 1

    def __init__(self, params: Any, setup: Setup) -> None:
        """Build the method for a patch size and a device, before any data is seen.

        Args:
            params: An instance of this class's ``Params``.
            setup: Patch size, device, spacing, classes, channels.

        Raises:
            ValueError: When it cannot handle ``setup.size``: say which sizes it can.
        """
        self.params = params
        self.setup = setup

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Raise ``ValueError`` when these parameters cannot work for this setup.

        Called by ``vbench validate``, before any training; must be quick and import nothing heavy.
        """

    @classmethod
    def files(cls, params: Any) -> Mapping[str, Path]:
        """Name the files that its result depends on, beside the patches that it is fitted on.

        Those that parameters of type ``Path`` lead to, all those of a folder too, unless a method
        overrides this: where a file names others, say, or a folder is written to.

        vbench puts their content into the keys of its jobs, so that a changed file is computed
        anew. Where they lie does not count: parameters that are a ``Path`` are left out of the
        key, and ``fit`` alone may read them; what sampling and predicting need goes into
        ``weights``. A parameter called ``path``, or ``…_path``, is relative to the spec that
        names it.

        Args:
            params: An instance of this class's ``Params``.

        Returns:
            Files by a name that stays the same wherever they lie; none: it needs no file.

        Raises:
            DataError: When a file is missing or wrong: what is expected, and how to mend it.
        """
        found: dict[str, Path] = {}
        for name in cls.Params.model_fields:
            place = getattr(params, name)
            if not isinstance(place, Path):
                continue
            if place.is_file():
                found[name] = place
            for path in sorted(place.rglob("*")) if place.is_dir() else ():
                if path.is_file():
                    found[f"{name}/{path.relative_to(place).as_posix()}"] = path
        return found

    @classmethod
    def training_steps(cls, params: Any, patches: int) -> int | None:
        """Return how many optimiser steps a training on this many patches takes.

        The parameter that is marked as the length of training, unless a method overrides this,
        for a length in epochs, say. None when it is not known before the training.
        """
        name = length_param(cls.Params)
        return None if name is None else int(getattr(params, name))

    @classmethod
    def settings_for(cls, steps: int) -> Mapping[str, Any]:
        """Return the parameters with which a training takes this many steps, whatever the patches.

        Empty when the length of training cannot be set.
        """
        name = length_param(cls.Params)
        return {} if name is None else {name: steps}

    @abstractmethod
    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Learn from labelled patches, yielding at least once, ``step == total`` last.

        The same seed, data and parameters give the same result on the same machine and thread
        count. After ``load_state`` it goes on from the step that the state was taken at.
        """

    @abstractmethod
    def weights(self) -> Weights:
        """Return what sampling or predicting needs: a flat dict of arrays, safe to keep.

        Names are free; values are numpy arrays or torch tensors. Nothing is pickled.
        """

    @abstractmethod
    def load_weights(self, weights: Weights) -> None:
        """Take over what ``weights`` returned, of an instance with the same parameters."""

    @classmethod
    def settle(cls, params: Any, setup: Setup) -> Mapping[str, Any]:
        """Answer parameters that leave something to the machine, such as ``precision = "auto"``.

        Called once, where the run is planned: the answers are the parameters of all its jobs, and
        part of their keys. Keys are parameter names; empty when nothing is left open.
        """
        return {}

    def resolved(self) -> Mapping[str, Any]:
        """Return parameters that became another value while it was fitted, by their names.

        Such as a length in steps that was given in epochs. vbench records them over the given
        ones, and builds the method with them when it samples or predicts.
        """
        return {}

    def state(self) -> Weights | None:
        """Return all that ``fit`` needs to go on from here, or None when it cannot resume.

        Weights, optimiser moments, random states and the step, as a flat dict of arrays. A method
        that returns None is fitted again from the start after an interruption.
        """
        return None

    def load_state(self, state: Weights) -> None:
        """Take over what ``state`` returned; ``fit`` then goes on from there."""
        raise NotImplementedError(f"{type(self).__name__} cannot resume")
