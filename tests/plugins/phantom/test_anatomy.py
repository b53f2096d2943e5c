"""The phantom's trees, measured as traced brains are: written as SWC, read back, into the table."""

from functools import cache

import numpy as np
import pytest
from vbench_plugins.phantom import brain
from vbench_plugins.phantom.growth import Growth
from vbench_plugins.phantom.make import streams
from vbench_plugins.phantom.morphology import BRAVA, Percentiles, branches, measure
from vbench_plugins.phantom.swc import Tree, read_swc, swc_text
from vbench_plugins.phantom.tree import arteries
from vbench_plugins.phantom.veins import veins
from vbench_plugins.phantom.willis import ACA, MCA, PCA, TRUNK

BRAINS = 12


@cache
def brains() -> tuple[Tree, ...]:
    """The arteries of the first phantoms of scanner a, each in its head's own size."""
    made = []
    for index in range(BRAINS):
        shape, growth, *_ = streams((0, ord("a"), index))
        warp, tree = brain.draw_warp(shape), arteries(growth)
        made.append(Tree(warp.to_world(tree.points), tree.radius, tree.parent, tree.kind))
    return tuple(made)


def cerebral(tree: Tree) -> Tree:
    """Keep what was traced in the measured brains: anterior, middle and posterior cerebral."""
    keep = np.isin(tree.kind, (ACA, MCA, PCA))
    joined = (tree.parent >= 0) & keep[tree.parent]
    parent = np.where(joined, (np.cumsum(keep) - 1)[tree.parent], -1)
    return Tree(tree.points[keep], tree.radius[keep], parent[keep], tree.kind[keep])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Percentiles]:
    folder = tmp_path_factory.mktemp("swc")
    for index, tree in enumerate(brains()):
        (folder / f"{index}.swc").write_text(swc_text(tree))
    return measure([read_swc(path) for path in sorted(folder.iterdir())])


@pytest.mark.parametrize("quantity", BRAVA)
def test_each_median_lies_between_the_quartiles_of_traced_brains(
    table: dict[str, Percentiles], quantity: str
) -> None:
    assert BRAVA[quantity].p25 <= table[quantity].p50 <= BRAVA[quantity].p75


@pytest.mark.parametrize("quantity", BRAVA)
def test_the_middle_half_lies_between_the_outer_percentiles_of_traced_brains(
    table: dict[str, Percentiles], quantity: str
) -> None:
    assert BRAVA[quantity].p5 <= table[quantity].p25
    assert table[quantity].p75 <= BRAVA[quantity].p95


@pytest.mark.parametrize("tree", range(BRAINS))
def test_the_cerebral_arteries_of_each_brain_alone_are_within_the_outer_percentiles(
    tree: int,
) -> None:
    for quantity, found in measure([cerebral(brains()[tree])]).items():
        assert BRAVA[quantity].p5 <= found.p50 <= BRAVA[quantity].p95, quantity


def test_two_carotids_and_the_basilar_enter_at_the_base() -> None:
    for tree in brains():
        roots = tree.points[tree.parent < 0]
        assert len(roots) == 3
        assert (tree.radius[tree.parent < 0] > 1.3).all()
        assert (roots[:, 2] < np.percentile(tree.points[:, 2], 2)).all()
        left, middle, right = roots[np.argsort(roots[:, 0])]
        assert left[0] < middle[0] - 10 < middle[0] + 10 < right[0]
        # The carotids lie in front of the basilar.
        assert min(left[1], right[1]) > middle[1]
    assert 2.0 <= np.median([tree.radius.max() for tree in brains()]) <= 3.0


def test_the_circle_of_willis_is_closed_and_varies() -> None:
    whole = arteries(np.random.default_rng(0), variants=False)
    ends = [
        run.nodes
        for run in branches(whole)
        if (whole.kind[run.nodes[1:]] == TRUNK).all() and run.depth > 1
    ]
    # Communicating arteries: they spring from one vessel and end where another one is.
    closed = 0
    for nodes in ends:
        others = np.setdiff1d(np.arange(len(whole.points)), nodes)
        gap = np.linalg.norm(whole.points[others] - whole.points[nodes[-1]], axis=1)
        closed += bool(gap.min() < 1e-6)
    assert closed == 3
    trunks = {int((tree.kind == TRUNK).sum()) for tree in brains()}
    assert len(trunks) > BRAINS / 2


def test_territories_lie_where_they_do_in_brains() -> None:
    for tree in brains():
        place = {kind: tree.points[tree.kind == kind] for kind in (ACA, MCA, PCA)}
        for points in place.values():
            assert 0.3 < (points[:, 0] > 0).mean() < 0.7
        lateral = {kind: np.median(np.abs(points[:, 0])) for kind, points in place.items()}
        assert lateral[ACA] < 15 < 25 < lateral[MCA]
        behind = {kind: np.median(points[:, 1]) for kind, points in place.items()}
        assert behind[PCA] < behind[MCA] < behind[ACA]


def test_vessels_thin_out_towards_their_tips_and_stay_inside_the_head() -> None:
    for seed in range(3):
        tree = arteries(np.random.default_rng(seed))
        tips = np.setdiff1d(np.arange(len(tree.parent)), tree.parent)
        assert np.median(tree.radius[tips]) < 0.6
        assert tree.radius[tree.parent < 0].min() > 2 * np.median(tree.radius[tips])
        grown = np.isin(tree.kind, (ACA, MCA, PCA))
        # Bends carry a few nodes out of the brain mask, which cuts the label too.
        assert (brain.envelope(tree.points[grown]) < 0).mean() > 0.93


def test_a_tree_is_its_seeds_own_and_each_seed_has_another() -> None:
    first, again, other = (arteries(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.points, again.points)
    assert first.points.shape != other.points.shape or not np.allclose(first.points, other.points)
    assert (first.parent < np.arange(len(first.parent))).all()


def test_veins_are_vessels_of_their_own() -> None:
    from scipy.spatial import cKDTree

    drained = veins(np.random.default_rng(0), Growth())
    distance, _ = cKDTree(brains()[0].points).query(drained.points)
    assert np.median(distance) > 3.0
    assert 0.8 < drained.radius.max() < 4.0
