"""The line filter of Sato et al. at several scales: bright tubes, found without training."""

from __future__ import annotations

from functools import partial
from itertools import combinations

import numpy as np

from vbench.interfaces import Params, param
from vbench.types import Array
from vbench_plugins.segmenters.rule import Rule, inside


class VesselnessParams(Params):
    """Parameters of :class:`Vesselness`."""

    scales: tuple[float, ...] = param(
        (0.5, 1.0, 2.0),
        "Sd of the Gaussians, about the radius of the vessels; shorter along thicker axes",
        unit="voxels of the finest axis",
        min_length=1,
    )
    gamma: float = param(
        0.5,
        "Power of the squared scale that a response is multiplied by; 1 (Sato) favours thick "
        "vessels and their surroundings, 0 thin ones",
        tune=[0.5, 0.75, 1.0],
        ge=0,
        le=1,
    )


class Vesselness(Rule):
    """How much a voxel looks like the middle of a bright tube: the largest response of all scales.

    A response is the geometric mean of the curvatures across the tube, which are eigenvalues of
    the Hessian, as in ``skimage.filters.sato``; beyond it, voxels need not be cubes, and what is
    outside of the mask does not count, nor do saddles. With 2D patches, or in a single slice, tubes
    are lines.
    """

    name = "vesselness"
    paper = "Sato et al. 1998, doi:10.1016/S1361-8415(98)80009-1"
    Params = VesselnessParams

    @classmethod
    def check(cls, params: VesselnessParams, setup: object) -> None:
        """Raise ``ValueError`` for a scale that is no length."""
        if not all(0 < scale < 1e3 for scale in params.scales):
            raise ValueError(f"scales = {list(params.scales)}: each is a length above 0, in voxels")

    def measure(self, image: Array, mask: Array) -> Array:
        """Return the largest response, as its square root: thresholds are then finest near 0."""
        from scipy import ndimage

        best = np.zeros(image.shape, np.float32)
        for scale in self.params.scales:
            sds = [scale * share for share in self.proportions()]
            smooth = inside(
                partial(ndimage.gaussian_filter, sigma=sds, mode="constant"), image, mask
            )
            # A slice has no curvature along its normal.
            axes = [a for a in range(3) if image.shape[a] > 1 and sds[a] > 0]
            response = scale ** (2 * self.params.gamma) * tubeness(smooth, mask, axes, sds, scale)
            np.maximum(best, response, out=best)
        return np.sqrt(best)


def tubeness(image: Array, mask: Array, axes: list[int], sds: list[float], scale: float) -> Array:
    """Return the geometric mean of an image's negative curvatures, but the one along the tube.

    Args:
        image: Smoothed.
        mask: Where it is computed; 0 elsewhere.
        axes: Those with more than one voxel.
        sds: What it was smoothed with, in voxels of each axis.
        scale: The same in voxels of the finest axis, the unit of length of the result.
    """
    found = np.zeros(image.shape, np.float32)
    if not axes:
        return found
    padded = np.pad(image, 1, mode="edge")

    def moved(steps: dict[int, int]) -> Array:
        return padded[
            tuple(slice(1 + steps.get(a, 0), 1 + steps.get(a, 0) + n)
                  for a, n in enumerate(image.shape))
        ]  # fmt: skip

    shares = {axis: sds[axis] / scale for axis in axes}
    own = {a: (moved({a: 1}) - 2 * image + moved({a: -1})) * shares[a] ** 2 for a in axes}
    # Where the curvatures add up to a dip there is no bright tube: half of the work is saved.
    places = np.nonzero(mask & (sum(own.values()) < 0))
    hessian = np.empty((len(places[0]), len(axes), len(axes)), np.float32)
    for row, axis in enumerate(axes):
        hessian[:, row, row] = own.pop(axis)[places]
    for (i, a), (j, b) in combinations(enumerate(axes), 2):
        mixed = moved({a: 1, b: 1}) - moved({a: 1, b: -1})
        mixed += moved({a: -1, b: -1}) - moved({a: -1, b: 1})
        hessian[:, i, j] = hessian[:, j, i] = mixed[places] * (shares[a] * shares[b] / 4)
    across = np.linalg.eigvalsh(hessian)[:, : max(1, len(axes) - 1)]
    found[places] = np.prod(np.maximum(-across, 0), axis=1) ** (1 / across.shape[1])
    return found
