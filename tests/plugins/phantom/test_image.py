"""Each effect of the image does what its parameter says, and nothing else."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter
from vbench_plugins.phantom.blood import blood_signal
from vbench_plugins.phantom.render import Grid
from vbench_plugins.phantom.scanners import SCANNERS, Scanner, vary
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.sources.phantom import Phantom

from vbench.types import Array, Subject

SHAPE = (56, 64, 40)
#: An image without what makes the others hard to see.
CLEAN: dict[str, Any] = {
    "variation": 0.0, "noise": 0.0, "bias": 0.0, "ghost": 0.0, "seam": 0.0, "blur": 0.0,
    "saturation": 0.0, "scatter": 0.0, "turbulence": 0.0, "slow": 0.0, "stenoses": 0.0,
    "bleeds": 0.0, "inflow": 1e9, "veins": False,
}  # fmt: skip


@cache
def phantom(**params: Any) -> Subject:
    settings = {"shape": SHAPE, "spacing": (0.8, 0.8, 0.8), **params}
    return Phantom(Phantom.Params(**settings)).load(f"phantom-{params.get('scanner', 'a')}-000")


def clean(**params: Any) -> Subject:
    return phantom(**{**CLEAN, **params})


def core(subject: Subject) -> Array:
    """The inside of thick vessels: no partial volume."""
    return binary_erosion(np.asarray(subject.label), iterations=1)


def straight(radius: float, length: float = 100.0) -> Tree:
    """A vessel that rises from z = 0."""
    z = np.arange(0.0, length, 1.0)
    points = np.stack([np.zeros_like(z), np.zeros_like(z), z], axis=1)
    return Tree(points, np.full(len(z), radius), np.arange(len(z)) - 1, np.zeros(len(z), int))


def along(tree: Tree, **values: float) -> Array:
    """The blood's signal along a tree for a scanner without any effect but these."""
    none = {name: value for name, value in CLEAN.items() if name != "veins"}
    scanner = Scanner(**{**vars(SCANNERS["a"]), **none, "blood": 900.0, "grey": 100.0, **values})
    grid = Grid((4, 4, 100), (1.0, 1.0, 1.0), (-2.0, -2.0, 0.0))
    rng = np.random.default_rng(0)
    return blood_signal(rng, tree, np.ones(len(tree.radius)), grid, scanner)


# What the blood does


def test_without_effects_blood_is_as_bright_as_the_scanner_says() -> None:
    np.testing.assert_allclose(along(straight(2.0)), 900.0)


def test_saturation_takes_its_share_from_the_bottom_to_the_top_of_each_slab() -> None:
    signal = along(straight(2.0), saturation=0.4, slab=50.0)
    assert signal[[0, 50]] == pytest.approx(900)
    assert signal[25] == pytest.approx(100 + 800 * 0.8)
    assert signal[49] == pytest.approx(100 + 800 * (1 - 0.4 * 0.98))
    assert (np.diff(signal[:50]) < 0).all()


def test_inflow_enhancement_falls_by_63_percent_over_its_length() -> None:
    signal = along(straight(2.0), inflow=60.0)
    assert signal[60] == pytest.approx(100 + 800 * np.exp(-1))
    assert signal[0] == 900


def test_slow_flow_darkens_thin_vessels_and_leaves_thick_ones() -> None:
    assert along(straight(2.0), slow=0.8)[0] == 900
    thin = [float(along(straight(0.4), slow=slow)[0]) for slow in (0.0, 0.5, 1.0)]
    assert thin[0] == 900
    assert thin[1] == pytest.approx(100 + 800 * (0.4 / 1.3) ** 0.5)
    assert thin[2] == pytest.approx(100 + 800 * (0.4 / 1.3))


def test_turbulence_takes_signal_at_bends_only() -> None:
    tree = straight(2.0, 21.0)
    points = tree.points.copy()
    points[11:, 0], points[11:, 2] = np.arange(1, 11), 10.0
    bent = along(Tree(points, tree.radius, tree.parent, tree.kind), turbulence=0.5)
    assert bent[10] == pytest.approx(100 + 800 * 0.5)
    np.testing.assert_allclose(bent[[0, 5, 15, 20]], 900)


def test_branches_differ_in_speed_by_the_scatter() -> None:
    trunk = straight(2.0, 11.0)
    twigs = 2000
    points = np.concatenate([trunk.points, trunk.points[[-1]] + np.ones((twigs, 3))])
    parent = np.r_[trunk.parent, np.full(twigs, 10)]
    tree = Tree(points, np.full(len(parent), 2.0), parent, np.zeros(len(parent), int))
    signal = along(tree, scatter=0.2)
    np.testing.assert_allclose(signal[:11], 900)
    assert np.log((signal[11:] - 100) / 800).std() == pytest.approx(0.2, rel=0.1)


