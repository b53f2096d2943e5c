"""Scores predictions against references: arrays, files or folders, without a benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from vbench import registry
from vbench.analysis.stats import score_range
from vbench.analysis.uncertainty import mean_interval
from vbench.data.datasetjson import ignore_beside
from vbench.data.pictures import in_pixels
from vbench.errors import DataError, PluginError
from vbench.interfaces import SegmentationMetric
from vbench.labels import LabelMap
from vbench.masks.maps import MapPair
from vbench.masks.pair import MaskPair
from vbench.perclass import scores_by_class
from vbench.scoring.pairing import Maps, Pair, classes_of, pair_up
from vbench.types import Array, Score

#: A metric's name (``hd95`` or, with its version, ``hd95@1``), or a metric with parameters.
MetricLike: TypeAlias = str | SegmentationMetric


@dataclass(frozen=True)
class Case:
    """One metric of one subject.

    Attributes:
        subject: Whose.
        label: The class that was scored, its value, or its name where classes are named; None: all
            that is not 0, or the mean over named classes.
        metric: Such as ``hd95``.
        value: None when the metric failed.
        status: ``ok``, ``undefined`` when a rule gave the value, or ``failed``.
        fault: Why it failed; empty otherwise.
    """

    subject: str
    label: int | str | None
    metric: str
    value: float | None
    status: str
    fault: str = ""


@dataclass(frozen=True)
class Summary:
    """One metric over all subjects.

    Attributes:
        mean: Over all cases that have a value, the undefined ones too; None when there is none.
        sd: Standard deviation between subjects; None for one.
        ci95: 95 % interval of the mean, over subjects; None for one.
        n: Subjects.
        n_undefined: Those whose value a rule gave.
        n_failed: Those without a value.
        unit: ``""`` for a pure number.
        higher_is_better: The direction.
    """

    mean: float | None
    sd: float | None
    ci95: list[float] | None
    n: int
    n_undefined: int
    n_failed: int
    unit: str
    higher_is_better: bool | None


@dataclass(frozen=True)
class Scores:
    """The scores of a set of subjects.

    Attributes:
        cases: By subject, class and metric.
        metrics: The metrics, in the order requested.
        missing: Subjects that have a reference and no prediction: they are in no score.
        classes: Names of the classes, in order, where they are named.
        unmeasured: Whether distances count pixels, for want of a pixel's size.
    """

    cases: tuple[Case, ...]
    metrics: tuple[SegmentationMetric, ...]
    missing: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    unmeasured: bool = False

    @property
    def labels(self) -> list[int | str | None]:
        """The classes, in order; ``[None]`` when all that is not 0 was scored as one."""
        found = {case.label for case in self.cases}
        if self.classes:
            return [label for label in (None, *self.classes) if label in found]
        return sorted(found, key=lambda label: label if isinstance(label, int) else 0)

    def summary(self, label: int | str | None = None) -> dict[str, Summary]:
        """Return each metric over the subjects, for one class."""
        own = [case for case in self.cases if case.label == label]
        return {
            m.name: _summarise(m, [c for c in own if c.metric == m.name], self.unmeasured)
            for m in self.metrics
        }


def choose(metrics: Iterable[MetricLike] | None) -> tuple[SegmentationMetric, ...]:
    """Return segmentation metrics by name, each once; all that are installed when None.

    Raises:
        PluginError: When a name is unknown, of another family, or of another version.
    """
    known = registry.default()
    if metrics is None:
        return tuple(cls() for cls in known.metrics("segmentation").values())  # type: ignore[misc]
    chosen: dict[str, SegmentationMetric] = {}
    for wanted in metrics:
        if isinstance(wanted, SegmentationMetric):
            chosen[wanted.name] = wanted
            continue
        name, _, version = wanted.partition("@")
        cls = known.metric(name)
        if not issubclass(cls, SegmentationMetric):
            raise PluginError(f"metric '{name}' is of family {cls.family}, expected segmentation")
        if version and version != str(cls.version):
            raise PluginError(f"metric '{wanted}': this vbench has {name}@{cls.version}")
        chosen[name] = cls()
    return tuple(chosen.values())


def score(
    pred: npt.ArrayLike | str | Path,
    truth: npt.ArrayLike | str | Path,
    spacing: Sequence[float] | None = None,
    metrics: Iterable[MetricLike] | None = None,
    *,
    ignore: int | Sequence[int] | None = None,
    seed: int = 0,
) -> dict[str, float]:
    """Score one prediction.

    Args:
        pred: Mask ``(X, Y)`` or ``(X, Y, Z)``, what is not 0 is vessel; or a NIfTI file. One
            slice, of whichever axis, is scored in 2D. A picture counts, too.
        truth: The same shape; or a NIfTI file.
        spacing: Voxel edge lengths in mm; needed for arrays, read from the header of files. Of
            pictures, distances count pixels without it.
        metrics: Names such as ``"hd95"``, or metrics with their parameters; None: all
            segmentation metrics.
        ignore: The value or values of the reference's voxels that nobody labelled: they are left
            out of both masks. By default, what ``dataset.json`` calls ``ignore`` where the
            reference is in an nnU-Net data set.
        seed: For metrics that draw at random.

    Returns:
        Metric name to value. Masks that are empty are scored by each metric's rule.

    Raises:
        DataError: When the masks do not fit each other, or spacing is missing.
        PluginError: When a metric is unknown.
    """
    chosen = choose(metrics)
    ignored = _values(ignore)
    if isinstance(pred, str | Path) and isinstance(truth, str | Path):
        if Path(truth).is_dir():
            raise DataError(f"{truth}: a folder; score_files takes folders")
        ignored = ignore_beside(Path(truth)) if ignore is None else ignored
        pair_of = pair_up(pred, truth)[0][0]
        if pair_of.pictures:
            pair_of = _drawn(pair_of, None, bool(ignored))
        maps = pair_of.read()
        pred, truth = maps.prediction, maps.truth
        spacing = maps.spacing if spacing is None else spacing
    elif isinstance(pred, str | Path) or isinstance(truth, str | Path):
        raise DataError("pred and truth: one is a file, one an array; give two of one kind")
    if spacing is None:
        raise DataError("spacing is missing: give the voxel edge lengths in mm, such as (1, 1, 1)")
    try:
        pair = MaskPair(pred, truth, spacing, _labelled(np.asarray(truth), ignored), seed=seed)
        _ = pair.masks
    except ValueError as error:
        raise DataError(str(error)) from error
    return {metric.name: Score.of(metric.score(pair)).value for metric in chosen}


def score_files(
    pred: str | Path,
    truth: str | Path,
    metrics: Iterable[MetricLike] | None = None,
    *,
    classes: bool | Mapping[str, Any] = False,
    ignore: int | Sequence[int] | None = None,
    pixel_size: float | tuple[float, float] | None = None,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda subject, done, total: None,
) -> Scores:
    """Score NIfTI files or pictures, or folders of them, matched by subject.

    Args:
        pred: A file or folder.
        truth: The same.
        metrics: As in :func:`score`.
        classes: ``True`` scores each value of the label maps on its own, every class for every
            subject. A table such as ``{"artery": [1, 2, 3], "vein": 4}`` names the classes, each by
            one value or several, as ``labels`` of a spec does; then scores are those of a
            benchmark: of a subject's classes those that one of its maps has, and their mean.
            ``False``: all that is not 0 is vessel.
        ignore: As in :func:`score`.
        pixel_size: Edge of a pixel in mm, or its width and height, of pictures; None: distances
            count pixels.
        seed: For metrics that draw at random.
        progress: Called before each subject, with how many are done and how many there are, and
            once at the end.

    Raises:
        DataError: When files are missing, cannot be read, or do not fit each other.
        PluginError: When a metric is unknown.
    """
    ignored = ignore_beside(Path(truth)) if ignore is None else _values(ignore)
    pairs, missing = pair_up(pred, truth)
    values = bool(classes or ignored)
    pairs = [_drawn(pair, pixel_size, values) if pair.pictures else pair for pair in pairs]
    if pixel_size is not None and not any(pair.pictures for pair in pairs):
        raise DataError(f"pixel_size: of pictures; {truth} holds volumes, whose headers say theirs")
    scores = score_pairs(
        pairs, metrics, classes=classes, ignored=ignored, seed=seed, progress=progress
    )
    return replace(scores, missing=tuple(missing))


def _drawn(pair: Pair, size: float | tuple[float, float] | None, values: bool) -> Pair:
    """Return a pair of pictures with what its files do not say.

    Raises:
        DataError: When the size is none.
    """
    if size is None:
        return replace(pair, values=values)
    pixel = size if isinstance(size, tuple) else (size, size)
    if len(pixel) != 2 or not all(0 < edge < float("inf") for edge in pixel):
        raise DataError(f"pixel_size: {size}; give one edge in mm above 0, or width and height")
    return replace(pair, values=values, pixel=(float(pixel[0]), float(pixel[1])))


def score_pairs(
    pairs: Sequence[Pair],
    metrics: Iterable[MetricLike] | None = None,
    *,
    classes: bool | Mapping[str, Any] | LabelMap = False,
    ignored: Sequence[int] = (),
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda subject, done, total: None,
) -> Scores:
    """Score files whose partners are known; see :func:`score_files`.

    Args:
        pairs: The files.
        metrics: As in :func:`score`.
        classes: As in :func:`score_files`, or what such a table was read into.
        ignored: The values of the references' voxels that nobody labelled.
        seed: For metrics that draw at random.
        progress: As in :func:`score_files`.
    """
    chosen = choose(metrics)
    labels: list[int | None] = [None]
    named = classes if isinstance(classes, LabelMap) else _named(classes)
    if named is not None:
        named = replace(named, ignore=tuple({*named.ignore, *ignored}))
    elif classes:
        found = {label for pair in pairs for label in classes_of(pair.read())}
        labels = [*sorted(found - set(ignored))] or [1]
    cases: list[Case] = []
    for done, pair in enumerate(pairs):
        progress(pair.subject, done, len(pairs))
        maps = pair.read()
        if named is not None:
            cases += _score_named(pair, maps, named, chosen, seed)
            continue
        for label in labels:
            cases += _score_maps(pair.subject, maps, label, chosen, ignored, seed)
    progress("", len(pairs), len(pairs))
    names = () if named is None else named.names
    unmeasured = any(pair.unmeasured for pair in pairs)
    return Scores(tuple(cases), chosen, classes=names, unmeasured=unmeasured)


def _named(classes: bool | Mapping[str, Any]) -> LabelMap | None:
    """Read a table of classes; None when there is none.

    Raises:
        DataError: When it is wrong.
    """
    if isinstance(classes, bool):
        return None
    try:
        return LabelMap.of(classes)
    except ValueError as error:
        raise DataError(f"classes: {error}") from error


def _score_named(
    pair: Pair, maps: Maps, named: LabelMap, metrics: Sequence[SegmentationMetric], seed: int
) -> list[Case]:
    """Score the named classes of one subject, and their mean, as a benchmark does."""
    index: list[npt.NDArray[np.uint8]] = []
    for path, values in ((pair.prediction, maps.prediction), (pair.truth, maps.truth)):
        try:
            index.append(named.index(values).classes)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
    faults: dict[str, str] = {}

    def broken(metric: SegmentationMetric, error: Exception) -> None:
        faults[metric.name] = f"{type(error).__name__}: {error}"

    prediction, truth = index
    counted = _labelled(maps.truth, named.ignore)
    both = MapPair(prediction, truth, maps.spacing, named.names, counted, seed)
    return [
        Case(pair.subject, each.label, each.metric.name, None, "failed", faults[each.metric.name])
        if each.score is None
        else Case(pair.subject, each.label, each.metric.name, *_judged(each.score))
        for each in scores_by_class(metrics, both, broken)
    ]


def _score_maps(
    subject: str,
    maps: Maps,
    label: int | None,
    metrics: Sequence[SegmentationMetric],
    ignored: Sequence[int],
    seed: int,
) -> list[Case]:
    prediction, truth = (m if label is None else m == label for m in (maps.prediction, maps.truth))
    pair = MaskPair(prediction, truth, maps.spacing, _labelled(maps.truth, ignored), seed=seed)
    return [Case(subject, label, metric.name, *_try(metric, pair)) for metric in metrics]


def _labelled(truth: Array, ignored: Sequence[int]) -> Array | None:
    """Return where a reference is labelled; None: everywhere."""
    return ~np.isin(truth, list(ignored)) if ignored else None


def _try(metric: SegmentationMetric, pair: MaskPair) -> tuple[float | None, str, str]:
    """Score; a metric that raises loses its own value only."""
    try:
        found = Score.of(metric.score(pair)).finite()
    except Exception as error:
        return None, "failed", f"{type(error).__name__}: {error}"
    return _judged(found)


def _judged(score: Score) -> tuple[float, str, str]:
    return score.value, "ok" if score.defined else "undefined", ""


def _values(ignore: int | Sequence[int] | None) -> tuple[int, ...]:
    if ignore is None:
        return ()
    return (ignore,) if isinstance(ignore, int) else tuple(ignore)


def _summarise(metric: SegmentationMetric, cases: list[Case], unmeasured: bool = False) -> Summary:
    values = np.array([case.value for case in cases if case.value is not None], float)
    status = [case.status for case in cases]
    interval = mean_interval(values[None]) if len(values) > 1 else None
    low, high = score_range(values, metric.unit, metric.higher_is_better)
    unit = in_pixels(metric.unit) if unmeasured else metric.unit
    about: dict[str, Any] = {"unit": unit, "higher_is_better": metric.higher_is_better}
    return Summary(
        mean=float(values.mean()) if len(values) else None,
        sd=float(values.std(ddof=1)) if len(values) > 1 else None,
        ci95=interval and [float(bound) for bound in np.clip(interval, low, high)],
        n=len(cases),
        n_undefined=status.count("undefined"),
        n_failed=status.count("failed"),
        **about,
    )
