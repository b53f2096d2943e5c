"""The metrics against other tools of the field: equal where the definitions agree; where they do
not, a test states the difference and why.

Each tool meets the same 216 fixed pairs (16 that tools get wrong, 200 of tubes and noise), three
of the size of a vessel tree, and 200 that hypothesis draws.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from masks import Case, adversarial_cases, pairs, random_cases, tubes
from searching import examples

from vbench import MaskPair, registry

pytestmark = pytest.mark.peers
METRICS = registry.default().metrics("segmentation")
FIXED = [*adversarial_cases(), *random_cases(200, seed=11)]
VOLUMES = [case for case in FIXED if case.truth.ndim == 3]

#: Fixtures here hold a module or nothing, so that examples may share them.
any_pair = settings(
    max_examples=examples(200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
)


def trees() -> list[Case]:
    """Return three pairs as large as a small vessel tree, good to poor."""
    found = []
    for number, spacing in enumerate(((0.5, 0.5, 0.7), (0.3, 0.6, 1.5), (1.0, 1.0, 1.0))):
        rng = np.random.default_rng(number)
        truth = tubes((70, 64, 40), rng, 5, 1.6)
        prediction = np.roll(truth, number, 0) | tubes(truth.shape, rng, number, 1.3)
        found.append(Case(f"tree {number}", prediction, truth, spacing))
    return found


CASES = [*FIXED, *trees()]


def ours(name: str, case: Case, **params: float) -> float:
    cls = METRICS[name]
    pair = MaskPair(case.prediction, case.truth, case.spacing)
    return cls(cls.Params(**params)).score(pair).value


def check(name: str, theirs: float, case: Case, rtol: float = 1e-9, **params: float) -> None:
    value = ours(name, case, **params)
    assert value == pytest.approx(theirs, rel=rtol, abs=rtol), f"{name} of {case.name}"


class TestMonai:
    """MONAI computes in single precision."""

    @pytest.fixture(autouse=True)
    def monai(self):
        return pytest.importorskip("monai.metrics")

    def call(self, function, case: Case, **options):
        import torch

        masks = (torch.from_numpy(m[None, None].copy()) for m in (case.prediction, case.truth))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(function(*masks, include_background=True, **options))

    def check_all(self, monai, case: Case) -> None:
        for name, percentile in (("hd95", 95), ("hd", None)):
            value = self.call(
                monai.compute_hausdorff_distance,
                case,
                percentile=percentile,
                spacing=case.spacing,
            )
            # In single precision, also where between two values its percentile lies.
            check(name, value, case, rtol=1e-5 if percentile else 1e-6)
        check("dsc", self.call(monai.compute_dice, case), case, rtol=1e-6)
        value = self.call(
            monai.compute_average_surface_distance, case, symmetric=True, spacing=case.spacing
        )
        check("assd", value, case, rtol=1e-6)
        # Not a distance between two voxels, for in single precision it may fall on either side.
        tolerance = 1.03 * min(case.spacing) + 1e-3
        value = self.call(
            monai.compute_surface_dice, case, class_thresholds=[tolerance], spacing=case.spacing
        )
        check("nsd", value, case, rtol=1e-6, tolerance=tolerance)

    def test_fixed_pairs(self, monai):
        for case in CASES:
            self.check_all(monai, case)

    @given(pairs())
    @any_pair
    def test_any_pair(self, monai, case):
        self.check_all(monai, case)

    def test_surface_dice_at_other_tolerances(self, monai):
        for number, case in enumerate(CASES):
            tolerance = (0.0, 0.31, 1.07)[number % 3]
            value = self.call(
                monai.compute_surface_dice,
                case,
                class_thresholds=[tolerance],
                spacing=case.spacing,
            )
            check("nsd", value, case, rtol=1e-6, tolerance=tolerance)

    def test_an_empty_mask_is_nan_or_infinite_there_and_has_a_rule_here(self, monai):
        empty = np.zeros((3, 4, 5), bool)
        one = empty.copy()
        one[1, 1, 1] = True
        for prediction, truth, expected in ((empty, empty, 0.0), (empty, one, np.sqrt(50))):
            case = Case("empty", prediction, truth, (1.0, 1.0, 1.0))
            value = self.call(
                monai.compute_hausdorff_distance, case, percentile=95, spacing=case.spacing
            )
            assert not np.isfinite(value)
            check("hd95", expected, case)


class TestMedpy:
    """The definitions of medpy: both directions pooled."""

    @pytest.fixture(autouse=True)
    def binary(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pytest.importorskip("medpy.metric.binary")

    def check_all(self, binary, case: Case) -> None:
        spaced = (case.prediction, case.truth, case.spacing)
        check("hd95-pooled", binary.hd95(*spaced), case)
        check("hd", binary.hd(*spaced), case)
        check("assd", binary.assd(*spaced), case)
        check("dsc", binary.dc(*spaced[:2]), case)
        check("precision", binary.precision(*spaced[:2]), case)
        check("recall", binary.recall(*spaced[:2]), case)
        check("volume-error", abs(binary.ravd(*spaced[:2])), case)

    def test_fixed_pairs(self, binary):
        for case in CASES:
            self.check_all(binary, case)

    @given(pairs())
    @any_pair
    def test_any_pair(self, binary, case):
        self.check_all(binary, case)

    def test_an_empty_mask_is_an_error_there_and_has_a_rule_here(self, binary):
        empty, one = np.zeros((2, 3, 4, 5), bool)
        one[1, 1, 1] = True
        for prediction, truth in ((empty, one), (one, empty)):
            with pytest.raises(RuntimeError, match="does not contain any binary object"):
                binary.hd95(prediction, truth)
            check("hd95-pooled", np.sqrt(50), Case("empty", prediction, truth, (1.0, 1.0, 1.0)))

    def test_its_hd95_is_ours_pooled_not_the_larger_direction(self, binary):
        # The truth is a tenth far from the prediction, but few voxels beside the prediction's.
        prediction, truth = np.zeros((2, 40, 13, 13), bool)
        prediction[:13] = True
        truth[1:13:4, 1::4, 1::4] = True
        truth[39, :3, 0] = True
        case = Case("far away", prediction, truth, (1.0, 1.0, 1.0))
        theirs = binary.hd95(prediction, truth, case.spacing)
        check("hd95-pooled", theirs, case)
        assert ours("hd95", case) > 5 * theirs


class TestSimpleItk:
    """SimpleITK measures from all voxels of a mask, not from its border."""

    @pytest.fixture(autouse=True)
    def sitk(self):
        return pytest.importorskip("SimpleITK")

    def images(self, sitk, case: Case):
        for mask in (case.prediction, case.truth):
            image = sitk.GetImageFromArray(mask.astype(np.uint8))
            image.SetSpacing(case.spacing[::-1])
            yield image

    def check_all(self, sitk, case: Case) -> bool:
        """Check a pair; return whether their Hausdorff distance is ours."""
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*self.images(sitk, case))
        check("dsc", overlap.GetDiceCoefficient(), case)
        check("recall", 1 - overlap.GetFalseNegativeError(), case)
        hausdorff = sitk.HausdorffDistanceImageFilter()
        hausdorff.Execute(*self.images(sitk, case))
        # Its average is that of EvaluateSegmentation, which is built on it.
        check("avd", hausdorff.GetAverageHausdorffDistance(), case, rtol=1e-5)
        pair = MaskPair(case.prediction, case.truth, case.spacing)
        # Voxels inside of the other mask are at distance 0 there, so only the excess counts; a
        # border inside of the other mask has a distance to that one's border here.
        from_all = max(float(d.max(initial=0)) for d in pair.excess_distances)
        theirs = hausdorff.GetHausdorffDistance()
        assert from_all == pytest.approx(theirs, rel=1e-5, abs=1e-5), case.name
        return ours("hd", case) == pytest.approx(theirs, rel=1e-5)

    def test_fixed_pairs(self, sitk):
        agree = [self.check_all(sitk, case) for case in CASES]
        assert len(CASES) / 2 < sum(agree) < len(CASES)

    @given(pairs())
    @any_pair
    def test_any_pair(self, sitk, case):
        self.check_all(sitk, case)

    def test_nested_masks_differ(self, sitk):
        solid = np.ones((9, 9, 9), bool)
        core = np.zeros_like(solid)
        core[4, 4, 4] = True
        shell = solid & ~core
        hausdorff = sitk.HausdorffDistanceImageFilter()
        case = Case("core", shell, solid, (1.0, 1.0, 1.0))
        hausdorff.Execute(*self.images(sitk, case))
        # The hole's wall is a border of the shell, three voxels below the surface of the solid.
        assert hausdorff.GetHausdorffDistance() == pytest.approx(1)
        assert ours("hd", case) == pytest.approx(3)


class TestSurfaceDistance:
    """DeepMind's surface-distance weighs surface elements by area, between voxel corners."""

    @pytest.fixture(autouse=True)
    def theirs(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pytest.importorskip("surface_distance")

    def distances(self, theirs, case: Case):
        return theirs.compute_surface_distances(case.truth, case.prediction, case.spacing)

    def check_all(self, theirs, case: Case) -> None:
        check("dsc", theirs.compute_dice_coefficient(case.truth, case.prediction), case)
        # Its surface runs through voxel corners, ours through the centres of border voxels. Each
        # corner has a border voxel within half a diagonal, and the other way round; so, by the
        # triangle inequality, the Hausdorff distances are a voxel's diagonal apart at most.
        largest = theirs.compute_robust_hausdorff(self.distances(theirs, case), 100)
        diagonal = float(np.linalg.norm(case.spacing))
        assert abs(largest - ours("hd", case)) <= diagonal * (1 + 1e-6), case.name

    def test_fixed_pairs(self, theirs):
        for case in CASES:
            self.check_all(theirs, case)

    @given(pairs())
    @any_pair
    def test_any_pair(self, theirs, case):
        self.check_all(theirs, case)

    def test_it_differs_by_less_than_a_voxel_where_both_are_smooth(self, theirs):
        # Balls moved apart: both are surfaces of the same two balls, half a voxel from each other.
        grid = np.indices((30, 24, 24))
        spacing = (0.5, 0.5, 0.8)
        ball = [
            sum(((g * s - c) ** 2 for g, s, c in zip(grid, spacing, centre, strict=True)), 0.0)
            <= 16
            for centre in ((6, 6, 9), (8, 6, 9))
        ]
        case = Case("balls", *ball, spacing)
        found = self.distances(theirs, case)
        voxel = float(np.linalg.norm(spacing))
        assert ours("hd95", case) == pytest.approx(
            theirs.compute_robust_hausdorff(found, 95), abs=voxel
        )
        for tolerance in (0.5, 1.0, 2.0):
            value = theirs.compute_surface_dice_at_tolerance(found, tolerance)
            assert ours("nsd", case, tolerance=tolerance) == pytest.approx(value, abs=0.12)

    def test_one_voxel_moved_is_equal(self, theirs):
        one = np.zeros((12, 9, 9), bool)
        one[3, 4, 4] = True
        for step in (1, 2, 5):
            case = Case("moved", np.roll(one, step, 0), one, (0.5, 0.7, 0.9))
            found = self.distances(theirs, case)
            # Its surface is the eight corners around the voxel: the far four are a step away.
            assert theirs.compute_robust_hausdorff(found, 100) == pytest.approx(0.5 * step)
            check("hd", 0.5 * step, case)

    def test_its_weights_make_another_number(self, theirs):
        differ = 0
        for case in VOLUMES:
            robust = theirs.compute_robust_hausdorff(self.distances(theirs, case), 95)
            differ += abs(robust - ours("hd95", case)) > 0.01 * max(robust, ours("hd95", case))
        assert differ > len(VOLUMES) / 2
