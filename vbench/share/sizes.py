"""The patch size to compare folders at: asked for, that of their patches, or a usual one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vbench.data.holdings import LARGEST, Holding, Scans, Shape, by
from vbench.errors import DataError
from vbench.masks.slices import LEAST, fitting

#: The patch that whole volumes are cut into when no set has patches; single slices: 64 × 64.
USUAL = (16, 16, 16)


def common_size(synthetic: Holding, real: Sequence[Holding], wanted: Shape | None) -> Shape:
    """Choose the patch size that all sets are compared at.

    The size that is asked for; else that of the sets that hold patches; else :data:`USUAL`, or what
    fits thin volumes.

    Raises:
        DataError: When sets hold patches of different sizes, or nothing fits.
    """
    if wanted is not None:
        return wanted
    sets = [synthetic, *real]
    sizes = {held.path: held.shapes()[0] for held in sets if held.stacked}
    if not sizes and _are_patches(synthetic, real):
        sizes = {synthetic.path: synthetic.shapes()[0]}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{path} {by(size)}" for path, size in sizes.items())
        raise DataError(f"the patches differ in size: {told}; give patches of one size")
    if sizes:
        return next(iter(sizes.values()))
    volumes = [(*shape, 1)[:3] for held in sets for shape in held.shapes()]
    fit = fitting(volumes, USUAL)
    if fit is None:
        smallest = min(volumes, key=math.prod)
        raise DataError(f"{synthetic.path}: volumes of {by(smallest)} are too small to cut; --size")
    return tuple(fit)


def _are_patches(synthetic: Holding, real: Sequence[Holding]) -> bool:
    """Return whether NIfTI files of one shape are patches: like no scan, or many to a patient."""
    shapes = synthetic.shapes()
    if len(shapes) != 1 or math.prod(shapes[0]) > LARGEST:
        return False
    others = {shape for held in real for shape in held.shapes()}
    many = any(isinstance(held, Scans) and held.several() for held in real)
    return many or shapes[0] not in others


def check_size(size: Sequence[int]) -> Shape:
    """Return a patch size that is asked for.

    Raises:
        DataError: When no patch can have it.
    """
    edges = tuple(n for n in size if n != 1)
    if len(edges) not in (2, 3) or min(edges) < LEAST:
        raise DataError(
            f"size {by(size)}: expected 2 or 3 edges of {LEAST} voxels or more, such as 16,16,16"
        )
    return edges
