"""Stage ``attack``: what attackers learn of the patients that a generator learnt from.

Held-out patients are the test subjects, as in ``audit``; shadows learnt from training and test
subjects alike. Nothing is selected by these scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from vbench.audit.attacks import dice, label_inference, membership
from vbench.audit.canaries import canary_epsilon
from vbench.audit.closeness import closest
from vbench.audit.features import segment
from vbench.engine.context import Context
from vbench.engine.stages.base import Lengths, Stage
from vbench.engine.stages.common import (
    chosen_samples,
    contents,
    fitted_generator,
    fitted_segmenter,
    real_patches,
    samples_of,
    segmenter_of,
)
from vbench.engine.tuning import Trial
from vbench.errors import ContractError
from vbench.files import as_json
from vbench.interfaces import Generator
from vbench.layout import image_channels, image_of, label_of
from vbench.records.judging import AttackInputs, AttackResult
from vbench.records.parts import Key
from vbench.records.training import FitSegmenterInputs, FitSegmenterResult, SynthesiseInputs
from vbench.types import Array, Patches, Setup

#: The most samples of a generator that an attacker looks at.
MOST = 2000
#: Patches of each patient that a segmenter is given: each is a volume to it.
SEGMENTED = 25
_CHUNK = 256


class Attack(Stage[AttackInputs, AttackResult]):
    """Attacks the candidate that the generator's synthetic arm selected."""

    name = "attack"
    version = 1
    gpu = True
    seconds = 20.0

    def run(self, context: Context, inputs: AttackInputs) -> AttackResult:
        """Score the patients' patches in every game, and say what that tells."""
        trial, index, audited = chosen_samples(
            context.store, inputs.trials, inputs.higher_is_better
        )
        games = [audited, *(shadow.samples for shadow in inputs.shadows)]
        attacker = _Attacker(context, inputs, rounds=len(games) + 3 * (inputs.canaries is not None))
        whose = patients(context, inputs)
        member = whose.members(inputs)
        found: dict[str, Any] = {}
        if inputs.shadows:
            through = np.stack([attacker.through_samples(key, whose.patches) for key in games])
            found["shadow-mia"] = membership(through, whose.person, member, seed=inputs.seed)
        inner = [attacker.through_generator(key, whose.patches) for key in games]
        if all(row is not None for row in inner):
            found["white-box-mia"] = membership(
                np.stack(cast(list[Array], inner)), whose.person, member, seed=inputs.seed
            )
        some = whose.some(SEGMENTED)
        overlap = _segmented(context, inputs, trial, whose.patches[some])
        found["label-inference-segmenter"] = label_inference(
            overlap, whose.person[some], member[0], seed=inputs.seed
        )
        if inputs.canaries is not None:
            made_up = _patches_of(context, inputs, inputs.canaries.volumes, None)
            planted, without = (
                _person_means(
                    attacker.strongest(key, made_up.patches, whose.patches), made_up.person
                )
                for key in (inputs.canaries.samples, audited)
            )
            found["canary-epsilon"] = canary_epsilon(planted - without, inputs.canaries.planted)
        return AttackResult.model_validate({"checkpoint": index, "privacy": as_json(found)})

    def amount(
        self, inputs: AttackInputs, lengths: Lengths, result: AttackResult | None = None
    ) -> float:
        """Return the number of trainings that are looked at."""
        return 1.0 + len(inputs.shadows) + 2 * (inputs.canaries is not None)


STAGE = Attack()


@dataclass(frozen=True)
class Patients:
    """Patches that are attacked: whose they are, and the volumes that make up each person."""

    patches: Array
    person: npt.NDArray[np.intp]
    volumes: tuple[frozenset[Key], ...]

    def members(self, inputs: AttackInputs) -> npt.NDArray[np.bool_]:
        """Return who was in the audited game, and in that of each shadow."""
        games = [set(inputs.train), *(set(shadow.members) for shadow in inputs.shadows)]
        return np.array([[not own.isdisjoint(game) for own in self.volumes] for game in games])

    def some(self, most: int) -> npt.NDArray[np.intp]:
        """Return the first patches of each person: their indices."""
        first = np.searchsorted(self.person, self.person)
        return np.flatnonzero(np.arange(len(self.person)) - first < most)


