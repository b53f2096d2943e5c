"""The arteries at the base of the brain: carotids, basilar, the circle of Willis, first trunks.

Each vessel is a short list of template points (right side; the left is its mirror image) with a
radius at both ends. What grows over the cerebrum starts at their ends, see ``growth``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.types import Array

#: Structure codes of nodes: the territory that a vessel belongs to.
TRUNK, ACA, MCA, PCA, CEREBELLAR = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Vessel:
    """A named vessel.

    Attributes:
        name: Such as ``"ica"``.
        called: How TopCoW and TopBrain name it, without its side.
        up: The vessel that it springs from; empty for a root.
        at: Where along that vessel it springs, 0 to 1.
        kind: Structure code.
        radius: Radius at start and end, mm.
        points: Template points ``(n, 3)`` in mm, right side.
        into: The vessel at whose end it ends, as a communicating artery does; empty for none.
    """

    name: str
    called: str
    up: str
    at: float
    kind: int
    radius: tuple[float, float]
    points: tuple[tuple[float, float, float], ...]
    into: str = ""


ICA = Vessel("ica", "ICA", "", 1.0, TRUNK, (2.5, 1.9), (
    (24, -10, -66), (23, -12, -54), (21, -8, -47), (15, -4, -43),
    (12, -5, -39), (11, -8, -34), (11, -4, -30.5), (11.5, 3, -29.5), (12, 9, -27), (12.5, 7, -22),
    (13, 2, -20), (14, 0, -17),
))  # fmt: skip
M1 = Vessel("m1", "MCA", "ica", 1.0, MCA, (1.4, 1.15), (
    (14, 0, -17), (20, 0, -18), (27, 2, -19), (33, 1, -17), (36, -1, -14)))  # fmt: skip
A1 = Vessel("a1", "ACA", "ica", 1.0, ACA, (1.1, 0.95), (
    (14, 0, -17), (11, 6, -18), (6, 10, -18), (2.5, 12, -16)))  # fmt: skip
BASILAR = Vessel("basilar", "BA", "", 1.0, TRUNK, (1.8, 1.35), (
    (0, -21, -64), (0, -19, -54), (0, -18, -45), (0, -16, -36), (0, -15, -26),
))  # fmt: skip
P1 = Vessel("p1", "PCA", "basilar", 1.0, PCA, (1.1, 0.95), (
    (0, -15, -26), (5, -15, -24), (10, -18, -22), (15, -23, -20)))  # fmt: skip
PCOM = Vessel("pcom", "Pcom", "ica", 0.85, TRUNK, (0.75, 0.65), (
    (12.5, 7, -22), (12.5, -1, -23), (11.5, -10, -23), (15, -23, -20)), "p1")  # fmt: skip
ACOM = Vessel("acom", "Acom", "a1", 1.0, TRUNK, (0.8, 0.8), (
    (2.5, 12, -16), (0, 12.5, -16), (-2.5, 12, -16)), "a1")  # fmt: skip
OPHTHALMIC = Vessel("ophthalmic", "OA", "ica", 0.66, TRUNK, (0.65, 0.5), (
    (11.5, 4, -30), (13, 14, -31), (18, 26, -29), (24, 40, -26)))  # fmt: skip
CHOROID = Vessel("choroid", "AChA", "ica", 0.95, TRUNK, (0.5, 0.4), (
    (13, 2, -20), (15, -6, -20), (18, -16, -17), (22, -26, -11)))  # fmt: skip
SCA = Vessel("sca", "SCA", "basilar", 0.93, CEREBELLAR, (0.75, 0.5), (
    (0, -16, -30), (8, -17, -29), (16, -26, -26), (20, -38, -22), (18, -52, -17),
    (15, -66, -18)))  # fmt: skip
AICA = Vessel("aica", "AICA", "basilar", 0.5, CEREBELLAR, (0.6, 0.42), (
    (0, -18, -50), (9, -20, -50), (20, -27, -46), (32, -38, -46), (40, -50, -48)))  # fmt: skip

#: A rare variant: a third artery beside the two A2, out of the middle of the Acom.
THIRD_A2 = Vessel("third-a2", "3rd-A2", "acom", 0.5, ACA, (0.75, 0.45), (
    (0, 12.5, -16), (0, 20, -12), (0, 30, -5), (0, 35, 6), (0, 31, 17), (0, 18, 26),
    (0, 2, 32)))  # fmt: skip

#: Low-cost ways of the growing trees: main trunks of each territory, right side.
HIGHWAYS: dict[int, tuple[tuple[tuple[float, float, float], ...], ...]] = {
    MCA: (
        ((36, -1, -14), (38, 2, -6), (40, 3, 2), (47, 4, 8), (58, 2, 14), (63, -2, 24)),
        ((36, -1, -14), (39, -8, -7), (40, -20, 1), (43, -32, 8), (54, -42, 14), (62, -46, 22)),
        ((36, -1, -14), (42, 4, -18), (52, 4, -18), (60, -6, -16)),
        ((38, 2, -6), (41, 14, -2), (44, 24, 4), (48, 32, 12), (42, 42, 24)),
        ((58, 2, 14), (60, -12, 32), (54, -22, 46), (42, -30, 56)),
        ((54, -42, 14), (60, -54, 10), (50, -72, 12)),
        ((63, -2, 24), (56, 10, 36), (46, 14, 50)),
        ((62, -46, 22), (54, -54, 38), (44, -60, 46)),
    ),
    ACA: (
        ((2.5, 12, -16), (3, 20, -14), (3, 32, -6), (3.5, 38, 6), (3.5, 34, 18), (3.5, 20, 29),
         (3.5, 0, 36), (4, -22, 37), (4, -40, 34)),
        ((3.5, 38, 6), (4, 44, 14), (4, 40, 30), (4, 22, 44), (4, 0, 52), (4, -22, 54)),
        ((3, 20, -14), (4, 34, -14), (4, 48, -8), (4, 56, 2)),
    ),
    PCA: (
        ((15, -23, -20), (20, -30, -16), (20, -40, -10), (16, -50, -5), (12, -60, 0), (9, -74, 4),
         (8, -88, 6)),
        ((16, -50, -5), (10, -60, 8), (7, -70, 18), (6, -76, 28)),
        ((20, -34, -14), (30, -32, -24), (38, -42, -26), (42, -56, -20)),
    ),
}  # fmt: skip


def curve(points: Array, step: float) -> Array:
    """Lay a smooth (Catmull-Rom) curve through points, resampled every ``step`` mm.

    Args:
        points: ``(n, 3)``, n ≥ 2, in mm.
        step: Distance between the nodes returned, mm.

    Returns:
        ``(m, 3)``; first and last are those of ``points``.
    """
    points = np.asarray(points, float)
    gap = np.maximum(np.linalg.norm(np.diff(points, axis=0), axis=1), 1e-6)
    knots = np.r_[0.0, np.cumsum(gap)]
    slope = np.gradient(points, knots, axis=0)
    fine = np.linspace(0.0, knots[-1], max(8, int(3 * knots[-1] / step)))
    left = np.clip(np.searchsorted(knots, fine, side="right") - 1, 0, len(gap) - 1)
    t = ((fine - knots[left]) / gap[left])[:, None]
    wide = gap[left][:, None]
    dense = (
        points[left] * (1 - t) ** 2 * (1 + 2 * t)
        + points[left + 1] * t**2 * (3 - 2 * t)
        + slope[left] * wide * t * (1 - t) ** 2
        - slope[left + 1] * wide * t**2 * (1 - t)
    )
    return resample(dense, step)


def resample(points: Array, step: float) -> Array:
    """Space the nodes of a polyline evenly, about ``step`` mm apart, ends kept."""
    along = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    count = max(2, round(along[-1] / step) + 1)
    places = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(3)], axis=1)