# What the image shows


def test_a_clean_image_shows_each_tissue_at_its_own_intensity() -> None:
    made = clean(blood=777.0, grey=100.0, white=150.0, csf=40.0)
    inner = np.asarray(made.image)[core(made)]
    # Flow is laminar: at the wall, 0.7 of the signal on the axis.
    assert 0.7 * 777 < np.median(inner) <= inner.max() <= 777
    brighter = clean(blood=777.0, grey=100.0, white=250.0, csf=40.0)
    change = np.asarray(brighter.image) - made.image
    white = change > 95
    assert 0.05 < white.mean() < 0.8
    assert np.median(np.asarray(made.image)[white]) == pytest.approx(150, rel=0.1)


def test_noise_is_rician() -> None:
    # Where there is no signal, a Rayleigh distribution; where there is much, a normal one.
    settings = {"skull": 0.0, "fat": 0.0, "masked": False, "centre": (0.0, -3.0, 95.0)}
    air = np.asarray(clean(noise=10.0, **settings).image)[..., -8:]
    quiet = np.asarray(clean(**settings).image)[..., -8:]
    assert quiet.max() < 5
    assert air.min() >= 0
    assert air.mean() == pytest.approx(10 * np.sqrt(np.pi / 2), rel=0.06)
    assert air.std() == pytest.approx(10 * np.sqrt(2 - np.pi / 2), rel=0.06)
    loud, clear = clean(noise=10.0), clean()
    inside = core(clear)
    noise = (np.asarray(loud.image) - clear.image)[inside]
    assert noise.std() == pytest.approx(10, rel=0.1)
    assert abs(noise.mean()) < 2


def test_the_bias_field_is_smooth_and_of_its_strength() -> None:
    # A field of view of many wavelengths, coarsely: what one part shows depends on the part.
    wide = {"shape": (40, 46, 36), "spacing": (4.0, 4.0, 4.0), "centre": (0.0, -17.0, 10.0)}
    plain = np.asarray(clean(**wide).image)
    log = np.log(np.asarray(clean(bias=0.3, **wide).image) / plain)[plain > 0]
    assert log.std() == pytest.approx(0.3, rel=0.35)
    near = np.log(np.asarray(clean(bias=0.3).image) / clean().image)
    assert np.abs(np.diff(near, axis=0)).max() < 0.05


def test_slab_boundaries_are_steps_of_all_signal() -> None:
    ratio = np.asarray(clean(seam=0.1, slab=16.0).image) / np.asarray(clean().image)
    profile = ratio.mean(axis=(0, 1))
    np.testing.assert_allclose(ratio, np.broadcast_to(profile, ratio.shape), rtol=1e-4)
    steps = np.flatnonzero(np.abs(np.diff(profile)) > 0.05)
    # Voxels of 0.8 mm: a slab is 20 of them.
    assert steps.tolist() == [19]
    assert profile[20] - profile[19] == pytest.approx(0.1 * 0.95, rel=0.02)


