"""The checks of metrics, a suite for each of the three kinds."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import (
    FidelityMetric,
    LabelMapMetric,
    Metric,
    PrivacyMetric,
    SegmentationMetric,
)
from vbench.layout import label_of
from vbench.masks.pair import MaskPair
from vbench.spec.labels import takes
from vbench.testing.guards import changed, global_state, no_network, other_random_state
from vbench.testing.suite import Conformance, Skip, expect
from vbench.testing.toys import SPACING, NoisePatches, ToyPatches, features, map_pairs, mask_pairs
from vbench.types import Score

SIZES = {2: (16, 16), 3: (12, 12, 12)}


class MetricSuite(Conformance):
    """What all metrics hold."""

    plugin: ClassVar[type[Metric]]

    @abstractmethod
    def case(self, ndim: int) -> Callable[[], Score | float]:
        """Return an ordinary call of ``score``."""

    def metric(self) -> Any:
        """Return a new metric."""
        return self.plugin(self.settings())

    def worth(self, score: Score | float) -> float:
        """Return a value of which more is better.

        Raises:
            Skip: When the metric has no direction.
        """
        if self.plugin.higher_is_better is None:
            raise Skip("higher_is_better is None: a descriptive value")
        return Score.of(score).value if self.plugin.higher_is_better else -Score.of(score).value

    def test_is_versioned(self) -> None:
        """Has a version, a unit and a direction, so that a number can be cited."""
        metric = self.metric()
        expect(
            isinstance(self.plugin.version, int) and self.plugin.version >= 1,
            f"version is {self.plugin.version!r}; expected a number from 1 on",
        )
        expect(metric.id == f"{self.plugin.name}@{self.plugin.version}", f"id is {metric.id!r}")
        expect(isinstance(self.plugin.unit, str), f"unit is {self.plugin.unit!r}; '' for none")
        expect(
            self.plugin.higher_is_better in (True, False, None),
            f"higher_is_better is {self.plugin.higher_is_better!r}",
        )

    def test_repeats(self, ndim: int) -> None:
        """Gives the same value for the same input, whatever the global random state."""
        score = self.case(ndim)
        first = Score.of(score()).value
        with other_random_state(99):
            second = Score.of(score()).value
        expect(first == second, f"first {first!r}, then {second!r}")

    def test_leaves_global_state_alone(self, ndim: int) -> None:
        """Touches no global random state and no global setting."""
        score = self.case(ndim)
        before = global_state()
        score()
        touched = changed(before)
        expect(not touched, f"changes {', '.join(sorted(touched))}")

    def test_needs_no_network(self, ndim: int) -> None:
        """Reaches for no network."""
        score = self.case(ndim)
        with no_network() as attempts:
            score()
        expect(not attempts, f"tried to {'; '.join(attempts[:3])}")


class SegmentationMetricSuite(MetricSuite):
    """Every check of a segmentation metric; subclass it and set ``plugin``."""

    plugin: ClassVar[type[SegmentationMetric]]

    def case(self, ndim: int) -> Callable[[], Score | float]:
        """Score overlapping masks."""
        return lambda: self.metric().score(mask_pairs(ndim)["overlapping"])

    def test_scores_every_case(self, ndim: int) -> None:
        """Gives a finite number for every pair, when masks are empty too."""
        for case, pair in mask_pairs(ndim).items():
            score = self.metric().score(pair)
            expect(
                isinstance(score, Score | float | int | np.number),
                f"{case}: {type(score).__name__}; expected a Score or a number",
            )
            value = Score.of(score).value
            expect(
                math.isfinite(value),
                f"{case}: {value}; give a value by rule, as Score(value, defined=False)",
            )

    def test_scores_maps_of_several_classes(self, ndim: int) -> None:
        """Gives a finite number for label maps, when classes are in one map only, or in neither."""
        metric = self.metric()
        if not isinstance(metric, LabelMapMetric):
            raise Skip("it scores one class")
        for case, maps in map_pairs(ndim).items():
            value = Score.of(metric.score_map(maps)).value
            expect(math.isfinite(value), f"{case}: {value}; give a value by rule")

    def test_masks_of_one_voxel(self, ndim: int) -> None:
        """Gives a finite number for single voxels in the corners of the volume."""
        truth, prediction = np.zeros((2, *(5, 4, 3)[:ndim]), dtype=bool)
        truth.flat[0] = prediction.flat[-1] = True
        score = self.metric().score(MaskPair(prediction, truth, SPACING[:ndim]))
        expect(math.isfinite(Score.of(score).value), f"the score is {Score.of(score).value}")

    def test_identical_is_best(self, ndim: int) -> None:
        """Scores the reference itself at least as well as a shifted copy."""
        pairs = mask_pairs(ndim)
        scores = {case: self.metric().score(pairs[case]) for case in ("identical", "overlapping")}
        expect(
            self.worth(scores["identical"]) >= self.worth(scores["overlapping"]),
            f"identical masks score {scores['identical']}, shifted ones {scores['overlapping']}",
        )

    def test_millimetres_grow_with_spacing(self, ndim: int) -> None:
        """Doubles, when its unit is mm and the voxels are twice as large."""
        if self.plugin.unit != "mm":
            raise Skip(f"the unit is {self.plugin.unit!r}")
        values = []
        for factor in (1, 2):
            pair = mask_pairs(ndim)["overlapping"]
            spacing = [factor * length for length in pair.spacing]
            values.append(Score.of(self.metric().score(_with_spacing(pair, spacing))).value)
        expect(
            math.isclose(2 * values[0], values[1], rel_tol=1e-6),
            f"{values[0]:g} mm becomes {values[1]:g} mm; is the spacing used?",
        )

    def test_leaves_masks_alone(self, ndim: int) -> None:
        """Changes neither mask."""
        pair = mask_pairs(ndim)["overlapping"]
        before = pair.prediction.copy(), pair.truth.copy()
        self.metric().score(pair)
        expect(
            np.array_equal(before[0], pair.prediction) and np.array_equal(before[1], pair.truth),
            "score changed a mask, and other metrics share it",
        )


class _PatchMetricSuite(MetricSuite):
    """What fidelity and privacy metrics share: they compare sets of patches."""

    plugin: ClassVar[type[FidelityMetric | PrivacyMetric]]

    @abstractmethod
    def sets(self, ndim: int) -> list[ToyPatches]:
        """Return the sets of patches of an ordinary case, in the order of ``score``."""

    def score(self, *sets: ToyPatches, seed: int = 3) -> Score | float:
        """Score sets of patches with the toy features."""
        found: Score | float = self.metric().score(*sets, features=features, seed=seed)
        return found

    def case(self, ndim: int) -> Callable[[], Score | float]:
        """Score the ordinary case."""
        sets = self.sets(ndim)
        return lambda: self.score(*sets)

    def test_scores_are_finite(self, ndim: int) -> None:
        """Gives a finite number, for few patches and for patches without a vessel too."""
        sets = self.sets(ndim)
        few = [ToyPatches(SIZES[ndim], n=6, seed=i) for i in range(len(sets))]
        empty = [_EmptyPatches(SIZES[ndim]), *sets[1:]]
        for case, given in (("ordinary", sets), ("6 patches", few), ("no vessel", empty)):
            value = Score.of(self.score(*given)).value
            expect(math.isfinite(value), f"{case}: the score is {value}")

    def test_takes_several_classes_and_channels(self, ndim: int) -> None:
        """Scores patches of three classes, and of two channels, where it says that it can."""
        plugin, tried = self.plugin, [(3, 1), (1, 2), (3, 2)]
        numbers = [
            (k, c) for k, c in tried if takes(plugin.classes, k) and takes(plugin.channels, c)
        ]
        if not numbers:
            raise Skip("says that it takes one class and one channel")
        for classes, channels in numbers:
            given = [
                ToyPatches(SIZES[ndim], seed=seed, classes=classes, channels=channels)
                for seed in range(len(self.sets(ndim)))
            ]
            value = Score.of(self.score(*given)).value
            expect(
                math.isfinite(value),
                f"with {classes} classes and {channels} channels the score is {value}",
            )

    def test_leaves_patches_alone(self, ndim: int) -> None:
        """Changes none of the sets of patches."""
        sets = self.sets(ndim)
        before = [patches.digest() for patches in sets]
        self.score(*sets)
        expect([patches.digest() for patches in sets] == before, "score changed a set of patches")


class FidelityMetricSuite(_PatchMetricSuite):
    """Every check of a fidelity metric; subclass it and set ``plugin``."""

    plugin: ClassVar[type[FidelityMetric]]

    def sets(self, ndim: int) -> list[ToyPatches]:
        """Return two draws of one distribution."""
        return [ToyPatches(SIZES[ndim], seed=1), ToyPatches(SIZES[ndim], seed=2)]

    def test_noise_is_worse(self, ndim: int) -> None:
        """Scores noise worse than other real patches."""
        real = ToyPatches(SIZES[ndim], n=48, seed=2)
        alike = self.score(ToyPatches(SIZES[ndim], n=48, seed=1), real)
        noise = self.score(NoisePatches(SIZES[ndim], n=48), real)
        expect(
            self.worth(alike) > self.worth(noise),
            f"other real patches score {Score.of(alike).value:g}, noise {Score.of(noise).value:g}",
        )


class PrivacyMetricSuite(_PatchMetricSuite):
    """Every check of a privacy metric; subclass it and set ``plugin``."""

    plugin: ClassVar[type[PrivacyMetric]]

    def sets(self, ndim: int) -> list[ToyPatches]:
        """Return synthetic, training and held-out patches: three draws of one distribution."""
        return [ToyPatches(SIZES[ndim], seed=seed) for seed in (1, 2, 3)]

    def test_copies_are_worse(self, ndim: int) -> None:
        """Scores copies of training patches as leaking more than new patches."""
        fresh, training, heldout = (ToyPatches(SIZES[ndim], n=48, seed=s) for s in (1, 2, 3))
        copies = self.score(training, training, heldout)
        new = self.score(fresh, training, heldout)
        expect(
            self.worth(new) > self.worth(copies),
            f"new patches score {Score.of(new).value:g}, copies {Score.of(copies).value:g}",
        )


class _EmptyPatches(ToyPatches):
    """Patches without a vessel."""

    def take(self, index: Any) -> Any:
        """Return patches whose label is 0 everywhere."""
        out = super().take(index)
        label_of(out)[...] = 0
        return out


def _with_spacing(pair: MaskPair, spacing: list[float]) -> MaskPair:
    return MaskPair(pair.prediction, pair.truth, spacing)
