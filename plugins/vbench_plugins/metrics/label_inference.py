"""What synthetic patches tell an attacker of a patient's vessels who has the patient's image."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.audit.attacks import dice_by_class, label_inference
from vbench.audit.closeness import closest, views_of
from vbench.interfaces import Count
from vbench.layout import image_channels, label_of
from vbench.types import Array


class LabelInferenceParams(Params):
    """Parameters of :class:`LabelInference`."""

    patches: int = param(300, "The most patches of training and of held-out patients each", ge=2)
    synthetic: int = param(2000, "The most synthetic patches", ge=1)


class LabelInference(PrivacyMetric):
    """How much better the nearest synthetic label fits training patients than held-out ones.

    The attacker has a patient's image, finds the synthetic image that resembles it most (whatever
    its contrast, mirrored or turned), and takes over its label. The value is the mean Dice
    coefficient over training patients minus that over held-out ones: 0 is no leak, lower is
    better; of several classes, the mean over those that one of two labels has. The interval is
    over patients. Alarm: patients, permuted, seldom reach the difference, and neither do random
    halves of either side.
    """

    name = "label-inference"
    paper = "after Yeom 2018, arXiv:1709.01604"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    Params = LabelInferenceParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        made = synthetic.take(_some(len(synthetic), self.params.synthetic, rng))
        overlaps, persons = [], []
        for patches in (training, heldout):
            index = _some(len(patches), self.params.patches, rng)
            overlaps.append(_overlap(patches.take(index), made))
            persons.append(np.unique(patches.subject_index[index], return_inverse=True)[1])
        members = int(persons[0].max()) + 1
        person = np.concatenate([persons[0], persons[1] + members])
        found = label_inference(
            np.concatenate(overlaps),
            person,
            np.arange(int(person.max()) + 1) < members,
            seed=seed,
        )
        bounds = ("value", "floor", "ceiling", "defined")  # the audit finds its own
        return Score(found["value"], True, {k: v for k, v in found.items() if k not in bounds})


def _overlap(patches: Array, made: Array) -> Array:
    """Return the Dice coefficient of each patch's label with the nearest synthetic one."""
    found = closest(image_channels(patches), image_channels(made))
    views, overlap = views_of(patches.shape[2:]), np.empty(len(patches))
    for number in np.unique(found.view):
        chosen = np.flatnonzero(found.view == number)
        own = views[number].of(label_of(patches)[chosen])
        overlap[chosen] = dice_by_class(own, label_of(made)[found.index[chosen]])
    return overlap


def _some(n: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return at most ``most`` indices, drawn at random, in order."""
    return np.sort(rng.permutation(n)[:most])
