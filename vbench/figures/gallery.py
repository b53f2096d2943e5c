"""Pictures from the store: samples beside real patches, projections of test subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.analysis.chosen import Generator
from vbench.analysis.folder import Arm, Results
from vbench.analysis.layout import short_name
from vbench.analysis.scores import arm_scores
from vbench.analysis.stats import per_subject
from vbench.analysis.wording import number
from vbench.errors import StoreError
from vbench.figures.figure import Figure
from vbench.figures.pixels import enlarge, patch_sheet, png, projection_sheet
from vbench.files import read_npy
from vbench.labels import MOST
from vbench.layout import label_of
from vbench.masks.slices import ray
from vbench.picture import sides
from vbench.records.judging import EvaluateInputs
from vbench.records.parts import Repetition
from vbench.records.training import FitGeneratorResult, PrepareInputs
from vbench.regimes import named
from vbench.types import Volume

Board = Mapping[str, Any]
#: Patches shown of each kind.
SHOWN = 8


def samples(results: Results, store: Path) -> list[Figure]:
    """Return real patches, then what each generator sampled: image, label, overlay."""
    figures: list[Figure] = []
    real = None
    for arm in results.arms:
        found = chosen_samples(results, arm, store)
        if found is None or any(figure.title == arm.generator for figure in figures):
            continue
        fit, patches = found
        real = real if real is not None else _real_patches(fit, store)
        caption = f"Seed {fit.seed}, the candidate that {arm.name} selected."
        figures.append(_sheet(sheet_file(patches), str(arm.generator), caption))
    if real is not None:
        figures.insert(
            0, _sheet(sheet_file(real), "real", "Centred on vessels of training subjects.")
        )
    return figures


@dataclass(frozen=True)
class PreviewImage:
    """Samples of a generator while it was trained.

    Attributes:
        generator: Its name.
        seed: Of the training.
        step: When.
        fault: Why they are of no use; empty when nothing was found.
        file: PNG: images, labels, overlays.
    """

    generator: str
    seed: Repetition
    step: int
    fault: str
    file: bytes


def previews(results: Results, arm: Arm, store: Path) -> Iterator[PreviewImage]:
    """Yield the previews of an arm's generator, in the order of its training."""
    for seed, key in arm.evaluate.items():
        for fit in results.needed_by([key], "fit-generator"):
            for preview in fit.result_as(FitGeneratorResult).previews:
                path = store / fit.key / Path(preview.file or "").name
                if path.is_file():
                    patches = _patches(path)
                    fault = preview.collapsed or ""
                    file = sheet_file(patches)
                    yield PreviewImage(str(arm.generator), seed, preview.step, fault, file)


def preview_figures(results: Results, store: Path) -> list[Figure]:
    """Return what each generator sampled while it was trained with the first seed."""
    figures = []
    seen: set[str | None] = set()
    for arm in results.arms:
        if not arm.shares or arm.generator in seen:
            continue
        seen.add(arm.generator)
        seed: Repetition | None = None
        for preview in previews(results, arm, store):
            if seed not in (None, preview.seed):
                break
            seed = preview.seed
            title = f"{preview.generator}, step {preview.step}"
            fault = f" Collapsed: {preview.fault}." if preview.fault else ""
            figures.append(_sheet(preview.file, title, f"Seed {preview.seed}.{fault}"))
    return figures


def _array(path: Path, expected: str, fits: Callable[[npt.NDArray[Any]], bool]) -> Any:
    """Open an array of the store.

    Raises:
        StoreError: When it is none, or another one than is expected.
    """
    try:
        array = read_npy(path)
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path}: cannot be read ({error}); remove its folder and run again"
        ) from error
    if array.dtype.kind not in "biuf" or not array.size or not fits(array):
        raise StoreError(
            f"{path}: an array {array.shape} of {array.dtype}, expected {expected}; remove its "
            "folder and run again"
        )
    return array


def _patches(path: Path) -> Any:
    """Open labelled patches, of which the first are shown."""

    def fits(array: npt.NDArray[Any]) -> bool:
        if array.ndim not in (4, 5) or array.shape[1] < 2:
            return False
        shown = np.asarray(array[:SHOWN], np.float64)
        labels = label_of(shown)
        return bool(np.isfinite(shown).all() and labels.min() >= 0 and labels.max() <= MOST)

    return _array(path, "finite patches (n, channels and label, *size)", fits)


def sheet_file(patches: npt.NDArray[Any]) -> bytes:
    """Return a PNG file of the first labelled patches: images, labels, overlays."""
    return png(enlarge(patch_sheet(patches[:SHOWN])))


def _sheet(file: bytes, title: str, caption: str) -> Figure:
    words = f"Patches, {title}: images, labels below, overlays at the bottom"
    return Figure(title, None, caption, file, words)


def chosen_samples(
    results: Results, arm: Arm, store: Path
) -> tuple[Generator, npt.NDArray[np.float16]] | None:
    """Return the fit and the samples of the candidate that an arm's first seed selected.

    Returns:
        The fitted generator and ``(16, channels, *size)``; None without a generator.
    """
    if not arm.shares:
        return None
    for chosen in results.all_chosen(arm):
        if chosen.generator is not None:
            path = store / chosen.generator.key / f"samples-{chosen.candidate}.npy"
            if path.is_file():
                return chosen.generator, _patches(path)
    return None


