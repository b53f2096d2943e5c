"""A predicted and a reference mask, with what scores share computed at most once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.masks import lengths, on_device, places, radius, thinning, voxels
from vbench.masks.slices import thin_axis
from vbench.masks.voxels import Bools, Indices, Labels

Floats = npt.NDArray[np.float64]

#: Above this share of queried voxels, a distance transform of the box beats a k-d tree.
_DENSE_QUERY = 1 / 6


class MaskPair:
    """Prediction and reference (``truth``) of one subject, 2D or 3D.

    One slice is 2D: a volume that is one voxel thick along some axis is scored in the plane of
    the other two, with their spacing, whether it was given as ``(X, Y)`` or as ``(X, Y, 1)``.

    Every property is computed on first use and then kept, so a score costs only what no earlier
    score needed. Where a property has two entries, the first is that of the prediction, the second
    that of the reference. Voxels are flat indices into :attr:`prediction` and :attr:`truth`, in
    ascending order.

    Masks may be torch tensors, on any device. Of tensors on a GPU, distances are searched there;
    all else is computed on the host, and gives the same numbers as arrays do.

    Attributes:
        shape: Shape of the whole volume; of its plane when it is one slice.
        spacing: Voxel edge lengths in mm, one per axis of ``shape``.
        seed: For scores that depend on an order, such as ``hd95-evalseg``.
    """

    def __init__(
        self,
        prediction: npt.ArrayLike,
        truth: npt.ArrayLike,
        spacing: Sequence[float],
        mask: npt.ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        """Keep references to the masks; nothing is computed yet.

        Args:
            prediction: ``(X, Y)`` or ``(X, Y, Z)``; what is not zero is vessel. Further axes of
                length one are dropped.
            truth: The same shape.
            spacing: Voxel edge lengths in mm, one per axis; of one slice ``(X, Y, 1)``, those of
                the two in-plane axes will do.
            mask: Where to score: outside, both masks count as background. None: everywhere.
            seed: For scores that depend on an order.

        Raises:
            ValueError: When shapes differ, or ``spacing`` is not a positive length per axis.
        """
        given = {"prediction": prediction, "truth": truth, "mask": mask}
        arrays = {name: on_device.on_host(m) for name, m in given.items() if m is not None}
        self._device = on_device.accelerator(given.values())
        planes = {name: _as_plane(array) for name, array in arrays.items()}
        edges = _edges(arrays["truth"].shape, spacing)
        self._given = planes
        self.shape: tuple[int, ...] = planes["truth"].shape
        self.spacing = edges
        self.seed = seed
        for name, array in planes.items():
            if array.shape != self.shape:
                raise ValueError(
                    f"{name} has shape {arrays[name].shape}, truth has {arrays['truth'].shape}"
                )
        if self.ndim not in (2, 3):
            raise ValueError(f"masks need 2 or 3 axes, these have {self.ndim}")
        if len(self.spacing) != self.ndim or not all(0 < s < np.inf for s in self.spacing):
            raise ValueError(
                f"spacing is {tuple(map(float, spacing))}: expected {self.ndim} positive lengths "
                "in mm"
            )

    @property
    def ndim(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def diagonal(self) -> float:
        """Diagonal of the whole volume in mm: the agreed distance to an empty mask."""
        return float(np.hypot.reduce(np.multiply(self.shape, self.spacing)))

    @cached_property
    def masks(self) -> tuple[Bools, Bools]:
        """Both masks, cropped to the joint box with a margin of one background voxel."""
        found = {}
        for name, array in self._given.items():
            try:
                found[name] = places.find(array)
            except ValueError as error:
                raise ValueError(f"{name} {error}") from error
        both = [found["prediction"], found["truth"]]
        if "mask" in found:
            both = [places.within(each, self._given["mask"]) for each in both]
        box = self._box = places.joint_box(*both)
        return places.crop(both[0], box), places.crop(both[1], box)

    @property
    def prediction(self) -> Bools:
        """The prediction, cropped as :attr:`masks`."""
        return self.masks[0]

    @property
    def truth(self) -> Bools:
        """The reference, cropped as :attr:`masks`."""
        return self.masks[1]

    @cached_property
    def index(self) -> tuple[Indices, Indices]:
        """The voxels of each mask."""
        return np.flatnonzero(self.prediction), np.flatnonzero(self.truth)

    @property
    def n_prediction(self) -> int:
        """Number of predicted voxels."""
        return len(self.index[0])

    @property
    def n_truth(self) -> int:
        """Number of voxels of the reference."""
        return len(self.index[1])

    @cached_property
    def n_both(self) -> int:
        """Number of voxels that are in both."""
        return int(np.count_nonzero(self.truth.ravel()[self.index[0]]))

    @cached_property
    def excess(self) -> tuple[Indices, Indices]:
        """The false-positive and the false-negative voxels."""
        (p, t), (predicted, true) = self.index, self.masks
        return p[~true.ravel()[p]], t[~predicted.ravel()[t]]

    @cached_property
    def borders(self) -> tuple[Indices, Indices]:
        """The border of each mask: the mask minus its erosion by the face-connected element.

        What lies outside of the volume counts as background.
        """
        return (
            voxels.border(self.prediction, self.index[0]),
            voxels.border(self.truth, self.index[1]),
        )

    @cached_property
    def distances(self) -> tuple[Floats, Floats]:
        """Distance in mm from every border voxel to the other mask's nearest border voxel.

        In the order of :attr:`borders`; neither mask may be empty.
        """
        return self._border_distances(0), self._border_distances(1)

    @cached_property
    def excess_distances(self) -> tuple[Floats, Floats]:
        """Distance in mm from every voxel of :attr:`excess` to the nearest one of the other mask.

        Neither mask may be empty.
        """
        return self._excess_distances(0), self._excess_distances(1)

    @cached_property
    def components(self) -> tuple[Labels, Labels]:
        """The connected component of every voxel of :attr:`index`, from 0; connectivity 26 (8)."""
        return (
            voxels.components(self.prediction, self.index[0]),
            voxels.components(self.truth, self.index[1]),
        )

    @cached_property
    def skeletons(self) -> tuple[Indices, Indices]:
        """The voxels of the centrelines; they keep components and loops of each mask."""
        return (
            thinning.skeleton(self.prediction, self.index[0], self.spacing),
            thinning.skeleton(self.truth, self.index[1], self.spacing),
        )

    @cached_property
    def betti(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Numbers of components, loops and cavities of each mask, connectivity 26/6 (8/4)."""
        return (
            voxels.betti(self.prediction, self.index[0], self.components[0]),
            voxels.betti(self.truth, self.index[1], self.components[1]),
        )

    @cached_property
    def truth_radius(self) -> Floats:
        """Vessel radius in mm at every reference voxel: that of the nearest centreline voxel.

        There it is the mean distance of the vessel's surface from its middle, as
        :func:`vbench.masks.radius.along` measures it. Infinite when the reference fills the volume.
        What lies outside of the volume is not background: a vessel that leaves it is not thin.
        """
        centre, index = self.skeletons[1], self.index[1]
        if not len(index):
            return np.zeros(0)
        nearest = self._tree(centre).query(self.points(index))[1]
        cut = [(s.start == 0, s.stop == n) for s, n in zip(self._box, self.shape, strict=True)]
        found = radius.along(self.truth, index, centre, nearest, self.spacing, cut)
        known = np.flatnonzero(np.isfinite(found))
        if not len(known):
            return np.full(len(index), np.inf)
        missing = np.flatnonzero(np.isnan(found))
        if len(missing):
            beside = self._tree(centre[known]).query(self.points(centre[missing]))[1]
            found[missing] = found[known[beside]]
        return found[nearest]

    def points(self, index: Indices) -> Floats:
        """Return the places of voxels in mm, ``(n, ndim)``."""
        places = np.stack(np.unravel_index(index, self.truth.shape), axis=1)
        return places * np.asarray(self.spacing)

    def _tree(self, index: Indices) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.points(index), leafsize=32, balanced_tree=False, compact_nodes=False)

    @cached_property
    def _trees(self) -> list[Any]:
        return [None, None]

    def _nearest(self, side: int, index: Indices) -> Floats:
        """Return distances of voxels to the nearest border voxel of a mask; all ways are exact."""
        if not len(index):
            return np.zeros(0)
        if len(index) > _DENSE_QUERY * self.truth.size:
            from scipy.ndimage import distance_transform_edt

            free = np.ones(self.truth.shape, bool)
            free.ravel()[self.borders[side]] = False
            return distance_transform_edt(free, sampling=self.spacing).ravel()[index]
        if self._device is not None:
            targets = self.points(self.borders[side])
            found = on_device.nearest(self.points(index), targets, self._device)
            if found is not None:
                return found
        if self._trees[side] is None:
            self._trees[side] = self._tree(self.borders[side])
        return self._trees[side].query(self.points(index))[0]

    def _outside(self, side: int) -> Bools:
        """Return which border voxels of a mask the other mask does not have."""
        return ~self.masks[1 - side].ravel()[self.borders[side]]

    def _border_distances(self, side: int) -> Floats:
        # Most voxels, when the masks are alike, are on both borders or one voxel away: no search.
        own, other = self.borders[side], np.zeros(self.truth.size, bool)
        other[self.borders[1 - side]] = True
        beside = np.zeros(len(own), bool)
        shortest = min(self.spacing)
        forward = voxels.steps(self.truth.shape, faces=True)[: self.ndim]
        for step, length in zip(forward, self.spacing, strict=True):
            if length == shortest:
                beside |= other[own - step] | other[own + step]
        out = np.where(other[own], 0.0, shortest)
        apart = ~(other[own] | beside)
        out[apart] = self._nearest(1 - side, own[apart])
        return out

    def _excess_distances(self, side: int) -> Floats:
        # Those of the border are known; from outside, a mask's nearest voxel is on its border.
        out = np.empty(len(self.excess[side]))
        known = np.isin(self.excess[side], self.borders[side], assume_unique=True)
        out[known] = self.distances[side][self._outside(side)]
        out[~known] = self._nearest(1 - side, self.excess[side][~known])
        return out


def _trailing(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without the axes of length one that follow the third."""
    kept = len(shape)
    while kept > 3 and shape[kept - 1] == 1:
        kept -= 1
    return tuple(shape[:kept])


def _as_plane(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a volume, or the plane of one slice."""
    array = array.reshape(_trailing(array.shape))
    thin = thin_axis(array.shape)
    return array if thin is None else array.take(0, axis=thin)


def _edges(shape: Sequence[int], spacing: Sequence[float]) -> tuple[float, ...]:
    """Return the edge lengths of the axes that a volume, or the plane of one slice, has."""
    edges = tuple(lengths.exact(length) for length in spacing)
    if len(edges) == len(shape):
        edges = edges[: len(_trailing(shape))]
    shape = _trailing(shape)
    thin = thin_axis(shape)
    if thin is not None and len(edges) == len(shape):
        edges = edges[:thin] + edges[thin + 1 :]
    return edges
