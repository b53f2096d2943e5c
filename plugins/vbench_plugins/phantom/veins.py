"""The veins that a TOF-MRA shows a little: sinuses, deep and superficial veins.

They are labelled where a label tells veins apart, and else background.
"""

from __future__ import annotations

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom import growth as growing
from vbench_plugins.phantom.branching import STEP, Builder, Shape, hang_branches
from vbench_plugins.phantom.names import VEIN
from vbench_plugins.phantom.scanners import Scanner
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.tree import mirror
from vbench_plugins.phantom.willis import curve

#: Veins of this radius, mm, and thicker ones show all of their signal.
FULL = 0.9

_Way = tuple[tuple[float, float, float], ...]
#: Midline vessels: template points and radius in mm.
_MIDLINE: tuple[tuple[_Way, float], ...] = (
    (((0, 52, 40), (0, 30, 66), (0, -20, 77), (0, -70, 62), (0, -101, 18), (0, -102, 0)), 2.6),
    (((0, -40, 6), (0, -52, 6), (0, -72, 4), (0, -101, -2)), 1.6),
)
#: Vessels of each side: template points of the right side and radius in mm.
_PAIRED: tuple[tuple[_Way, float], ...] = (
    (((0, -101, -2), (28, -94, -10), (54, -66, -18), (58, -44, -26), (46, -34, -50)), 2.6),
    (((0, -40, 6), (2.5, -30, 14), (3, -10, 16), (4, 6, 12)), 1.0),
    (((0, -40, 6), (10, -38, 2), (19, -28, -7), (20, -14, -15), (15, -2, -14)), 1.0),
    (((62, -22, 14), (58, 2, -4), (42, 12, -16), (26, 6, -24), (17, 0, -30)), 1.15),
    (((17, 2, -32), (17, -10, -34), (20, -20, -36)), 2.0),
)
#: Ways along which deep and superficial veins collect, right side.
_DEEP: _Way = ((4, 6, 12), (3, -10, 16), (2.5, -30, 14), (0, -40, 6))
_BASAL: _Way = ((0, -40, 6), (19, -28, -7), (20, -14, -15), (15, -2, -14), (24, 8, -20))
_TOP: _Way = ((4, -60, 66), (4, -20, 76), (4, 30, 64))


def veins(rng: np.random.Generator, growth: growing.Growth) -> Tree:
    """Build the veins of one head in template coordinates, mm."""
    builder = Builder()
    for points, radius in _MIDLINE:
        _hang(rng, builder, np.asarray(points, float), radius)
    for side in (1, -1):
        for points, radius in _PAIRED:
            mirrored = np.asarray(points, float) * (side, 1, 1)
            _hang(rng, builder, mirrored, radius * np.exp(rng.normal(0.0, 0.15)))
        low, high = np.array([3.0, -50.0, -28.0]), np.array([48.0, 30.0, 30.0])
        deep = rng.uniform(low, high, (1200, 3))
        shell = growing.strew(rng, growth)
        _grown(rng, builder, deep, (_DEEP[::-1], _BASAL), 14, side, 0.6, growth)
        upper = shell[(shell[:, 2] > 20) & (shell[:, 0] > 4)]
        _grown(rng, builder, upper, (_TOP,), 14, side, 1.1, growth)
    return builder.tree()


def venous_signal(tree: Tree, scanner: Scanner) -> Array:
    """Signal of the blood at each node: like tissue in thin veins, the scanner's in thick ones."""
    enhancement = (scanner.vein - scanner.grey) * np.minimum(tree.radius / FULL, 1.0)
    signal: Array = scanner.grey + enhancement
    return signal


def _hang(rng: np.random.Generator, builder: Builder, points: Array, radius: float) -> None:
    path = curve(points + rng.normal(0.0, 0.8, points.shape), STEP)
    builder.hang(path, np.full(len(path), radius), 0, vessel=VEIN)


def _grown(
    rng: np.random.Generator,
    builder: Builder,
    strewn: Array,
    ways: tuple[_Way, ...],
    tips: int,
    side: int,
    radius: float,
    growth: growing.Growth,
) -> None:
    """Grow side veins along ways that are there already."""
    lanes = [np.asarray(way, float) for way in ways]
    rough = growing.grow(rng, strewn, lanes, growing.spread(rng, strewn, tips), growth)
    rough = rough.moved(mirror(rough.points, side))
    root = int(builder.hang(rough.points[:1], np.array([radius]), 0, vessel=VEIN)[0])
    hang_branches(rng, builder, rough, 0, root, Shape(bend=1.0), vessel=VEIN)