def test_ghosts_repeat_the_image_along_one_axis() -> None:
    plain, ghosted = np.asarray(clean().image), np.asarray(clean(ghost=0.1).image)
    np.testing.assert_allclose(ghosted - plain, 0.1 * np.roll(plain, SHAPE[1] // 5, 1), atol=1e-2)


def test_blur_spreads_by_the_given_voxels() -> None:
    plain, blurred = np.asarray(clean().image), np.asarray(clean(blur=1.0).image)
    np.testing.assert_allclose(blurred, gaussian_filter(plain, 1.0, truncate=3.0), rtol=1e-4)
    assert blurred.max() < plain.max()


def test_thin_vessels_are_darker_by_partial_volume_alone() -> None:
    coarse, fine = clean(spacing=(1.6, 1.6, 1.6)), clean(spacing=(0.4, 0.4, 0.4))
    label = np.asarray(fine.label)
    thin = label & ~binary_erosion(label, iterations=2)
    assert np.median(np.asarray(fine.image)[thin]) > 600
    # The same vessels, in voxels that they do not fill.
    partly = np.asarray(coarse.image)[(np.asarray(coarse.image) > 200) & ~np.asarray(coarse.label)]
    assert partly.size > 20
    assert np.median(partly) < 500


def test_veins_are_bright_and_not_labelled() -> None:
    without, with_veins = clean(vein=300.0), clean(vein=300.0, veins=True)
    np.testing.assert_array_equal(without.label, with_veins.label)
    change = np.asarray(with_veins.image) - without.image
    drained = change > 20
    assert 0.001 < drained.mean() < 0.1
    assert not (drained & core(without)).any()
    full = np.asarray(with_veins.image)[change > 150]
    assert full.size
    assert 200 < np.median(full) <= 300
    dim = np.asarray(clean(vein=150.0, veins=True).image)
    assert dim[drained].mean() < np.asarray(with_veins.image)[drained].mean()


def test_fat_and_skull_surround_the_brain_until_it_is_masked() -> None:
    place = {"shape": (48, 48, 40), "spacing": (2.0, 2.0, 2.0), "centre": (50.0, -20.0, 40.0)}
    made = clean(skull=20.0, fat=400.0, **place)
    image, mask = np.asarray(made.image), np.asarray(made.mask)
    assert 0.1 < mask.mean() < 0.9
    outside = image[~mask]
    assert (outside > 300).sum() > 100  # fat, brighter than brain
    assert ((outside > 10) & (outside < 40)).sum() > 100  # bone, darker
    assert (outside < 8).sum() > 100  # air
    tissue = image[mask & ~np.asarray(made.label)]
    assert np.percentile(tissue, 90) < 200
    lean = np.asarray(clean(skull=20.0, fat=20.0, **place).image)
    np.testing.assert_array_equal(lean[mask], image[mask])


def test_a_mask_cuts_labels_and_none_is_handed_over_when_not_asked() -> None:
    place = {"shape": (40, 40, 60), "spacing": (1.5, 1.5, 1.5), "centre": (0.0, -10.0, -40.0)}
    masked, whole = clean(**place), clean(masked=False, **place)
    assert whole.mask is None
    np.testing.assert_array_equal(masked.image, whole.image)
    np.testing.assert_array_equal(masked.label, np.asarray(whole.label) & masked.mask)
    assert np.asarray(whole.label).sum() > np.asarray(masked.label).sum()


def test_marrow_of_the_skull_base_lies_among_the_vessels() -> None:
    dark, bright = clean(marrow=60.0), clean(marrow=260.0)
    change = (np.asarray(bright.image) - dark.image) > 100
    assert 0 < change.mean() < 0.05
    assert not (change & core(bright)).any()
    np.testing.assert_array_equal(dark.label, bright.label)


def test_the_share_of_a_voxel_decides_its_label() -> None:
    volumes = [int(np.asarray(clean(label_fraction=f).label).sum()) for f in (0.1, 0.5, 0.9)]
    assert volumes[0] > volumes[1] > volumes[2] > 0
    images = [clean(label_fraction=f).image for f in (0.1, 0.9)]
    np.testing.assert_array_equal(*images)


# What differs from scanner to scanner and from subject to subject


def test_scanners_differ_in_contrast_noise_spacing_and_disease() -> None:
    a, b = SCANNERS["a"], SCANNERS["b"]
    for name in ("spacing", "blood", "white", "vein", "slow", "noise", "slab", "stenoses"):
        assert getattr(a, name) != getattr(b, name), name
    assert a.stenoses == 0 < b.stenoses
    assert Phantom.role_defaults["target"]["scanner"] == "b"
    one, other = (Phantom(Phantom.Params(scanner=s, shape=(32, 32, 24))) for s in "ab")
    assert one.load("phantom-a-000").spacing == a.spacing
    assert other.load("phantom-b-000").spacing == b.spacing


@pytest.mark.parametrize("scanner", ["a", "b"])
def test_no_subject_of_a_site_is_far_harder_than_the_others(scanner: str) -> None:
    # A second data set that one subject decides says nothing of transfer; the sites vary alike.
    assert SCANNERS[scanner].variation == SCANNERS["a"].variation
    drawn = [vary(np.random.default_rng(seed), SCANNERS[scanner]) for seed in range(1000)]
    assert max(one.saturation for one in drawn) < 0.6
    assert all(one.blood > 2 * one.vein for one in drawn)


def test_subjects_differ_by_the_variation_and_not_without_it() -> None:
    source = Phantom(Phantom.Params(shape=(16, 16, 12), variation=0.0))
    drawn = source.load("phantom-a-003").notes["truth"]["drawn"]
    assert drawn == {name: getattr(SCANNERS["a"], name) for name in drawn}
    varied = Phantom(Phantom.Params(shape=(16, 16, 12), variation=0.3))
    blood = [varied.load(name).notes["truth"]["drawn"]["blood"] for name in varied.subjects(6)]
    assert 0.1 < np.log(blood).std() < 0.6


@pytest.mark.parametrize("scanner", ["a", "b"])
def test_an_overridden_parameter_is_the_one_that_is_used(scanner: str) -> None:
    params = Phantom.Params(scanner=scanner, noise=1.5, slab=20.0)
    resolved = params.resolved()
    assert (resolved.noise, resolved.slab) == (1.5, 20.0)
    assert resolved.blood == SCANNERS[scanner].blood
