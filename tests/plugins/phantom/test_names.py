"""The phantom knows its vessels: names, values of the label map, and a second contrast."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion, center_of_mass
from vbench_plugins.phantom import names
from vbench_plugins.phantom.make import Made, make
from vbench_plugins.phantom.names import APART, CIRCLE, classes, sided, values
from vbench_plugins.phantom.render import Grid, name_voxels, paint
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.tree import ABSENT, _variants, arteries
from vbench_plugins.sources.phantom import Phantom, PhantomParams

from vbench.errors import DataError, VbenchError
from vbench.spec.check import build_params
from vbench.types import Array, Subject

#: Around the circle of Willis, coarse.
VIEW: dict[str, Any] = {
    "shape": (48, 56, 40), "spacing": (1.0, 1.0, 1.0), "centre": (0.0, 0.0, -18.0),
}  # fmt: skip


@cache
def made(**params: Any) -> Made:
    chosen = PhantomParams(**{**VIEW, **params})
    return make(chosen, chosen.resolved(), (chosen.seed, 97, 0))


def touching(label: Array) -> set[tuple[int, int]]:
    """Pairs of values, the smaller first, that share at least a corner."""
    padded = np.pad(label.astype(int), 1)
    found: set[tuple[int, int]] = set()
    for step in np.ndindex(3, 3, 3):
        shifted = np.roll(padded, [n - 1 for n in step], (0, 1, 2))
        apart = (padded > shifted) & (shifted > 0)
        found |= set(zip(shifted[apart].tolist(), padded[apart].tolist(), strict=True))
    return found


# Names and values


def test_the_circle_has_the_values_of_topcow() -> None:
    # As in the evaluation code of TopCoW 2024 (constants.py), where 13 and 14 stand for nothing.
    assert dict(CIRCLE) == {
        "BA": 1, "R-PCA": 2, "L-PCA": 3, "R-ICA": 4, "R-MCA": 5, "L-ICA": 6, "L-MCA": 7,
        "R-Pcom": 8, "L-Pcom": 9, "Acom": 10, "R-ACA": 11, "L-ACA": 12, "3rd-A2": 15,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("apart", "last"),
    [
        ((), {"vessel": 1}),
        (("veins",), {"artery": 1, "vein": 2}),
        (("aneurysm",), {"artery": 1, "aneurysm": 2}),
        (("aneurysm", "veins"), {"artery": 1, "vein": 2, "aneurysm": 3}),
        (("circle",), {**CIRCLE, "other": 16}),
        (("veins", "circle"), {**CIRCLE, "other": 16, "vein": 17}),
        (APART, {**CIRCLE, "other": 16, "vein": 17, "aneurysm": 18}),
    ],
)
def test_a_class_more_takes_the_next_value_whatever_the_order(
    apart: tuple[names.Apart, ...], last: dict[str, int]
) -> None:
    assert classes(apart) == classes(apart[::-1]) == last
    assert list(classes(apart).values()) == sorted(classes(apart).values())


def test_what_lies_in_the_middle_has_no_side() -> None:
    assert [sided(name, 1) for name in ("BA", "Acom", "3rd-A2")] == ["BA", "Acom", "3rd-A2"]
    assert (sided("PCA", 1), sided("SCA", -1)) == ("R-PCA", "L-SCA")


def test_a_sac_belongs_to_its_vessel_unless_aneurysms_are_told_apart() -> None:
    vessel, sac = np.array(["R-ICA", "R-ICA", "L-SCA"]), np.array([False, True, False])
    assert values(vessel, ("circle",), sac).tolist() == [4, 4, 16]
    assert values(vessel, ("circle", "aneurysm"), sac).tolist() == [4, 17, 16]
    assert values(vessel, ("veins",), sac).tolist() == [1, 1, 1]


# The tree


def test_every_branch_has_a_name_and_carries_it_on_from_its_trunk() -> None:
    tree = arteries(np.random.default_rng(3))
    assert tree.vessel is not None
    assert not (tree.vessel == "").any()
    child = np.flatnonzero(tree.parent >= 0)
    pairs = set(zip(tree.vessel[tree.parent[child]], tree.vessel[child], strict=True))
    changes = {(str(up), str(down)) for up, down in pairs if up != down}
    allowed = {("BA", f"{s}-{v}") for s in "RL" for v in ("PCA", "SCA", "AICA")}
    allowed |= {
        (f"{s}-ICA", f"{s}-{v}") for s in "RL" for v in ("MCA", "ACA", "Pcom", "OA", "AChA")
    }
    assert changes <= allowed | {("R-ACA", "Acom")}
    # Right is where x grows.
    for name, side in (("MCA", 1), ("PCA", 1), ("ICA", 1), ("MCA", -1), ("ACA", -1)):
        assert np.sign(tree.points[tree.vessel == sided(name, side), 0].mean()) == side


def test_communicating_arteries_are_absent_in_a_share_of_heads() -> None:
    rng = np.random.default_rng(0)
    drawn = [_variants(rng) for _ in range(2000)]
    pcom = np.mean([sizes.get(("pcom", 1), 1.0) < ABSENT for sizes in drawn])
    acom = np.mean([sizes["acom", 1] < ABSENT for sizes in drawn])
    # Missing in MRA: Pcom 10 to 40 % a side, Acom 3 to 15 % (Krabbe-Hartkamp 1998, and others).
    assert 0.10 < pcom < 0.40
    assert 0.03 < acom < 0.15


def test_a_third_a2_changes_nothing_else() -> None:
    usual = arteries(np.random.default_rng(3))
    third = arteries(np.random.default_rng(3), third=np.random.default_rng(0))
    assert usual.vessel is not None
    assert third.vessel is not None
    count = len(usual.radius)
    np.testing.assert_array_equal(third.points[:count], usual.points)
    assert "Acom" in usual.vessel
    assert set(third.vessel[count:]) == {"3rd-A2"}
    assert third.vessel[third.parent[count]] == "Acom"


# The label map


def test_the_map_is_the_label_with_names() -> None:
    plain, named = made(), made(classes=("circle",))
    assert plain.label.dtype == np.bool_
    assert named.label.dtype == np.uint8
    np.testing.assert_array_equal(named.label > 0, plain.label)
    np.testing.assert_array_equal(named.image, plain.image)
    assert set(np.unique(named.label)) <= {0, *classes(("circle",)).values()}
    assert "vessel" not in plain.truth["tree"]
    assert set(named.truth["tree"]["vessel"]) >= set(CIRCLE) - {
        "R-Pcom",
        "L-Pcom",
        "Acom",
        "3rd-A2",
    }


def test_vessels_of_the_circle_touch_whom_they_should() -> None:
    pairs = touching(made(classes=("circle",)).label)
    known = CIRCLE
    for one, other in (
        ("BA", "R-PCA"), ("BA", "L-PCA"), ("R-ICA", "R-MCA"), ("L-ICA", "L-MCA"),
        ("R-ICA", "R-ACA"), ("L-ICA", "L-ACA"),
    ):  # fmt: skip
        assert (known[one], known[other]) in pairs or (known[other], known[one]) in pairs
    for one, other in (("R-PCA", "L-PCA"), ("R-ICA", "L-ICA"), ("R-MCA", "L-MCA"), ("BA", "R-ICA")):
        assert (known[one], known[other]) not in pairs


def test_left_and_right_lie_where_the_affine_says() -> None:
    head = made(classes=("circle",))
    for vessel in ("ICA", "MCA", "PCA"):
        right, left = (
            head.grid.affine[0] @ [*center_of_mass(head.label == CIRCLE[f"{side}-{vessel}"]), 1.0]
            for side in "RL"
        )
        assert right > 0 > left


def test_veins_are_a_class_of_their_own_and_lie_under_arteries() -> None:
    plain, apart = made(), made(classes=("veins",))
    known = classes(("veins",))
    np.testing.assert_array_equal(apart.label == known["artery"], plain.label)
    assert (apart.label == known["vein"]).sum() > 100
    np.testing.assert_array_equal(apart.image, plain.image)
    with_circle = made(classes=("circle", "veins")).label
    np.testing.assert_array_equal(with_circle == 17, apart.label == known["vein"])


def test_an_aneurysm_may_have_a_class_of_its_own() -> None:
    whole = made(aneurysm=True, classes=("circle",)).label
    apart = made(aneurysm=True, classes=("circle", "aneurysm")).label
    np.testing.assert_array_equal(whole > 0, apart > 0)
    sac = apart == 17
    assert sac.sum() > 10
    np.testing.assert_array_equal(whole[~sac], apart[~sac])


def test_without_a_mask_labels_outside_of_the_brain_stay() -> None:
    masked, whole = made(classes=("circle",)), made(classes=("circle",), masked=False)
    inside = masked.mask
    np.testing.assert_array_equal(masked.label[inside], whole.label[inside])
    assert not masked.label[~inside].any()


# Voxels


def test_a_place_in_two_vessels_belongs_to_the_one_upstream_and_a_voxel_to_the_larger_share() -> (
    None
):
    # A trunk along z, and a branch that leaves it along x.
    points = np.array([[0, 0, -8.0], [0, 0, 8.0], [0, 0, 0.0], [8.0, 0, 0]])
    tree = Tree(points, np.array([2.0, 2.0, 1.0, 1.0]), np.array([-1, 0, -1, 2]), np.zeros(4, int))
    grid = Grid((24, 12, 24), (0.75, 0.75, 0.75), (-8.6, -4.1, -8.6))
    named = name_voxels(tree, np.array([1, 1, 2, 2], np.uint8), grid)
    fraction = paint(tree, np.ones(4), grid).fraction
    np.testing.assert_array_equal(named > 0, fraction > 0)
    x, y, z = np.meshgrid(*grid.axes(), indexing="ij")
    assert (named[(np.hypot(x, y) < 1.3) & (abs(z) < 7)] == 1).all()
    assert (named[(np.hypot(y, z) < 0.4) & (x > 2.6) & (x < 8)] == 2).all()


def test_of_two_that_fill_a_voxel_equally_the_smaller_value_has_it() -> None:
    grid = Grid((3, 3, 3), (1.0, 1.0, 1.0), (-1.0, -1.0, -1.0))
    for pair in ((3, 7), (7, 3)):
        points = np.array([[-0.5, 0, -2.0], [-0.5, 0, 2.0], [0.5, 0, -2.0], [0.5, 0, 2.0]])
        tree = Tree(points, np.full(4, 0.45), np.array([-1, 0, -1, 2]), np.zeros(4, int))
        value = np.repeat(np.array(pair, np.uint8), 2)
        assert name_voxels(tree, value, grid)[1, 1, 1] == 3


def test_a_tree_that_is_nowhere_names_nothing() -> None:
    grid = Grid((3, 3, 3), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    assert not name_voxels(Tree.empty(), np.zeros(0, np.uint8), grid).any()
    far = Tree(np.full((2, 3), 90.0), np.ones(2), np.array([-1, 0]), np.zeros(2, int))
    assert not name_voxels(far, np.ones(2, np.uint8), grid).any()


# The second channel


def test_t1_shows_the_same_head_with_black_blood() -> None:
    plain, both = made(), made(t1=True)
    np.testing.assert_array_equal(both.image, plain.image)
    assert plain.t1 is None
    assert both.t1 is not None
    assert both.t1.shape == both.image.shape
    assert both.t1.dtype == np.float32
    assert both.t1.min() >= 0
    core = binary_erosion(both.label)
    brain = both.mask & (both.image < np.percentile(both.image[both.mask], 60))
    # The vessels are the brightest of the one, and the darkest of the other.
    assert np.median(both.image[core]) > 2 * np.median(both.image[brain])
    assert np.median(both.t1[core]) < 0.6 * np.median(both.t1[brain])
    # The same folds: fluid is dark in both, white matter bright.
    still = made(t1=True, noise=0.0, bias=0.0, ghost=0.0, veins=False)
    assert still.t1 is not None
    inner = brain & ~binary_dilation(still.label, iterations=3)
    assert np.corrcoef(still.t1[inner], still.image[inner])[0, 1] > 0.8


# The data source's parameters


def test_unused_a_new_parameter_is_no_part_of_what_a_phantom_is() -> None:
    later = {"classes", "t1", "third_a2"}
    assert not later & set(PhantomParams().model_dump())
    assert not later & set(PhantomParams(t1=False, classes=()).model_dump(mode="json"))
    assert PhantomParams(t1=True).model_dump()["t1"] is True
    assert PhantomParams(classes=["circle"]).model_dump(mode="json")["classes"] == ["circle"]
    kinds: tuple[dict[str, Any], ...] = (
        {}, {"t1": True}, {"classes": ("circle",)}, {"third_a2": 0.5}, {"classes": ("veins",)},
    )  # fmt: skip
    prints = {Phantom(PhantomParams(**kind)).fingerprint("phantom-a-000") for kind in kinds}
    assert len(prints) == len(kinds)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"classes": ["veins"], "veins": False}, "classes names veins, .* set veins = true"),
        ({"classes": ["aneurysm"]}, "classes names aneurysm, .* set aneurysm = true"),
        ({"classes": ["circle", "circle"]}, "classes names one twice"),
        ({"classes": ["arteries"]}, "classes"),
        ({"third_a2": 1.5}, "third_a2"),
    ],
)
def test_classes_that_cannot_be_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(VbenchError, match=message):
        build_params(PhantomParams, params, "data.source")


# As a data source


def subject(**params: Any) -> Subject:
    source = Phantom(PhantomParams(**{**VIEW, **params}))
    if params.get("t1"):
        source.channel_names = ("TOF", "T1")
    return source.load("phantom-a-000")


def test_a_subject_carries_the_values_beside_where_any_class_is() -> None:
    plain, named = subject(), subject(classes=("circle", "veins"))
    assert plain.values is None
    assert plain.image.ndim == 3
    assert named.values is not None
    assert named.label.dtype == np.bool_
    np.testing.assert_array_equal(named.label, named.values > 0)
    np.testing.assert_array_equal((named.values > 0) & (named.values < 17), plain.label)


def test_a_spec_may_ask_the_phantom_for_its_classes() -> None:
    known = Phantom(PhantomParams(classes=("circle", "veins"))).known_labels()
    assert known is not None
    assert known.names == (*CIRCLE, "other", "vein")
    assert known.written == (*CIRCLE.values(), 16, 17)
    assert Phantom(PhantomParams()).known_labels() is None


def test_two_named_channels_are_tof_and_t1() -> None:
    both = subject(t1=True)
    assert both.image.shape == (2, *VIEW["shape"])
    np.testing.assert_array_equal(both.image[0], subject().image)
    one = Phantom(PhantomParams(**VIEW, t1=True)).load("phantom-a-000")
    assert one.image.ndim == 3


def test_channels_that_there_are_not_are_refused() -> None:
    source = Phantom(PhantomParams())
    source.channel_names = ("TOF", "T1")
    with pytest.raises(DataError, match=r"channels names 2: TOF, T1; .* set t1 = true"):
        source.subjects(1)
    source = Phantom(PhantomParams(t1=True))
    source.channel_names = ("TOF", "T1", "T2")
    with pytest.raises(DataError, match=r"channels names 3: TOF, T1, T2; the phantom has"):
        source.subjects(1)
