"""A trained segmenter for scans: prepared, predicted and thresholded as in ``evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vbench.data.nifti import Image, write_like_native
from vbench.data.pictures import is_picture, write_picture
from vbench.data.predict import decided, predict_volume
from vbench.data.prepare import scan_volume
from vbench.data.subject_files import read_channels
from vbench.data.windows import watched
from vbench.errors import ContractError, DivergedError, StoreError
from vbench.interfaces import Segmenter
from vbench.labels import written
from vbench.trained.arm import TrainedArm
from vbench.types import Array, Volume


@dataclass(frozen=True)
class Prediction:
    """What was found in one scan.

    Attributes:
        volume: The scan as the segmenter saw it.
        probability: float32 ``(X, Y, Z)`` in RAS+, vessel probability, 0 outside of the mask; of
            several repetitions their mean. With several classes ``(classes + 1, X, Y, Z)``, the
            background first.
        threshold: Probability from which on a voxel is vessel; None with several classes.
        spread: Standard deviation of the probability over the repetitions; None for one.
        derived: How the mask was derived from the image; None: it was given.
    """

    volume: Volume
    probability: npt.NDArray[np.float32]
    threshold: float | None
    spread: npt.NDArray[np.float32] | None = None
    derived: str | None = None

    @cached_property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Where there is vessel, bool ``(X, Y, Z)`` in RAS+."""
        return np.asarray(self.index > 0)

    @cached_property
    def index(self) -> npt.NDArray[np.uint8]:
        """The index of the class of each voxel ``(X, Y, Z)``, 0 for the background."""
        return decided(self.probability, self.threshold)

    @property
    def cubic_millimetres(self) -> float:
        """The vessels' volume."""
        return float(self.mask.sum() * np.prod(self.volume.spacing))

    def write(self, path: str | Path) -> None:
        """Write the classes as NIfTI or PNG, on the grid of the file that the scan was read from.

        They have the values of the labels that the segmenter learnt from: 1 for vessel. In a PNG
        file, a single class is 255.
        """
        values = self.volume.values
        if not is_picture(Path(path)):
            write_like_native(path, written(self.index, values), self.volume)
            return
        write_picture(path, written(self.index, values if len(values) > 1 else (255,)))

    def write_maps(self, folder: Path, name: str, *, picture: bool = False) -> None:
        """Write ``probability/<name>.nii.gz`` and, of several repetitions, ``spread/…``.

        With several classes each has a file, ``<name>_<value>.nii.gz``. Of a picture, files are
        ``.png`` of 16 bits: 65535 is 1.
        """

        def write(folder: Path, name: str, values: Array) -> None:
            if picture:
                write_picture(folder / f"{name}.png", values)
            else:
                write_like_native(folder / f"{name}.nii.gz", values, self.volume)

        for kind, values in (("probability", self.probability), ("spread", self.spread)):
            if values is None:
                continue
            if values.ndim == 3:
                write(folder / kind, name, values)
                continue
            for value, one in zip((0, *self.volume.values), values, strict=True):
                write(folder / kind, f"{name}_{value}", one)


class TrainedSegmenter:
    """The segmenter of an arm: of one repetition, or the mean of several.

    Attributes:
        arm: What it is of.
        threshold: Probability from which on a voxel is vessel; of several repetitions the mean of
            theirs.
    """

    def __init__(self, arm: TrainedArm, device: str = "cpu") -> None:
        """Load the weights.

        Raises:
            StoreError: When they are not there, or do not fit.
        """
        self.arm = arm
        self.threshold = arm.threshold
        self._segmenters = arm.segmenters(device)
        self._normalise = arm.normalise

    def predict(
        self,
        image: str | Path,
        mask: str | Path | None = None,
        *,
        others: Sequence[str | Path] = (),
        progress: Callable[[float], None] | None = None,
    ) -> Prediction:
        """Predict one scan.

        Args:
            image: A NIfTI file; a picture, where the arm learnt from pictures.
            mask: A file of that kind that is not 0 where vessels are to be looked for; None: it is
                derived from the image, as for data without masks.
            others: NIfTI files of the further channels, in the arm's order.
            progress: Is told the share that is done, 0 to 1, where the segmenter says so.

        Raises:
            DataError: When a file cannot be used.
            StoreError: When the segmenter breaks its contract.
        """
        read = read_channels(image, others, mask, read=self.arm.read)
        return self.predict_scan(Path(image).name, *read, progress=progress)

    def predict_scan(
        self,
        name: str,
        scan: Image,
        mask: Array | None,
        *,
        progress: Callable[[float], None] | None = None,
    ) -> Prediction:
        """Predict a scan that was read; see :meth:`predict`."""
        volume, prepared = scan_volume(
            name, scan, mask, self._normalise, self.arm.labels, self.arm.channels
        )
        count = len(self._segmenters)
        mean, squares = None, None
        for number, segmenter in enumerate(self._segmenters):

            def tell(done: int, of: int, before: int = number) -> None:
                if progress:
                    progress((before + done / of) / count)

            with watched(tell):
                found = self._predicted(segmenter, volume)
            if mean is None or squares is None:
                mean, squares = found, np.zeros_like(found) if count > 1 else found
                continue
            # Welford's way: no sum of squares that grows and cancels.
            step = found - mean
            mean = mean + step / np.float32(number + 1)
            squares += step * (found - mean)
        assert mean is not None
        spread = None if count == 1 or squares is None else np.sqrt(squares / np.float32(count - 1))
        return Prediction(volume, mean, self.threshold, spread, prepared.derived)

    def _predicted(self, segmenter: Segmenter, volume: Volume) -> npt.NDArray[np.float32]:
        try:
            return predict_volume(segmenter, volume)
        except (ContractError, DivergedError) as error:
            raise StoreError(f"{self.arm.arm.name} on {volume.id}: {error}") from error
