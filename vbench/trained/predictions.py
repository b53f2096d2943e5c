"""A folder of predictions, and what it says of itself in ``predictions.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vbench.data.pictures import is_picture
from vbench.records.model import Record
from vbench.records.parts import Repetition
from vbench.scoring.score import Scores

#: What a folder of predictions says of itself.
FILE = "predictions.json"


class Predicted(Record):
    """One prediction.

    Attributes:
        name: The file without its ending.
        image: Name of the file that was predicted.
        digest: Of its bytes, and its mask's.
        mask: ``given``, or how it was derived.
        vessel_mm3: Volume of the vessels, cubic millimetres.
        seconds: Reading, predicting and writing.
    """

    name: str
    image: str
    digest: str
    mask: str
    vessel_mm3: float
    seconds: float


class Made(Record):
    """By what predictions were made.

    Attributes:
        segmenter: The plugin.
        seeds: The repetitions.
        trials: Their jobs.
        thresholds: Theirs; ``threshold`` is the mean; none with several classes, of which the most
            probable is taken.
        normalise: How intensities were normalised.
        probabilities: Whether there are maps of them.
    """

    vbench: str
    benchmark: str
    arm: str
    segmenter: str
    seeds: tuple[Repetition, ...]
    trials: tuple[str, ...]
    thresholds: tuple[float, ...]
    threshold: float | None
    normalise: str
    probabilities: bool


class PredictionsFile(Record):
    """``predictions.json``; ``finished`` is False while scans are left."""

    format: Literal["vbench-predictions-1"] = "vbench-predictions-1"
    finished: bool = False
    made: Made
    images: tuple[Predicted, ...] = ()


@dataclass(frozen=True)
class Predictions:
    """What :func:`predict` wrote.

    Attributes:
        folder: The folder: ``<name>.nii.gz`` of each scan, ``<name>.png`` of each picture, and
            ``predictions.json``.
        about: What that says.
        scores: Against the labels; None without any.
        remarks: What is worth knowing, a line each.
    """

    folder: Path
    about: PredictionsFile
    scores: Scores | None
    remarks: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """The predicted masks, in order."""
        return [mask_file(self.folder, image.name, image.image) for image in self.about.images]


def mask_file(folder: Path, name: str, image: str) -> Path:
    """Return where the mask of a scan is: that of a picture is one, too.

    Args:
        folder: Of the predictions.
        name: What the scan is called.
        image: Name of its file.
    """
    return folder / (f"{name}.png" if is_picture(Path(image)) else f"{name}.nii.gz")
