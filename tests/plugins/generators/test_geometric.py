import numpy as np
import pytest
from vbench_plugins.generators.geometric import Geometric, _fill, _vessel
from vbench_plugins.nn.seeding import SAMPLE, numpy_rng

from vbench.types import Setup


def sample(size: tuple[int, ...], n: int = 30, **given: float) -> np.ndarray:
    return Geometric(Geometric.Params(**given), Setup(size)).sample(n, seed=0)


@pytest.mark.parametrize("size", [(16, 16, 16), (24, 24, 8), (32, 32)])
def test_patches_hold_vessels_brighter_than_their_surroundings(size: tuple[int, ...]) -> None:
    made = sample(size, veins=0)
    image, label = made[:, 0], made[:, 1] > 0
    assert 0.005 < label.mean() < 0.3
    assert image[label].mean() > image[~label].mean() + 0.3


def test_no_vessels_no_labels() -> None:
    assert not sample((12, 12, 12), vessels=0, n=10)[:, 1].any()


def test_veins_are_seen_but_not_labelled() -> None:
    bare, veined = (
        sample((12, 12, 12), vessels=0, veins=veins, n=10, border=0) for veins in (0, 5)
    )
    assert not veined[:, 1].any()
    assert veined[:, 0].mean() > bare[:, 0].mean()


def test_a_vessel_fills_what_lies_within_its_radius() -> None:
    line = np.stack([np.full(41, 8.0), np.full(41, 8.0), np.linspace(-2, 18, 41)], axis=1)
    parts = np.zeros(41, int)
    filled, _ = _fill((line, np.full(41, 3.0), parts), (16, 16, 16))
    assert (filled > 0.5).sum() / 16 == pytest.approx(np.pi * 9, rel=0.15)
    assert not _fill((line + 100, np.full(41, 3.0), parts), (16, 16, 16))[0].any()


def test_wider_spread_gives_wider_and_thinner_vessels() -> None:
    def radii(spread: float) -> list[float]:
        p = Geometric.Params(radius_spread=spread, branching=0)
        return [_vessel(p, (8, 8, 8), numpy_rng(i, SAMPLE))[1][0] for i in range(200)]

    assert np.std(np.log(radii(0.6))) == pytest.approx(0.6, rel=0.2)
    assert np.median(radii(0.1)) == pytest.approx(1.0, rel=0.05)
