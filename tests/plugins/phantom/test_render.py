"""True partial volume: what is painted is what the geometry holds, whatever the voxels."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from searching import examples
from vbench_plugins.phantom.render import Grid, Painted, paint
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.tree import arteries

SPACINGS = [(0.25, 0.25, 0.25), (0.5, 0.5, 0.5), (0.5, 0.5, 0.7), (0.4, 0.9, 0.6), (1.0, 1.0, 1.0)]
Place = tuple[float, float, float]


def grid(spacing: Sequence[float], extent: float = 16.0, at: Sequence[float] = (0, 0, 0)) -> Grid:
    """Cover a cube around ``at``."""
    shape = tuple(int(np.ceil(extent / s)) + 2 for s in spacing)
    origin = tuple(c - (n - 1) * s / 2 for c, n, s in zip(at, shape, spacing, strict=True))
    return Grid(shape, tuple(spacing), origin)  # type: ignore[arg-type]


def line(a: Place, b: Place, radius: float) -> Tree:
    return Tree(np.array([a, b]), np.full(2, radius), np.array([-1, 0]), np.zeros(2, int))


def capsule(length: float, radius: float) -> float:
    """Volume of a cylinder with round ends."""
    return np.pi * radius**2 * length + 4 / 3 * np.pi * radius**3


def volume(painted: Painted, where: Grid) -> float:
    return float(painted.fraction.sum(dtype=np.float64) * np.prod(where.spacing))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("radius", [0.4, 0.8, 2.0])
def test_a_vessel_fills_its_analytic_volume_at_any_spacing(spacing: Place, radius: float) -> None:
    a, b = (-3.1, -2.3, -4.2), (2.7, 3.4, 3.9)
    where = grid(spacing)
    painted = paint(line(a, b, radius), np.ones(2), where)
    truth = capsule(float(np.linalg.norm(np.subtract(a, b))), radius)
    assert volume(painted, where) == pytest.approx(truth, rel=0.02)


@settings(max_examples=examples(25), deadline=None)
@given(
    shift=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 1.2)] * 3),
)
def test_the_volume_does_not_depend_on_where_the_voxels_lie(shift: Place, spacing: Place) -> None:
    where = grid(spacing, at=shift)
    painted = paint(line((-4.0, -1.0, 0.3), (3.0, 2.0, 2.5), 0.9), np.ones(2), where)
    truth = capsule(float(np.linalg.norm([7.0, 3.0, 2.2])), 0.9)
    assert volume(painted, where) == pytest.approx(truth, rel=0.03)


def test_a_whole_tree_has_one_volume_at_every_spacing() -> None:
    tree = arteries(np.random.default_rng(3))
    at = (0.0, 0.0, -15.0)
    found = []
    for spacing in ((0.4, 0.4, 0.4), (0.5, 0.5, 0.8), (0.8, 0.8, 0.8), (1.0, 1.0, 1.6)):
        # The same box for all: a whole number of each one's voxels.
        shape = tuple(round(48 / s) for s in spacing)
        origin = tuple(c - 24 + s / 2 for c, s in zip(at, spacing, strict=True))
        where = Grid(shape, spacing, origin)  # type: ignore[arg-type]
        found.append(volume(paint(tree, np.ones(len(tree.radius)), where), where))
    assert np.ptp(found) < 0.01 * np.mean(found)


def test_each_voxel_holds_its_own_share() -> None:
    # A wall at x = 0.4: of a voxel from 0 to 1 this share, to its left all, to its right nothing.
    where = Grid((4, 3, 3), (1.0, 1.0, 1.0), (-1.5, -1.0, -1.0))
    painted = paint(line((-99.6, 0, -0.01), (-99.6, 0, 0.01), 100.0), np.ones(2), where)
    np.testing.assert_allclose(painted.fraction[:, 1, 1], [1, 1, 0.4, 0], atol=0.01)
    assert painted.fraction.min() >= 0
    assert painted.fraction.max() <= 1


def test_overlapping_vessels_fill_a_voxel_once() -> None:
    one = line((-3, 0, 0), (3, 0, 0), 1.0)
    twice = Tree(
        np.concatenate([one.points, one.points]),
        np.full(4, 1.0),
        np.array([-1, 0, -1, 2]),
        np.zeros(4, int),
    )
    where = grid((0.5, 0.5, 0.5))
    single, double = paint(one, np.ones(2), where), paint(twice, np.ones(4), where)
    np.testing.assert_array_equal(single.fraction, double.fraction)


def test_a_label_of_half_voxels_keeps_the_volume_of_a_vessel_of_many_voxels() -> None:
    where = grid((0.5, 0.5, 0.7))
    painted = paint(line((-3.1, -2.3, -4.2), (2.7, 3.4, 3.9), 2.0), np.ones(2), where)
    label = (painted.fraction >= 0.5).sum() * np.prod(where.spacing)
    assert label == pytest.approx(volume(painted, where), rel=0.02)


def test_flow_is_laminar_and_the_signal_shares_the_voxel() -> None:
    where = Grid((41, 3, 3), (0.1, 0.1, 0.1), (-2.0, -0.1, -0.1))
    painted = paint(line((0, 0, -9), (0, 0, 9), 1.5), np.full(2, 100.0), where)
    own = painted.signal[:, 1, 1] / np.maximum(painted.fraction[:, 1, 1], 1e-6)
    assert own[20] == pytest.approx(100, abs=1)
    assert own[20 + 14] == pytest.approx(100 * (1 - 0.3 * (1.4 / 1.5) ** 2), abs=1.5)
    assert painted.signal[0, 1, 1] == 0


def test_outside_of_the_grid_there_is_nothing() -> None:
    where = grid((1.0, 1.0, 1.0), extent=4.0)
    by = (where.axes()[0][0] - 0.5 - 0.7, where.axes()[1][0] - 0.5 - 0.7, 0.0)
    # Far away; and past an edge of the grid, which only the box around the vessel reaches.
    for tree in (line((50, 0, 0), (60, 0, 0), 1.0), line(by, (*by[:2], 1.0), 0.9)):
        painted = paint(tree, np.ones(2), where)
        assert not painted.fraction.any()
        assert not painted.signal.any()
