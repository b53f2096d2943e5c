"""What generators share whose networks see each class in a channel of its own."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from vbench.interfaces import Count
from vbench.types import Array
from vbench_plugins.nn.augment import flip_and_rotate
from vbench_plugins.nn.form import Form
from vbench_plugins.nn.trained import TrainedGenerator


class SpreadGenerator(TrainedGenerator):
    """A trained generator of any number of classes and channels.

    Its parameters have ``augment``.
    """

    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"

    @property
    def form(self) -> Form:
        """The channels of patches in the networks: those of the image, one for each class."""
        return Form.of(self.setup)

    def entered(self, n: int) -> tuple[int, ...]:
        """Return the shape of ``n`` patches as the networks see them."""
        return self.form.shape(n, self.setup.size)

    def prepare(self, batch: Array, rng: np.random.Generator) -> Array:
        """Mirror and turn where requested; each class gets a channel."""
        return self.form.spread(flip_and_rotate(batch, rng) if self.params.augment else batch)
