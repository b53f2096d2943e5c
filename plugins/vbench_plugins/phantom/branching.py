"""Give the branches of a grown tree their angles, bends and radii, drawn as measured in brains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vbench.types import Array
from vbench_plugins.phantom.morphology import Branch, branches
from vbench_plugins.phantom.swc import Tree
from vbench_plugins.phantom.willis import curve, resample

#: Distance between the nodes of a finished tree, mm.
STEP = 0.9
#: A child leaves its bifurcation straight over this length, mm.
LEAVE = 3.0


@dataclass(frozen=True)
class Shape:
    """How branches leave, bend and taper; the defaults reproduce the measured percentiles.

    Attributes:
        bend: Median amplitude of a branch's bends, mm.
        bend_spread: Standard deviation of its logarithm.
        wave: Distance between a bend and the next, mm.
        straight: Median angle between a vessel and the child that goes on, degrees.
        side: Median angle between a vessel and the child that turns off, degrees.
        turn_spread: Standard deviation of the logarithm of both.
        fan: Largest angle between the planes in which two children turn off, degrees.
        murray: Median of (r1³ + r2³) / r_parent³.
        murray_spread: Standard deviation of its logarithm.
        ratio: Parameters of the beta distribution of the radius ratio of small and large child.
        taper: Radius at a branch's end over that at its start, for a start of twice ``thin``.
        thin: Radius from which branches no longer taper, mm.
        floor: Radius that thin branches keep, mm.
        drift: Standard deviation of the logarithm of the radius along a branch.
    """

    bend: float = 2.75
    bend_spread: float = 0.5
    wave: float = 9.0
    straight: float = 26.0
    side: float = 46.0
    turn_spread: float = 0.4
    fan: float = 100.0
    murray: float = 1.2
    murray_spread: float = 0.5
    ratio: tuple[float, float] = (4.5, 1.5)
    taper: float = 0.72
    thin: float = 0.55
    floor: float = 0.44
    drift: float = 0.06


class Builder:
    """Collects nodes; a path is hung onto a node that is already there."""

    def __init__(self) -> None:
        self.points: list[Array] = []
        self.radius: list[float] = []
        self.parent: list[int] = []
        self.kind: list[int] = []
        self.vessel: list[str] = []

    def hang(
        self, points: Array, radius: Array, kind: int, onto: int = -1, *, vessel: str = ""
    ) -> Array:
        """Add a path; return the indices of its nodes, ``onto`` first when there is one.

        Args:
            points: ``(n, 3)`` in mm. With ``onto`` set its first point is that node: left out.
            radius: ``(n,)`` in mm.
            kind: Structure code.
            onto: Node that it springs from; -1 for a root.
            vessel: The vessel's name.
        """
        skip = int(onto >= 0)
        nodes = np.arange(len(self.points), len(self.points) + len(points) - skip)
        self.points.extend(points[skip:])
        self.radius.extend(radius[skip:].tolist())
        self.parent.extend([onto, *nodes[:-1].tolist()])
        self.kind.extend([kind] * len(nodes))
        self.vessel.extend([vessel] * len(nodes))
        return np.r_[onto, nodes] if skip else nodes

    def heading(self, node: int) -> Array:
        """Return the direction, a unit vector, in which the vessel reaches a node."""
        back = node
        for _ in range(round(LEAVE / STEP)):
            if self.parent[back] < 0:
                break
            back = self.parent[back]
        return unit(self.points[node] - self.points[back])

    def tree(self) -> Tree:
        """Return all that was hung."""
        return Tree(
            np.asarray(self.points).reshape(-1, 3),
            np.asarray(self.radius),
            np.asarray(self.parent, int),
            np.asarray(self.kind, int),
            np.asarray(self.vessel, str),
        )


def unit(vector: Array) -> Array:
    """Return a vector of length 1, or zeros."""
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def hang_branches(
    rng: np.random.Generator,
    builder: Builder,
    rough: Tree,
    kind: int,
    root: int,
    shape: Shape,
    *,
    vessel: str = "",
) -> None:
    """Add a rough tree, whose root is a builder's node, with curves and radii.

    Args:
        rng: Draws angles, bends and radii.
        builder: Receives the branches.
        rough: Grown tree; its radii are not used.
        kind: Structure code.
        root: Node of the builder that is the rough tree's root.
        shape: How branches look.
        vessel: The name that all of its branches carry.
    """
    runs = branches(rough)
    kids: dict[int, list[int]] = {}
    for index, run in enumerate(runs):
        kids.setdefault(run.parent, []).append(index)
    size = _tips_below(runs, kids)
    for up in sorted(kids):
        kids[up].sort(key=lambda member: -size[member])
    ends = {-1: root}
    for index in _parents_first(kids):
        node = ends[index]
        members = kids[index]
        heading = builder.heading(node)
        targets = [rough.points[runs[member].nodes] for member in members]
        leaving = _leaving(rng, heading, targets, shape)
        starts = _split(rng, builder.radius[node], len(members), shape)
        for member, path, direction, start in zip(members, targets, leaving, starts, strict=True):
            line = _line(rng, builder.points[node], direction, path, shape)
            radius = _along(rng, start, len(line), shape)
            ends[member] = int(builder.hang(line, radius, kind, node, vessel=vessel)[-1])


def _parents_first(kids: dict[int, list[int]]) -> list[int]:
    order, waiting = [], [-1]
    while waiting:
        index = waiting.pop()
        if index in kids:
            order.append(index)
            waiting.extend(kids[index])
    return order


def _tips_below(runs: list[Branch], kids: dict[int, list[int]]) -> Array:
    size = np.ones(len(runs), int)
    for index in reversed(range(len(runs))):
        if index in kids:
            size[index] = sum(size[kid] for kid in kids[index])
    return size


def _leaving(
    rng: np.random.Generator, heading: Array, targets: list[Array], shape: Shape
) -> list[Array]:
    """Draw the directions in which children leave, the largest first.

    The plane in which the first one turns off is that of its target; the others' planes lie
    within ``fan`` degrees of it, on the side of their targets.
    """
    if len(targets) == 1:
        return [heading]
    aims = [unit(path[min(2, len(path) - 1)] - path[0]) for path in targets]
    across = unit(aims[0] - heading * (aims[0] @ heading))
    if not across.any():
        across = unit(np.cross(heading, rng.normal(size=3)))
    upward = np.cross(heading, across)
    directions = []
    for order, aim in enumerate(aims):
        median = shape.straight if order == 0 else shape.side
        turn = np.radians(min(median * np.exp(rng.normal(0.0, shape.turn_spread)), 140.0))
        plane = 0.0
        if order:
            natural = np.arctan2(aim @ upward, aim @ across)
            plane = np.radians(rng.uniform(0.0, shape.fan)) * (1.0 if natural >= 0 else -1.0)
        side = across * np.cos(plane) + upward * np.sin(plane)
        directions.append(heading * np.cos(turn) + side * np.sin(turn))
    return directions


def _line(
    rng: np.random.Generator, start: Array, direction: Array, path: Array, shape: Shape
) -> Array:
    """Lay the bent centre line of one branch, nodes about STEP apart."""
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    leave = min(LEAVE, length / 3)
    far = path[np.linalg.norm(path - start, axis=1) > 2 * leave]
    if not len(far) or not np.array_equal(far[-1], path[-1]):
        far = np.concatenate([far, path[-1:]])
    line = curve(np.concatenate([[start, start + leave * direction], far]), STEP)
    return _bend(rng, line, shape)


def _bend(rng: np.random.Generator, line: Array, shape: Shape) -> Array:
    """Bend a line at random, its ends held: a sum of sines with random amplitudes."""
    length = STEP * (len(line) - 1)
    size = shape.bend * np.exp(rng.normal(0.0, shape.bend_spread)) * min(1.0, length / 15.0)
    count = max(1, round(length / shape.wave))
    place = np.linspace(0.0, 1.0, len(line))
    sines = np.sin(np.pi * np.outer(place, np.arange(1, count + 1)))
    shift = sines @ rng.normal(0.0, size * np.sqrt(2.0 / count), (count, 3))
    hold = np.clip(np.minimum(place, 1 - place) * length / LEAVE, 0.0, 1.0)
    return resample(line + shift * hold[:, None], STEP)


def _split(rng: np.random.Generator, parent: float, count: int, shape: Shape) -> list[float]:
    """Draw the radii at which a bifurcation's children start, the largest first, mm."""
    if count == 1:
        return [parent]
    murray = shape.murray * np.exp(rng.normal(0.0, shape.murray_spread))
    shares = [1.0, *(float(rng.beta(*shape.ratio)) for _ in range(count - 1))]
    scale = parent * (murray / sum(share**3 for share in shares)) ** (1 / 3)
    return [min(scale * share, 1.25 * parent) for share in shares]


def _along(rng: np.random.Generator, start: float, count: int, shape: Shape) -> Array:
    """Draw the radius along a branch, mm: it tapers to a floor, and drifts a little."""
    floor = shape.floor * np.exp(rng.normal(0.0, 0.1))
    end = start * shape.taper ** max(0.0, start / shape.thin - 1.0)
    radius = np.maximum(np.geomspace(start, end, count), floor)
    knots = max(2, count // 12 + 2)
    drift = np.interp(
        np.linspace(0, knots - 1, count), np.arange(knots), rng.normal(0.0, shape.drift, knots)
    )
    thick: Array = radius * np.exp(drift)
    return thick