def _real_patches(fit: Generator, store: Path) -> npt.NDArray[np.float32] | None:
    """Cut vessel-centred patches of the subjects that a generator was fitted on."""
    from vbench.data.patches import VolumePatches
    from vbench.data.prepare import open_volume
    from vbench.errors import DataError

    size = fit.inputs.patches.size
    try:
        volumes = [open_volume(store / key) for key in fit.inputs.train[:SHOWN]]
        each = -(-SHOWN // max(len(volumes), 1))
        patches = VolumePatches(volumes, size=size, per_subject=each, vessel_centred=1.0, seed=0)
    except DataError:
        return None
    return patches.take(np.arange(min(SHOWN, len(patches)), dtype=np.int64))


@dataclass(frozen=True)
class Projection:
    """The projections of one test subject of an arm.

    Attributes:
        word: ``best subject``, ``median subject`` or ``worst subject``.
        subject: Its name.
        value: Its score by the primary metric, averaged over seeds.
        seed: Whose prediction is shown.
        file: PNG: image, reference, prediction, errors.
    """

    word: str
    subject: str
    value: float
    seed: Repetition
    file: bytes


def projections(results: Results, board: Board, store: Path) -> list[Figure]:
    """Return, for the best arm of each regime, its best, median and worst test subject."""
    metric = short_name(str(board["primary"]))
    return [
        Figure(
            f"{arm.name}: {shown.word}",
            None,
            f"{shown.subject}, {metric} {number(shown.value)} over seeds; seed {shown.seed} shown.",
            shown.file,
            f"{arm.name}, {shown.subject}: image, reference, prediction, errors",
        )
        for arm in best_of_regimes(results, board)
        for shown in arm_projections(results, board, arm, store)
    ]


def arm_projections(results: Results, board: Board, arm: Arm, store: Path) -> Iterator[Projection]:
    """Yield the best, median and worst test subject of an arm, of its first finished seed."""
    finished = ((seed, results.evaluated(arm, seed)) for seed in arm.evaluate)
    seed, evaluated = next(((s, e) for s, e in finished if e is not None), (None, None))
    if seed is None or evaluated is None:
        return
    for word, subject, value in extremes(results, board, arm):
        path = store / arm.evaluate[seed] / "mip" / Path(f"{subject}.npy").name
        if path.is_file():
            volume = prepared(results, arm.evaluate[seed], subject, store)
            letters = ("", "")
            if volume is not None:
                letters = sides(volume.affine, ray(volume.shape))
            planes = _array(
                path,
                "three projections (3, X, Y) of uint8",
                lambda found: found.ndim == 3 and len(found) == 3 and found.dtype == np.uint8,
            )
            sheet = projection_sheet(planes, letters, several=bool(evaluated.labels))
            file = png(sheet)
            yield Projection(word, subject, value, seed, file)


def prepared(results: Results, evaluate: str, subject: str, store: Path) -> Volume | None:
    """Open the prepared volume of a test subject; None when the store lacks it.

    Args:
        results: The benchmark.
        evaluate: Key of the job that scored it.
        subject: Its name.
        store: The store.
    """
    from vbench.data.prepare import open_volume
    from vbench.errors import DataError

    for key in results.records[evaluate].inputs_as(EvaluateInputs).test:
        about = results.finished(key)
        if about is not None and about.inputs_as(PrepareInputs).subject == subject:
            try:
                return open_volume(store / key)
            except DataError:
                continue
    return None


def best_of_regimes(results: Results, board: Board) -> Iterator[Arm]:
    """Yield the best finished arm of each regime, in the leaderboard's order.

    The baseline only where there is nothing else.
    """
    arms = {arm.name: arm for arm in results.arms}
    seen: set[str] = set()
    rows = [row for row in board["rows"] if row["status"] == "ok"]
    learnt = [row for row in rows if named(row["regime"]).learns]
    for row in learnt or rows:
        if row["regime"] in seen:
            continue
        seen.add(row["regime"])
        yield arms[row["arm"]]


def extremes(results: Results, board: Board, arm: Arm) -> list[tuple[str, str, float]]:
    """Name the best, median and worst subject of an arm, with their scores; each once."""
    metric = board["primary"]
    if metric is None:
        return []
    scores = arm_scores(results, arm, [metric])[metric]
    values = per_subject(scores.values)
    sign = -1.0 if board["metrics"][metric]["higher_is_better"] is False else 1.0
    order = [int(i) for i in np.argsort(-sign * values, kind="stable") if np.isfinite(values[i])]
    if not order:
        return []
    chosen = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    named: dict[int, str] = {}
    for word, index in chosen.items():
        named[index] = f"{named[index]} and {word}" if index in named else word
    return [
        (
            f"{word} subject",
            results.first_subject(arm.cohort, scores.subjects[i]),
            float(values[i]),
        )
        for i, word in named.items()
    ]
