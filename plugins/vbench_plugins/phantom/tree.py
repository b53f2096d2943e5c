"""Build one subject's arteries: the circle of Willis and six grown territories, with radii."""

from __future__ import annotations

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import growth as growing
from vbench_plugins.phantom import willis
from vbench_plugins.phantom.branching import STEP, Builder, Shape, hang_branches
from vbench_plugins.phantom.names import sided
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.willis import ACA, MCA, PCA, Vessel

#: Mean number of tips of each territory, per side; it varies by 12 % (sd).
TIPS = {MCA: 26, ACA: 14, PCA: 10}
#: Vessels of the circle of Willis that are thinner than this share of the usual are not there.
ABSENT = 0.45


def mirror(points: Array, side: int) -> Array:
    """Return points of the right side (1) as they are, or mirrored to the left (-1)."""
    return points * np.array([side, 1.0, 1.0])


def _wobble(rng: np.random.Generator, points: Array, size: float) -> Array:
    """Move all but the ends of a short polyline at random, sd ``size`` mm."""
    moved = points + rng.normal(0.0, size, points.shape)
    moved[[0, -1]] = points[[0, -1]]
    return moved


def _in_territory(rng: np.random.Generator, kind: int, points: Array) -> Array:
    """Tell which strewn points (right side) a territory covers; its border is blurred by 4 mm."""
    x, y, z = (points + rng.normal(0.0, 4.0, points.shape)).T
    medial = (x < 11) | ((x < 20) & (z > 50))
    occipital = (y < -62) & (x < 32) & (z < 28)
    basal = (z < -16) & (y < -22)
    pca = ((occipital | basal) & (x < 50)) | (medial & (y < -52) & (z < 34))
    inside: Array
    if kind == PCA:
        inside = pca & (z > -34)
    elif kind == ACA:
        inside = medial & ~pca & (z > -16)
    else:
        inside = ~medial & ~pca & (x > 22) & ((y > -80) | (x > 32))
    return inside


def _variants(rng: np.random.Generator) -> dict[tuple[str, int], float]:
    """Draw how thick vessels of the circle are, relative to the usual; below ABSENT: not there."""
    sizes: dict[tuple[str, int], float] = {}
    for side in (1, -1):
        kind = rng.random()
        if kind < 0.12:  # fetal: the carotid feeds the posterior cerebral artery
            sizes["pcom", side], sizes["p1", side] = 1.5, 0.6
        elif kind < 0.5:
            sizes["pcom", side] = float(rng.uniform(0.2, 0.8))
    if rng.random() < 0.15:
        sizes["a1", int(rng.choice([1, -1]))] = float(rng.uniform(0.5, 0.8))
    sizes["acom", 1] = float(rng.uniform(0.4, 1.1))
    return sizes


def arteries(
    rng: np.random.Generator,
    growth: growing.Growth | None = None,
    shape: Shape | None = None,
    *,
    variants: bool = True,
    third: np.random.Generator | None = None,
) -> Tree:
    """Build the arteries of one brain in template coordinates, mm; each vessel with its name.

    Args:
        rng: Draws everything.
        growth: How territories grow.
        shape: How their branches look.
        variants: Let vessels of the circle of Willis be thin, thick or absent, as in brains.
        third: Draws a third A2 beside the usual two; None: there is none. Where there is no Acom,
            it has nothing to spring from and is absent, too.
    """
    growth, shape = growth or growing.Growth(), shape or Shape()
    builder = Builder()
    strewn = growing.strew(rng, growth)
    basal: dict[tuple[str, int], Array] = {}

    sizes = _variants(rng) if variants else {}

    def place(
        vessel: Vessel,
        side: int,
        up_side: int,
        jitter: float = 0.7,
        rng: np.random.Generator = rng,
    ) -> None:
        size = sizes.get((vessel.name, side), 1.0) * np.exp(rng.normal(0.0, 0.06))
        points = mirror(np.asarray(vessel.points, float), side)
        onto = -1
        if vessel.up:
            path = basal[vessel.up, up_side]
            onto = int(path[round(vessel.at * (len(path) - 1))])
            points[0] = builder.points[onto]
        if vessel.into:
            far = side if vessel.into != vessel.up else -side
            points[-1] = builder.points[basal[vessel.into, far][-1]]
        points = willis.curve(_wobble(rng, points, jitter), STEP)
        if size >= ABSENT:
            radius = size * np.linspace(*vessel.radius, len(points))
            named = sided(vessel.called, side)
            nodes = builder.hang(points, radius, vessel.kind, onto, vessel=named)
            basal[vessel.name, side] = nodes

    place(willis.BASILAR, 1, 1, 1.0)
    for side in (1, -1):
        place(willis.ICA, side, side, 0.8)
        for vessel in (willis.P1, willis.SCA, willis.AICA):
            place(vessel, side, 1)
        for vessel in (willis.M1, willis.A1, willis.PCOM, willis.OPHTHALMIC, willis.CHOROID):
            place(vessel, side, side)
    place(willis.ACOM, 1, 1, 0.3)
    for side in (1, -1):
        for kind, trunk in ((MCA, willis.M1), (ACA, willis.A1), (PCA, willis.P1)):
            root = int(basal[trunk.name, side][-1])
            start = mirror(builder.points[root], side)
            rough = _territory(rng, strewn, kind, start, growth)
            rough = rough.moved(mirror(rough.points, side))
            named = sided(trunk.called, side)
            hang_branches(rng, builder, rough, kind, root, shape, vessel=named)
    if third is not None and (willis.ACOM.name, 1) in basal:
        place(willis.THIRD_A2, 1, 1, 1.0, third)
    return builder.tree()


def _territory(
    rng: np.random.Generator, strewn: Array, kind: int, start: Array, growth: growing.Growth
) -> Tree:
    """Grow one territory of the right side from ``start``, the end of its trunk."""
    ways = [_wobble(rng, np.asarray(way, float), 1.5) for way in willis.HIGHWAYS[kind]]
    ways[0][0] = start
    strewn = strewn[_in_territory(rng, kind, strewn)]
    count = max(3, round(rng.normal(TIPS[kind], 0.12 * TIPS[kind])))
    return growing.grow(rng, strewn, ways, growing.spread(rng, strewn, count), growth)
