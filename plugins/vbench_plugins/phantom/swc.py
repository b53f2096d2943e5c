"""The centre lines of a vessel tree, and SWC files of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vbench.errors import DataError
from vbench.types import Array
from vbench.usertext import one_line, read_text

#: mm beyond which no point of a brain lies, and whose inverse no radius is below: lengths and cubes
#: of radii stay finite.
_FAR = 1e9


@dataclass(frozen=True)
class Tree:
    """The centre lines of one brain: one or several rooted trees.

    Attributes:
        points: Nodes ``(n, 3)`` in mm; a parent comes before its children.
        radius: Vessel radius at each node ``(n,)`` in mm.
        parent: Index of each node's parent ``(n,)``, -1 for a root.
        kind: SWC structure code of each node ``(n,)``; any meaning.
        vessel: Name of the vessel that each node belongs to ``(n,)``, such as ``L-PCA``; None where
            nobody named them.
    """

    points: Array
    radius: Array
    parent: Array
    kind: Array
    vessel: Array | None = None

    @classmethod
    def empty(cls) -> Tree:
        """Return a tree without nodes."""
        none = np.zeros(0, int)
        return cls(np.zeros((0, 3)), np.zeros(0), none, none)

    def moved(self, points: Array) -> Tree:
        """Return the same tree with its nodes at other places."""
        return replace(self, points=points)

    @classmethod
    def from_json(cls, columns: Mapping[str, Sequence[Any]]) -> Tree:
        """Return the tree that a truth's columns hold, one entry per node.

        Args:
            columns: ``points_mm``, ``radius_mm``, ``parent`` and ``kind``.
        """
        return cls(
            np.asarray(columns["points_mm"], float).reshape(-1, 3),
            np.asarray(columns["radius_mm"], float),
            np.asarray(columns["parent"], int),
            np.asarray(columns["kind"], int),
        )


def read_swc(path: str | Path) -> Tree:
    """Read an SWC file: one brain; several roots are allowed.

    Args:
        path: Text with ``id type x y z radius parent`` per line, ``#`` for comments; mm.

    Raises:
        DataError: When a line has no seven numbers, a radius is unknown, a parent is missing, or
            lines form a loop.
    """
    path = Path(path)
    try:
        lines = re.split(r"\r\n|\r|\n", read_text(path))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; check the path") from error
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as SWC: {error}; save it as UTF-8") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].replace("\t", " ").split()
        if words:
            rows.append(_node(words, line, f"{path}:{number}"))
    if not rows:
        raise DataError(f"{path}: no nodes; expected lines 'id type x y z radius parent'")
    table = np.asarray([row[2:6] for row in rows])
    index = {int(row[0]): place for place, row in enumerate(rows)}
    if len(index) != len(rows):
        raise DataError(f"{path}: a node id occurs twice; number the nodes uniquely")
    try:
        parent = np.array([-1 if row[6] < 0 else index[int(row[6])] for row in rows])
    except KeyError as error:
        raise DataError(
            f"{path}: parent {error} is no node of the file; a root has the parent -1"
        ) from error
    order = _parents_first(parent)
    if len(order) < len(parent):
        raise DataError(f"{path}: the parents form a loop; an SWC file holds trees")
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    parent = np.where(parent[order] < 0, -1, rank[parent[order]])
    table = table[order]
    kind = np.array([int(rows[place][1]) for place in order])
    return Tree(table[:, :3], table[:, 3], parent, kind)


def _node(words: list[str], line: str, where: str) -> list[float]:
    """Return the seven numbers of a line, apart by spaces, or all by commas or by semicolons.

    Further columns may follow where there are spaces only: of more than seven between commas, some
    may be halves of a number with a decimal comma.
    """
    shown = one_line(line.strip())[:80]
    if len(words) < 7 or any(word.endswith((",", ";")) for word in words[:6]):
        text = "".join(words)
        words = text.split(";" if ";" in text else ",")
        if len(words) > 7:
            raise DataError(
                f"{where}: expected seven numbers, got {len(words)} in '{shown}'; "
                "write decimals with a point"
            )
    try:
        row = [float(word) for word in words[:7]]
    except ValueError as error:
        raise DataError(
            f"{where}: expected seven numbers, got '{shown}'; correct the line"
        ) from error
    if len(row) < 7 or not np.all(np.isfinite(row)):
        raise DataError(f"{where}: expected seven finite numbers, got '{shown}'; correct the line")
    if not all(row[i].is_integer() and abs(row[i]) < 2**53 for i in (0, 1, 6)):
        raise DataError(
            f"{where}: id, type and parent must be whole numbers, got '{shown}'; correct the line"
        )
    if row[5] <= 0:
        raise DataError(
            f"{where}: the radius is {row[5]:g} (0 and -1 stand for unknown), expected mm above 0; "
            "measure it, or leave this file out"
        )
    if not (all(abs(value) <= _FAR for value in row[2:6]) and row[5] >= 1 / _FAR):
        raise DataError(
            f"{where}: no place or radius of a vessel lies beyond {_FAR:g} mm or below "
            f"{1 / _FAR:g} mm, got '{shown}'; correct the line"
        )
    return row


def swc_text(tree: Tree) -> str:
    """Return a tree as SWC text, in mm with four decimals, node ids from 1."""
    lines = ["# id type x y z radius parent (mm)"]
    for i, (point, radius, parent, kind) in enumerate(
        zip(tree.points, tree.radius, tree.parent, tree.kind, strict=True), start=1
    ):
        place = " ".join(f"{value:.4f}" for value in (*point, radius))
        lines.append(f"{i} {int(kind)} {place} {int(parent) + 1 if parent >= 0 else -1}")
    return "\n".join(lines) + "\n"


def _parents_first(parent: Array) -> Array:
    """Return an order in which every parent precedes its children; shorter when there is a loop."""
    children: list[list[int]] = [[] for _ in parent]
    waiting: list[int] = []
    for node, up in enumerate(parent):
        (waiting if up < 0 else children[up]).append(node)
    order = []
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting.extend(reversed(children[node]))
    return np.asarray(order, int)
