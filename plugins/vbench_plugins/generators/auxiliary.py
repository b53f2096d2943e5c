"""Makes generated labels fit their images, by what a small segmenter says of the images.

The segmenter is trained on the real patches that the GAN is trained on, beside it; no arm sees it.
There are two ways to use it, both off by default, since labels are then those of a teacher:

- ``agreement``: generated labels are pulled towards what it says, and it is gone when the training
  ends. Only that part of the generator is moved which reads a label off the features that the
  image is made of. Where the whole generator gave way, it learnt to show fewer vessels.
- ``label_by = "segmenter"``: the generator makes images, and the segmenter's average is the part of
  it that gives them their labels. The critic judges both together.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vbench.layout import image_channels, label_channels
from vbench.types import Array
from vbench_plugins.generators.networks import SegmenterHead, lowest, segmenter_network
from vbench_plugins.nn.adam import Adam
from vbench_plugins.nn.augment import flip_and_rotate, intensities
from vbench_plugins.nn.compute import Compute
from vbench_plugins.nn.ema import Ema
from vbench_plugins.nn.form import ONE, Form
from vbench_plugins.nn.seeding import AGREEMENT, numpy_rng, torch_seed
from vbench_plugins.segmenters.training import classes_dice_ce_loss, dice_ce_loss

#: How the segmenter is trained: much as the built-in U-net is.
_RATE, _AVERAGE, _INTENSITY = 4e-3, 0.98, 0.15
#: Real patches of a step that it learns from, and generated ones that it judges: it is small, but
#: works at full resolution, where a convolution costs most.
_LEARNT, JUDGED = 8, 16
#: First share of the GAN's steps, over which the weight grows: the segmenter has to learn first.
_RAMP = 0.2
#: No generated label is surer than this, so that its logit is finite.
_NEVER = 1e-6


class AuxiliarySegmenter:
    """A segmenter of real patches, and the loss by which generated ones should agree with it.

    Attributes:
        loss: What it minimises, of logits and labels.
        network: The segmenter that is trained.
        average: Of its weights; this one judges.
        optimiser: Its optimiser.
    """

    def __init__(
        self, p: Any, size: tuple[int, ...], compute: Compute, seed: int, form: Form = ONE
    ) -> None:
        """Build the segmenter with weights that depend on the seed only."""
        self.p, self.compute, self.seed, self.form = p, compute, seed, form
        with torch_seed(seed, AGREEMENT):
            network = segmenter_network(size, form)
        self.loss = dice_ce_loss if form.classes == 1 else classes_dice_ce_loss
        self.network = compute.module(network).train()
        self.average = Ema(self.network, _AVERAGE)
        self.optimiser = Adam(self.network.parameters(), _RATE)

    def learn(self, batch: Array, step: int, scale: float) -> Tensor:
        """Do one step on real patches, augmented as those of the built-in U-net are.

        Args:
            batch: Prepared patches ``(n, channels, *size)``; not changed.
            step: Of the GAN, 1-based.
            scale: Share of the learning rate.

        Returns:
            The loss, without graph.
        """
        rng = numpy_rng(self.seed, AGREEMENT, step)
        learnt = self.form.gather(batch[:_LEARNT], self.p.label_threshold, lowest(self.p))
        if self.form.classes == 1:  # a mirror image of several may name the wrong side
            learnt = flip_and_rotate(learnt, rng)
        patches = self.compute.tensor(intensities(learnt, rng, _INTENSITY))
        for group in self.optimiser.param_groups:
            group["lr"] = _RATE * scale
        with self.compute.autocast():
            logits = self.network(image_channels(patches))
        loss = self.loss(logits.float(), label_channels(patches))
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.average.update(self.network, step)
        return loss.detach()

    def lend(self, head: SegmenterHead) -> None:
        """Give the averaged weights to the part of a generator that gives labels."""
        head.segmenter.load_state_dict(self.average.module.state_dict())

    def weight(self, done: float) -> float:
        """Return the weight of :meth:`distance` once this share of the GAN's steps is done."""
        return float(self.p.agreement * min(1.0, done / _RAMP))

    def distance(self, fake: Tensor, label: Tensor) -> Tensor:
        """Return how far generated labels are from what the segmenter says of their images.

        Soft Dice over the batch plus cross-entropy. The segmenter's word is cut at 1/2: of two
        probabilities the Dice is not smallest where they are equal.

        Args:
            fake: Generated patches ``(n, channels, *size)``, of which the images are judged.
            label: Their soft labels ``(n, 1, *size)``; the gradient reaches these only.
        """
        with torch.no_grad(), self.compute.autocast():
            said = self.average.module(image_channels(fake))
        logits = torch.logit(self.probability(label), _NEVER)
        return dice_ce_loss(logits, (said > 0).float())

    def probability(self, label: Tensor) -> Tensor:
        """Bring a label from the range that the GAN works in to [0, 1]."""
        return (label + 1) / 2 if self.p.label_range == "-1..1" else label.clamp(0, 1)