def patients(context: Context, inputs: AttackInputs) -> Patients:
    """Return patches of training patients, then of held-out ones, as an audit counts them."""
    groups = inputs.groups or {}
    train, heldout = (
        _patches_of(context, inputs, keys, groups.get(part))
        for part, keys in (("train", inputs.train), ("heldout", inputs.heldout))
    )
    return Patients(
        np.concatenate([train.patches, heldout.patches]),
        np.concatenate([train.person, heldout.person + len(train.volumes)]),
        (*train.volumes, *heldout.volumes),
    )


def _patches_of(
    context: Context, inputs: AttackInputs, keys: Sequence[Key], groups: Sequence[str] | None
) -> Patients:
    """Draw some patches of each person."""
    pool = real_patches(context.store, keys, inputs.patches, groups)
    rng = np.random.default_rng(inputs.seed)
    persons = np.unique(pool.subject_index)
    index = np.concatenate(
        [
            rng.permutation(np.flatnonzero(pool.subject_index == own))[: inputs.per_person]
            for own in persons
        ]
    )
    per_volume = len(pool) // len(keys)
    volumes = tuple(
        frozenset(keys[i] for i in range(len(keys)) if pool.subject_index[i * per_volume] == own)
        for own in persons
    )
    person = np.searchsorted(persons, pool.subject_index[index])
    return Patients(pool.take(index), person, volumes)


class _Attacker:
    """Looks at trainings of one generator, through their samples and through what they learnt."""

    def __init__(self, context: Context, inputs: AttackInputs, rounds: int) -> None:
        self._context, self._inputs = context, inputs
        self._cls = cast(type[Generator], context.plugin("generator", inputs.plugin).cls)
        self._rounds, self._done = 2 * rounds, 0
        labels, channels = contents(context.store, inputs.train[0])
        self._like = Setup(inputs.patches.size, labels=labels, channels=channels)

    def through_samples(self, key: Key, patches: Array) -> Array:
        """Return how near the samples come to each patch."""
        made: Patches = samples_of(self._context.store, key, self._like)
        order = np.random.default_rng(self._inputs.seed).permutation(len(made))
        others = made.take(np.sort(order[:MOST]))
        self._report()
        return closest(image_channels(patches), image_channels(others)).score()

    def through_generator(self, key: Key, patches: Array) -> Array | None:
        """Return what the generator itself says of each patch; None when it says nothing.

        Raises:
            ContractError: When it returns anything else than a finite number for each.
        """
        self._report()
        made = self._context.store.record(key).inputs_as(SynthesiseInputs)
        generator = fitted_generator(
            self._context.store, self._cls, made.generator, made.checkpoint, self._context.device
        )
        parts = []
        for first in range(0, len(patches), _CHUNK):
            part = patches[first : first + _CHUNK].copy()
            scores = generator.membership_scores(part)
            if scores is None:
                return None
            scores = np.asarray(scores, np.float64)
            if scores.shape != (len(part),) or not np.isfinite(scores).all():
                raise ContractError(
                    f"{self._cls.name}.membership_scores returned shape {scores.shape} for "
                    f"{len(part)} patches; expected ({len(part)},), all finite"
                )
            parts.append(scores)
        return np.concatenate(parts)

    def strongest(self, key: Key, patches: Array, real: Array) -> Array:
        """Return what the generator says where it does, else what its samples say.

        Generators' own units differ: theirs is the spread of real patches' scores.
        """
        found = self.through_generator(key, patches)
        usual = None if found is None else self.through_generator(key, real)
        if found is None or usual is None:
            return self.through_samples(key, patches)
        return (found - usual.mean()) / (usual.std() or 1.0)

    def _report(self) -> None:
        self._done += 1
        self._context.report(self._done, self._rounds, {})


def _segmented(context: Context, inputs: AttackInputs, trial: Trial, patches: Array) -> Array:
    """Return the Dice coefficients of a segmenter that learnt from the samples only.

    Of several classes all vessels are taken together.

    Args:
        context: The job.
        inputs: Its inputs.
        trial: The trial that fitted the segmenter.
        patches: What it is given the images of.
    """
    record = context.store.record(trial.key)
    cls = segmenter_of(context, record.inputs_as(FitSegmenterInputs).plugin)
    segmenter = fitted_segmenter(context.store, trial.key, cls, inputs.patches.size, context.device)
    threshold = record.result_as(FitSegmenterResult).threshold
    return dice(segment(segmenter, image_of(patches), threshold), label_of(patches))


def _person_means(scores: Array, person: npt.NDArray[np.intp]) -> Array:
    return np.bincount(person, scores) / np.bincount(person)
