"""Disease is where the truth says, in the label and in the image."""

from typing import Any

import numpy as np
import pytest
from vbench_plugins.phantom import pathology
from vbench_plugins.phantom.pathology import ANEURYSM
from vbench_plugins.phantom.render import Grid
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.tissue import add_clots
from vbench_plugins.phantom.tree import arteries
from vbench_plugins.sources.phantom import Phantom

from vbench.types import Subject

GRID = Grid((100, 120, 80), (0.8, 0.8, 0.8), (-40.0, -50.0, -50.0))


@pytest.fixture(scope="module")
def tree() -> Tree:
    return arteries(np.random.default_rng(0))


def phantom(scanner: str = "a", index: int = 0, **params: Any) -> Subject:
    settings = {"scanner": scanner, "shape": (64, 72, 48), **params}
    return Phantom(Phantom.Params(**settings)).load(f"phantom-{scanner}-{index:03d}")


def findings(subject: Subject) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = subject.notes["truth"]["findings"]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_stenosis_narrows_its_vessel_by_its_severity_and_slows_it(tree: Tree, seed: int) -> None:
    sick = pathology.healthy(tree)
    pathology.stenose(np.random.default_rng(seed), sick, GRID, 1)
    (found,) = sick.findings
    ratio = sick.tree.radius / tree.radius
    node = int(np.argmin(ratio))
    assert ratio[node] == pytest.approx(1 - found["severity"], abs=1e-3)
    np.testing.assert_allclose(tree.points[node], found["at_mm"], atol=0.01)
    assert sick.flow[node] == pytest.approx(1 - 0.6 * found["severity"], abs=1e-3)
    far = np.linalg.norm(tree.points - tree.points[node], axis=1) > 9
    np.testing.assert_allclose(ratio[far], 1)
    np.testing.assert_allclose(sick.flow[far], 1)
    np.testing.assert_array_equal(sick.tree.points, tree.points)


def test_an_occlusion_takes_all_that_lies_behind_it_and_nothing_else(tree: Tree) -> None:
    sick = pathology.healthy(tree)
    pathology.occlude(np.random.default_rng(1), sick, GRID)
    kept = sick.tree
    assert 0 < len(kept.points) < len(tree.points)
    node = int(np.argmin(np.linalg.norm(tree.points - sick.findings[0]["at_mm"], axis=1)))
    here = {tuple(point) for point in kept.points}
    gone = np.array([tuple(point) not in here for point in tree.points])
    assert gone[node]
    for index in np.flatnonzero(gone):
        assert index == node or gone[tree.parent[index]]
    # Those that stay keep their parents.
    place = {tuple(point): index for index, point in enumerate(tree.points)}
    for index in range(0, len(kept.points), 97):
        before = tree.parent[place[tuple(kept.points[index])]]
        if before >= 0:
            np.testing.assert_array_equal(kept.points[kept.parent[index]], tree.points[before])


def test_an_aneurysm_is_a_sac_at_a_fork_of_a_thick_vessel(tree: Tree) -> None:
    sick = pathology.healthy(tree)
    pathology.bulge(np.random.default_rng(2), sick, GRID)
    (found,) = sick.findings
    sac = sick.tree.kind == ANEURYSM
    assert sac.sum() == 2
    assert sick.tree.radius[-1] == pytest.approx(found["radius_mm"], abs=0.01)
    assert 1.8 <= found["radius_mm"] <= 4.0
    gap = np.linalg.norm(sick.tree.points[-1] - found["at_mm"])
    assert found["radius_mm"] < gap + 0.05 < 2 * found["radius_mm"] + 3
    np.testing.assert_array_equal(sick.tree.points[:-2], tree.points)


def test_a_field_of_view_without_vessels_has_no_disease(tree: Tree) -> None:
    nowhere = Grid((8, 8, 8), (1.0, 1.0, 1.0), (300.0, 0.0, 0.0))
    sick = pathology.healthy(tree)
    for disease in (pathology.occlude, pathology.bulge):
        disease(np.random.default_rng(0), sick, nowhere)
    pathology.stenose(np.random.default_rng(0), sick, nowhere, 3)
    assert sick.findings == []
    np.testing.assert_array_equal(sick.tree.radius, tree.radius)


def test_what_is_occluded_is_neither_seen_nor_labelled() -> None:
    whole, cut = phantom(noise=0.0), phantom(noise=0.0, occlusion=True)
    assert [found["kind"] for found in findings(cut)] == ["occlusion"]
    lost = np.asarray(whole.label) & ~np.asarray(cut.label)
    assert lost.any()
    assert not (np.asarray(cut.label) & ~np.asarray(whole.label)).any()
    assert np.asarray(cut.image)[lost].mean() < 0.7 * np.asarray(whole.image)[lost].mean()


def test_an_aneurysm_is_seen_and_labelled() -> None:
    whole, sick = phantom(noise=0.0), phantom(noise=0.0, aneurysm=True)
    added = np.asarray(sick.label) & ~np.asarray(whole.label)
    (found,) = findings(sick)
    assert found["kind"] == "aneurysm"
    volume = added.sum() * np.prod(sick.spacing)
    # Some of the sac lies within the vessel that it springs from.
    assert 0.4 < volume / (4 / 3 * np.pi * found["radius_mm"] ** 3) < 1.2
    assert np.asarray(sick.image)[added].mean() > 1.5 * np.asarray(whole.image)[added].mean()


def test_the_second_scanner_sees_stenoses_and_the_first_none() -> None:
    kinds = [f["kind"] for i in range(6) for f in findings(phantom("b", i))]
    assert 1 <= kinds.count("stenosis") <= 20
    assert set(kinds) == {"stenosis"}
    assert findings(phantom()) == []


def test_clots_are_bright_and_not_labelled() -> None:
    head = np.full((60, 60, 60), 100, np.float32)
    grid = Grid((60, 60, 60), (0.8, 0.8, 0.8), (0.0, 0.0, 0.0))
    add_clots(np.random.default_rng(0), head, grid, 3)
    assert head.min() == 100
    assert 150 <= head.max() <= 260
    assert 0.0005 < (head > 120).mean() < 0.05
    clear, bled = phantom(bleeds=0.0), phantom(bleeds=6.0)
    np.testing.assert_array_equal(clear.label, bled.label)
    assert (np.asarray(bled.image) - clear.image).max() > 40
