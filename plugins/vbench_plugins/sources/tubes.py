"""Vessels as tubes: the centre lines and radii of a ``.tre`` file of TubeTK, drawn as a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from vbench.data.disguise import unopened
from vbench.data.header import MM
from vbench.data.nifti import Image
from vbench.errors import DataError
from vbench.types import Array
from vbench.usertext import read_text
from vbench_plugins.phantom.render import Grid, paint
from vbench_plugins.phantom.swc import Tree

SUFFIXES = (".tre",)
#: Of a tree's points, this share has to lie in the image that it belongs to.
_INSIDE = 0.9


def read_tubes(path: Path, image: Image) -> Image:
    """Draw the tubes of a file onto the grid of an image: voxels that they fill by half or more.

    As ITK reads them, places are multiples of ``ElementSpacing``, and radii of its first entry.
    They are counted from the image's first voxel, in the order that its file has.

    Args:
        path: Text, a MetaIO scene of tubes.
        image: Whose vessels they are.

    Raises:
        DataError: When it is no such file, or lies elsewhere.
    """
    points, radius, parent = _tree(path)
    native = image.native_affine
    edges = np.linalg.norm(native[:3, :3], axis=0) * MM[image.unit]
    voxels = np.c_[points / edges, np.ones(len(points))]
    to_world = np.diag([*(MM[image.unit],) * 3, 1.0]) @ native
    places = (np.linalg.inv(image.affine) @ to_world @ voxels.T).T[:, :3]
    shape, spacing = image.array.shape, image.spacing
    inside = float(((places > -1) & (places < shape)).all(1).mean())
    if inside < _INSIDE:
        raise DataError(
            f"{path}: {1 - inside:.0%} of its points lie outside of {image.path.name}; "
            "is it this image's tree?"
        )
    tree = Tree(places * spacing, radius, parent, np.zeros(len(places), int))
    grid = Grid((shape[0], shape[1], shape[2]), spacing, (0.0, 0.0, 0.0))
    filled = paint(tree, np.ones(len(places)), grid).fraction >= 0.5
    return replace(image, path=path, array=filled.astype(np.uint8))


def _tree(path: Path) -> tuple[Array, Array, Array]:
    """Return places and radii in mm of the points of all tubes, and which each follows."""
    points: list[Array] = []
    parent: list[int] = []
    for spacing, rows in _tubes(path):
        first = len(parent)
        parent += [-1, *range(first, first + len(rows) - 1)]
        points.append(rows * [*spacing, spacing[0]])
    if not points:
        raise DataError(f"{path}: no tubes; expected a .tre file of TubeTK, in text")
    table = np.concatenate(points)
    if not np.isfinite(table).all() or (table[:, 3] <= 0).any():
        raise DataError(f"{path}: a radius is not above 0, or a place is no number; correct it")
    return table[:, :3], table[:, 3], np.asarray(parent)


def _tubes(path: Path) -> Iterator[tuple[list[float], Array]]:
    """Yield the ``ElementSpacing`` and the points ``(n, 4)`` of each tube: x, y, z and radius."""
    try:
        lines = iter(enumerate(read_text(path).splitlines(), start=1))
    except OSError as error:
        raise unopened(path, error) from error
    except ValueError as error:
        raise DataError(f"{path}: {error}; write the tubes as text (BinaryData = False)") from error
    about: dict[str, str] = {}
    for number, line in lines:
        key, _, value = (part.strip() for part in line.partition("="))
        if key == "ObjectType":
            about = {}
        about[key] = value
        if key != "Points":
            continue
        try:
            names = about.get("PointDim", "x y z r").split()
            columns = [names.index(name) for name in "xyzr"]
            spacing = [float(edge) for edge in about.get("ElementSpacing", "1 1 1").split()]
            rows = [next(lines)[1].split() for _ in range(int(about["NPoints"]))]
            table = np.array([[float(row[i]) for i in columns] for row in rows]).reshape(-1, 4)
        except (KeyError, ValueError, IndexError, StopIteration) as error:
            raise DataError(
                f"{path}: the points from line {number} cannot be read; expected NPoints lines of "
                "x, y, z, radius, as TubeTK writes them in text"
            ) from error
        if len(spacing) != 3:
            raise DataError(f"{path}: ElementSpacing has {len(spacing)} entries, expected 3")
        if len(table):
            yield spacing, table
