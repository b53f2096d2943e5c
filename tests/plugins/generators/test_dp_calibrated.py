"""dp-calibrated: what one patient can change, what the budget says, and what is found for it."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm
from vbench_plugins.generators.dp_calibrated import DpCalibrated
from vbench_plugins.generators.geometric import Geometric, draw
from vbench_plugins.generators.patient_summary import (
    LIMITS,
    longest,
    private_mean,
    share_of,
    summary,
)
from vbench_plugins.generators.virtual_patients import SETTINGS, Search, find, settings

from vbench.data.patches import ArrayPatches
from vbench.errors import DataError
from vbench.layout import image_of, join_patches, label_of
from vbench.testing import GeneratorSuite, ToyPatches
from vbench.types import Setup

SIZE = (8, 8, 8)
SETUP = Setup(SIZE)
installed = pytest.mark.skipif(
    importlib.util.find_spec("dp_accounting") is None, reason="needs the extra `dp`"
)


@installed
class TestDpCalibrated(GeneratorSuite):
    plugin = DpCalibrated


def method(**given: Any) -> DpCalibrated:
    return DpCalibrated(DpCalibrated.Params(**{**DpCalibrated.tiny, **given}), SETUP)


def patient(image: float, label: float, n: int = 3) -> Any:
    return join_patches(np.full((n, *SIZE), image), np.full((n, *SIZE), label))


STRANGE = [
    patient(image, label) for image in (-1.0, 0.3, 1.0, 1e9, np.inf, np.nan) for label in (0.0, 1.0)
]


@pytest.mark.parametrize("patches", STRANGE)
def test_no_patient_adds_more_than_the_longest_share(patches: Any) -> None:
    share = share_of(patches)
    assert np.isfinite(share).all()
    assert np.linalg.norm(share) <= longest()
    assert share[-1] > 0


def test_a_patient_without_vessels_says_nothing_of_vessels() -> None:
    found = dict(zip(LIMITS, summary(patient(0.0, 0.0)), strict=True))
    assert found["vessel, root of the median"] == 0.5
    assert found["vessel, root of the share of voxels"] == 0


def test_how_many_patches_a_patient_gives_does_not_count() -> None:
    drawn = Geometric(Geometric.Params(), SETUP).sample(20, seed=0)
    assert np.allclose(share_of(drawn), share_of(np.concatenate([drawn, drawn])), atol=1e-3)


def of_patients(*patients: Any) -> ArrayPatches:
    array = np.concatenate(patients)
    owner = np.repeat(np.arange(len(patients), dtype=np.int32), [len(p) for p in patients])
    return ArrayPatches(image_of(array), label_of(array), subject_index=owner)


def test_without_noise_it_is_the_mean_of_patients() -> None:
    each = [Geometric(Geometric.Params(), SETUP).sample(5, seed=seed) for seed in range(3)]
    mean = private_mean(of_patients(*each), 0.0, np.random.default_rng(0))
    assert np.allclose(mean, np.mean([summary(own) for own in each], axis=0))


def test_the_noise_is_as_large_as_it_says() -> None:
    patches = of_patients(*[Geometric(Geometric.Params(), SETUP).sample(2, seed=s) for s in (0, 1)])

    class Drawn(np.random.Generator):
        def __init__(self, row: int) -> None:
            super().__init__(np.random.PCG64(0))
            self.row = row

        def standard_normal(self, *_: Any, **__: Any) -> Any:
            drawn = np.zeros(len(LIMITS) + 1)
            drawn[self.row] = 1
            return drawn

    middle = list(LIMITS).index("vessel, share of voxels at its border")
    plain = private_mean(patches, 0.0, np.random.default_rng(0))
    moved = private_mean(patches, 0.01, Drawn(middle))
    assert moved[middle] - plain[middle] == pytest.approx(0.01 * longest() / 2)


@installed
@pytest.mark.parametrize("epsilon", [0.5, 1.0, 5.0])
def test_epsilon_is_that_of_a_gaussian_mechanism_in_closed_form(epsilon: float) -> None:
    found = method(epsilon=epsilon, delta=1e-3).guarantee()
    assert found is not None
    assert found["unit"] == "patient"
    assert found["epsilon"] == pytest.approx(epsilon, rel=1e-3)
    far = 1 / found["noise"]  # Balle and Wang 2018, theorem 8
    delta = norm.cdf(far / 2 - epsilon / far) - np.exp(epsilon) * norm.cdf(-far / 2 - epsilon / far)
    assert delta == pytest.approx(1e-3, rel=1e-2)


@installed
def test_without_noise_there_is_no_guarantee() -> None:
    assert method(noise=0.0).guarantee() is None


@installed
def test_a_delta_that_gives_a_patient_away_is_refused() -> None:
    with pytest.raises(DataError, match=r"delta = 0\.5 for 2 patients"):
        list(method(delta=0.5).fit(of_patients(patient(0, 0), patient(0, 1)), seed=0))


@installed
def test_more_settings_kept_than_tried_are_refused() -> None:
    with pytest.raises(ValueError, match="kept = 3 of candidates = 2"):
        method(kept=3)


@installed
def test_the_search_knows_the_private_mean_only() -> None:
    kept = []
    for seed in (0, 1):
        fitted = method(noise=0.0)
        list(fitted.fit(ToyPatches(SIZE, n=8, seed=5), seed=seed))
        kept.append(fitted.weights())
    assert np.array_equal(kept[0]["points"], kept[1]["points"])


def test_the_search_comes_nearer_to_what_was_asked_for() -> None:
    def seen(point: Any, seed: int) -> Any:
        return summary(
            np.stack([draw(settings(point), Setup(SIZE), rng(seed, i)) for i in range(20)])
        )

    def rng(*seed: int) -> np.random.Generator:
        return np.random.default_rng(seed)

    wanted = seen(np.full(SETTINGS, 0.3), 1)
    far = [
        np.median([np.linalg.norm(seen(point, 2) - wanted) for point in found])
        for found in (find(wanted, SIZE, Search(rounds, 20, 4, 5), 0) for rounds in (1, 3))
    ]
    assert far[1] < far[0]
