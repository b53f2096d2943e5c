"""Distances between two masks, in mm: Hausdorff and average distances, surface Dice.

One name stands for several definitions in the field, so each has its own id here; the
border is the mask minus its erosion by the face-connected element, and what lies outside of the
volume counts as background.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from vbench import MaskPair, Params, Score, SegmentationMetric, param
from vbench.masks.lengths import within


class Distance(SegmentationMetric):
    """Base: a distance in mm; lower is better.

    Both masks empty: 0. One empty: the diagonal of the volume in mm, not defined.
    """

    unit = "mm"
    higher_is_better = False

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        if not pair.n_prediction or not pair.n_truth:
            empty = not pair.n_prediction and not pair.n_truth
            return Score(0.0) if empty else Score(pair.diagonal, defined=False)
        return Score(float(self.distance(pair)))

    @abstractmethod
    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""


class Hausdorff95(Distance):
    """95th percentile (linear interpolation) of the border distances, of the larger direction.

    In mm; lower is better. Both masks empty: 0. One empty: the diagonal of the volume in mm, not
    defined. The definition of MONAI.
    """

    name = "hd95"
    paper = "Huttenlocher 1993, doi:10.1109/34.232073"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        return max(float(np.percentile(d, 95)) for d in pair.distances)


class Hausdorff(Distance):
    """The largest border distance, of both directions.

    In mm; lower is better. Both masks empty: 0. One empty: the diagonal of the volume in mm, not
    defined.
    """

    name = "hd"
    paper = "Huttenlocher 1993, doi:10.1109/34.232073"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        return max(float(d.max()) for d in pair.distances)


class Hausdorff95Pooled(Distance):
    """95th percentile (linear interpolation) of the border distances of both directions together.

    In mm; lower is better. Both masks empty: 0. One empty: the diagonal of the volume in mm, not
    defined. What medpy and panoptica call HD95.
    """

    name = "hd95-pooled"
    paper = "Maier 2019, medpy, doi:10.5281/zenodo.2565940"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        return float(np.percentile(np.concatenate(pair.distances), 95))


class AverageSurfaceDistance(Distance):
    """Average symmetric surface distance: the mean of the border distances of both directions.

    In mm; lower is better. Both masks empty: 0. One empty: the diagonal of the volume in mm, not
    defined. Every border voxel of either mask counts once, as in Heimann's definition, MONAI and
    medpy; the mean of the two directions' means is another number.
    """

    name = "assd"
    paper = "Heimann 2009, doi:10.1109/TMI.2009.2013851"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        return float(np.concatenate(pair.distances).mean())


class AverageDistance(Distance):
    """Average distance as EvaluateSegmentation defines it, over all voxels of the masks.

    (Σ d(t, P) / |T| + Σ d(p, T) / |P|) / 2, with d the distance to the nearest voxel of the other
    mask, 0 inside of it. In mm; lower is better. Both masks empty: 0. One empty: the diagonal of
    the volume in mm, not defined.
    """

    name = "avd"
    paper = "Taha 2015, doi:10.1186/s12880-015-0068-x"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        predicted, true = (float(d.sum()) for d in pair.excess_distances)
        return (true / pair.n_truth + predicted / pair.n_prediction) / 2


class BalancedAverageDistance(Distance):
    """Balanced average distance: both sums of ``avd`` divided by the number of reference voxels.

    (Σ d(t, P) + Σ d(p, T)) / (2·|T|). In mm; lower is better. Both masks empty: 0. One empty: the
    diagonal of the volume in mm, not defined. Ranks vessel segmentations best of 22 measures.
    """

    name = "bavd"
    paper = "Aydin 2021, doi:10.1186/s41747-020-00200-2"

    def distance(self, pair: MaskPair) -> float:
        """Return the distance in mm of two masks that hold something."""
        return float(sum(d.sum() for d in pair.excess_distances)) / (2 * pair.n_truth)


class SurfaceDice(SegmentationMetric):
    """Normalised surface Dice: share of both borders within a tolerance of the other border.

    In [0, 1]; higher is better. Both masks empty: 1. One empty: 0. Border voxels count alike, as
    in MONAI; DeepMind's surface-distance weighs them by surface area. Version 2: a distance counts
    as within the tolerance up to the rounding of a header (:mod:`vbench.masks.lengths`);
    version 1 gave 0 for files where it gave 1 for arrays.
    """

    name = "nsd"
    version = 2
    paper = "Nikolov 2018, arXiv:1809.04430"

    class Params(Params):
        """Parameters."""

        tolerance: float = param(1.0, "Distance that is still taken for equal.", unit="mm", ge=0)

    def score(self, pair: MaskPair) -> Score:
        """Score one subject."""
        if not pair.n_prediction or not pair.n_truth:
            return Score(1.0 if pair.n_prediction == pair.n_truth else 0.0)
        near = within(np.concatenate(pair.distances), self.params.tolerance)
        return Score(float(np.mean(near)))
