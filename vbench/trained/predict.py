"""``predict``: an arm's segmenter on new scans, into a folder.

All is checked before the first scan is predicted; then each finished prediction is on disk at once,
and the same call goes on where it was interrupted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from vbench._version import __version__
from vbench.data.datasetjson import ignore_beside
from vbench.data.folder import content_digest
from vbench.data.label_values import whole_numbers
from vbench.data.nifti import Image
from vbench.data.pictures import MOST, is_picture
from vbench.data.subject_files import check_same_grid, read_channels
from vbench.defaults import OUT
from vbench.engine.store import writable
from vbench.errors import DataError
from vbench.files import read_json, write_json
from vbench.labels import LabelMap
from vbench.scoring.pairing import Pair
from vbench.scoring.score import Scores, score_pairs
from vbench.share.aside import check_free
from vbench.trained.arm import Seeds, TrainedArm, open_arm, remarks, settled
from vbench.trained.predictions import (
    FILE,
    Made,
    Predicted,
    Predictions,
    PredictionsFile,
    mask_file,
)
from vbench.trained.scans import ScanFiles, find_scans, scan_shape
from vbench.trained.segmenter import TrainedSegmenter
from vbench.types import Array

#: Voxels that are larger or smaller than in training by more than this are worth a remark.
SPACING = 0.2
#: Is told which scan is being predicted, and voxels done and in all; a training has steps alike.
Progress = Callable[[str, int, int], None]


def predict(
    arm: str,
    images: str | Path | Iterable[str | Path],
    to: str | Path,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: Seeds = None,
    probabilities: bool = False,
    mask: str | Path | None = None,
    score: str | Path | None = None,
    device: str = "auto",
    progress: Progress = lambda name, done, total: None,
) -> Predictions:
    """Predict new scans with an arm's segmenter.

    Each scan is normalised, masked, predicted and thresholded as the benchmark's test subjects are,
    and the mask is written on the scan's own grid.

    Args:
        arm: Such as ``synthetic/wgan-gp-sn``.
        images: NIfTI files, folders of them, or nnU-Net data sets, whose ``imagesTs`` is meant;
            pictures, or folders of them, where the arm learnt from pictures.
        to: Where to; must not exist, be empty, or be what the same call left unfinished.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: Which repetition, such as 1, or ``0 fold 2`` of several folds; None: the best on
            validation subjects; ``"all"``: the mean probability of all, with the spread beside it.
        probabilities: Also write the probabilities, in ``probability/``.
        mask: File or folder of masks, for an arm whose volumes came with masks.
        score: File or folder of true labels to score against.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: Is told the scan, and the voxels done and in all.

    Raises:
        StoreError: When there is no such arm, it has not finished, or the folder is in use.
        DataError: When an image, mask or label cannot be used.
    """
    folder = Path(to)
    opened = open_arm(arm, benchmark=benchmark, out=out, seed=seed)
    given = [images] if isinstance(images, str | Path) else list(images)
    scans = find_scans(
        given,
        channel=opened.channel,
        mask=mask,
        labels=score,
        channels=opened.channels,
        pictures=opened.pictures is not None,
        masked=opened.masked,
    )
    if not scans:
        raise DataError("no image is named; name files or folders")
    maps = probabilities or seed == "all"
    about = PredictionsFile(made=_made(opened, maps))
    done = _unfinished(folder, about.made, scans)
    segmenter = TrainedSegmenter(opened, settled(device))
    ignored = (*opened.unlabelled, *(() if score is None else ignore_beside(Path(score))))
    named = opened.labels
    if named is not None:
        several = len(named.names) > 1
        named = replace(named, ignore=tuple({*named.ignore, *ignored})) if several else None
    digests, spacings, kept = _checked(opened, scans, named)
    told = [*remarks(opened, "segmenter", opened.first.trial.inputs.plugin)]
    drawn = [scan for scan in scans if is_picture(scan.image)]
    if drawn:
        highest = max(opened.labels.written) if opened.labels is not None else 1
        if highest > MOST:
            raise DataError(
                f"{drawn[0].image}: the arm's classes have values up to {highest}, and a PNG file "
                f"holds {MOST} at most; convert the pictures to NIfTI"
            )
        told += filter(None, [opened.changed("source", opened.prepared.plugin)])
    told += [*_remarks(opened, scans, spacings)]
    total = len(opened.chosen) * sum(voxels(scan) for scan in scans)
    finished, before = [], 0
    with writable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, about)
        for scan in scans:
            start, size = time.perf_counter(), len(opened.chosen) * voxels(scan)
            one = done.get(scan.name)
            if one is None or one.digest != digests[scan.name]:
                read = kept or read_channels(scan.image, scan.others, scan.mask, read=opened.read)
                tell = partial(_tell, progress, scan.name, before, size, total)
                tell(0.0)
                found = segmenter.predict_scan(scan.name, *read, progress=tell)
                if maps:
                    found.write_maps(folder, scan.name, picture=is_picture(scan.image))
                found.write(_mask_file(folder, scan))
                one = Predicted(
                    name=scan.name,
                    image=scan.image.name,
                    digest=digests[scan.name],
                    mask=found.derived or "given",
                    vessel_mm3=float(f"{found.cubic_millimetres:.6g}"),
                    seconds=round(time.perf_counter() - start, 3),
                )
            finished.append(one)
            before += size
            progress(scan.name, before, total)
            about = about.model_copy(update={"images": tuple(finished)})
            _write(folder, about)
        about = about.model_copy(update={"finished": True})
        _write(folder, about)
    scores = None if score is None else _scored(opened, folder, scans, named, ignored)
    return Predictions(folder, about, scores, tuple(told))


def _tell(progress: Progress, name: str, before: int, size: int, total: int, share: float) -> None:
    progress(name, before + int(share * size), total)


def voxels(scan: ScanFiles) -> int:
    """Return the number of voxels of a scan, from its header."""
    return int(np.prod(scan_shape(scan.image)))


def _mask_file(folder: Path, scan: ScanFiles) -> Path:
    return mask_file(folder, scan.name, scan.image.name)


def _made(opened: TrainedArm, maps: bool) -> Made:
    return Made(
        vbench=__version__,
        benchmark=opened.results.benchmark,
        arm=opened.arm.name,
        segmenter=opened.arm.segmenter,
        seeds=tuple(each.seed for each in opened.chosen),
        trials=tuple(each.trial.key for each in opened.chosen),
        thresholds=opened.thresholds,
        threshold=opened.threshold,
        normalise=opened.normalise,
        probabilities=maps,
    )


def _unfinished(folder: Path, made: Made, scans: list[ScanFiles]) -> dict[str, Predicted]:
    """Return what an interrupted call with the same settings has finished.

    Raises:
        StoreError: When the folder holds anything else.
    """
    try:
        about = PredictionsFile.model_validate(read_json(folder / FILE))
    except (OSError, ValueError):
        check_free(folder)
        return {}
    others = {one.name for one in about.images} - {scan.name for scan in scans}
    if about.finished or about.made != made or others:
        check_free(folder)
    there = (one for one in about.images if mask_file(folder, one.name, one.image).is_file())
    return {one.name: one for one in there}


def _checked(
    opened: TrainedArm, scans: list[ScanFiles], named: LabelMap | None
) -> tuple[dict[str, str], list[tuple[float, ...]], tuple[Image, Array | None] | None]:
    """Read every scan and label once, so that none that is damaged is found after hours.

    Args:
        opened: The arm.
        scans: The scans.
        named: The classes, where there are several: labels may have no other values.

    Returns:
        The digest of each, the spacing of each, and the scan itself when there is only one.
    """
    digests: dict[str, str] = {}
    spacings: list[tuple[float, ...]] = []
    read = None
    for scan in scans:
        read = read_channels(scan.image, scan.others, scan.mask, read=opened.read)
        parts = read[0].array if scan.others else read[0].array[None]
        for path, part in zip((scan.image, *scan.others), parts, strict=True):
            if part.min() == part.max():
                raise DataError(f"{path}: the image is constant; leave it out")
        if scan.label is not None:
            _check_label(opened, scan.label, replace(read[0], array=parts[0]), named)
        files = filter(None, (scan.image, scan.mask, *scan.others))
        digests[scan.name] = " ".join(content_digest(file) for file in files)
        spacings.append(read[0].spacing)
    return digests, spacings, read if len(scans) == 1 else None


def _check_label(opened: TrainedArm, path: Path, scan: Image, named: LabelMap | None) -> None:
    """Hold a label to what scoring asks of it.

    Raises:
        DataError: When it lies elsewhere than its image, or its values are no label's.
    """
    label = opened.read(path, integer=True, unit=scan.unit)
    check_same_grid(label, scan)
    values = whole_numbers(label)
    if named is not None:
        try:
            named.index(values)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error


def _remarks(
    opened: TrainedArm, scans: list[ScanFiles], spacings: list[tuple[float, ...]]
) -> list[str]:
    """Say how the scans differ from what the arm learnt from."""
    told = []
    without = [scan.name for scan in scans if scan.mask is None]
    if without and opened.masked:
        told.append(
            f"{_several(without)}: no mask, and the arm learnt from masked volumes: a mask was "
            "derived from the image; give one with --mask"
        )
    if len(without) < len(scans) and not opened.masked:
        told.append("the arm learnt from volumes without masks; masks change the intensities")
    trained = opened.spacing
    if trained is not None:
        other = [
            scan.name
            for scan, own in zip(scans, spacings, strict=True)
            if any(abs(a / b - 1) > SPACING for a, b in zip(own, trained, strict=True))
        ]
        if other:
            size = " × ".join(f"{edge:.3g}" for edge in trained)
            told.append(
                f"{_several(other)}: the voxels are of another size than in training ({size} mm); "
                "vbench does not resample, so the result may be worse"
            )
    return told


def _several(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _scored(
    opened: TrainedArm,
    folder: Path,
    scans: list[ScanFiles],
    named: LabelMap | None,
    ignored: Sequence[int],
) -> Scores:
    vessels = None if opened.vessels is None else (*opened.vessels, *ignored)
    values = bool(named is not None or vessels or ignored)
    pairs = [
        Pair(scan.name, _mask_file(folder, scan), scan.label, opened.pixel, values, vessels)
        for scan in scans
        if scan.label is not None
    ]
    return score_pairs(pairs, classes=named or False, ignored=ignored)


def _write(folder: Path, about: PredictionsFile) -> None:
    write_json(folder / FILE, about.to_json())
