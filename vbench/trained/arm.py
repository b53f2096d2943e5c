"""An arm that was trained, opened to be used: what it selected, and the methods behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

from vbench.analysis.chosen import Chosen
from vbench.analysis.folder import Arm, Results, read_results
from vbench.analysis.selected import arm_called, finished_seeds, selected
from vbench.data.folder import FolderSource
from vbench.data.nifti import Image, read_image
from vbench.data.pictures import PIXEL_SIZE, is_picture
from vbench.engine.job import identity
from vbench.engine.stages.common import fitted_segmenter, spacing_of
from vbench.engine.store import Store
from vbench.engine.worker import device_of
from vbench.errors import StoreError
from vbench.interfaces import DataSource, Segmenter
from vbench.labels import LabelMap
from vbench.records.parts import PluginIdentity, Repetition, fold_of
from vbench.records.training import PrepareInputs, PrepareResult
from vbench.registry import Registry
from vbench.share.rerun import plugins_of
from vbench.spec.labels import opened
from vbench.types import CHANNELS, Kind

#: Which repetition: one (of a seed with folds, the best of its folds), the best on the validation
#: subjects (None), or all that have finished.
Seeds = Repetition | Literal["all"] | None


@dataclass(frozen=True)
class TrainedArm:
    """One arm of a benchmark, with what it selected.

    Attributes:
        results: The benchmark's.
        arm: The arm.
        store: Where its weights are.
        plugins: Those of the benchmark.
        chosen: What it selected: one repetition, or several.
        asked: Which was asked for.
    """

    results: Results
    arm: Arm
    store: Store
    plugins: Registry
    chosen: tuple[Chosen, ...]
    asked: Seeds = None

    @property
    def first(self) -> Chosen:
        """The only repetition, or the first of several."""
        return self.chosen[0]

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The probability threshold of each repetition, chosen on validation subjects.

        None with several classes, of which the most probable is taken.
        """
        found = (each.evaluated.threshold for each in self.chosen)
        return tuple(threshold for threshold in found if threshold is not None)

    @property
    def threshold(self) -> float | None:
        """The mean threshold of the repetitions; None with several classes."""
        return sum(self.thresholds) / len(self.thresholds) if self.thresholds else None

    @property
    def labels(self) -> LabelMap | None:
        """The classes of its labels, and their values; None: vessel or not."""
        return self._volumes()[0][0].labels

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels of its images."""
        return self._volumes()[0][0].channels or CHANNELS

    @property
    def normalise(self) -> str:
        """How the intensities of its patches were normalised."""
        return self._volumes()[0][0].normalise

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Voxel edge lengths of the training volumes, mm; None when unknown."""
        return spacing_of(self.store, self.first.trial.inputs)

    @property
    def masked(self) -> bool:
        """Whether its volumes came with masks; else they were derived from the images."""
        return all("mask" not in result.notes for _, result in self._volumes())

    @property
    def channel(self) -> int:
        """The image channel that its data source reads, of files such as ``CASE_0000.nii.gz``."""
        data = self.results.plan.data.get(self.arm.cohort)
        found = 0 if data is None else data.params.get("channel", 0)
        return found if isinstance(found, int) else 0

    @property
    def prepared(self) -> PrepareInputs:
        """How its volumes were prepared."""
        return self._volumes()[0][0]

    @property
    def vessels(self) -> tuple[int, ...] | None:
        """The values of its labels that are vessel; None: all above 0, or there are classes."""
        if self.labels is not None:
            return self.labels.values[0] if len(self.labels.names) == 1 else None
        found = self.prepared.params.get("classes")
        if not isinstance(found, list | tuple):
            return None
        return tuple(value for value in found if isinstance(value, int))

    @property
    def unlabelled(self) -> tuple[int, ...]:
        """The values of its labels where nobody labelled."""
        if self.labels is not None:
            return self.labels.ignore
        found = self.prepared.params.get("ignore")
        return (found,) if isinstance(found, int) else ()

    @property
    def pixel(self) -> tuple[float, float] | None:
        """Width and height of a pixel in mm, as its source of pictures says; None: not known."""
        size = self.prepared.params.get(PIXEL_SIZE)
        edges = size if isinstance(size, list | tuple) else (size, size)
        found = [float(edge) for edge in edges if isinstance(edge, int | float)]
        return (found[0], found[1]) if len(found) == 2 else None

    @cached_property
    def pictures(self) -> FolderSource | None:
        """The data source of pictures that it learnt from; None: it learnt from volumes.

        Raises:
            StoreError: When the source does not take its parameters any more.
        """
        prepared = self.prepared
        if PIXEL_SIZE not in prepared.params:
            return None
        cls = cast(type[DataSource], self.plugins.get("source", prepared.plugin.name).cls)
        if not issubclass(cls, FolderSource):
            return None
        try:
            params = cls.Params.model_validate({**prepared.params, "path": "."})
        except ValueError as error:
            raise StoreError(
                f"source '{cls.name}' does not take the parameters of {self.arm.name} any more "
                f"({' '.join(str(error).split())}); run the benchmark again"
            ) from error
        return cast(FolderSource, opened(cls, params, prepared.labels, self.channels))

    def read(self, path: str | Path, *, integer: bool = False, unit: str = "mm") -> Image:
        """Read a file as the data source of its volumes does.

        Args:
            path: A NIfTI file; a picture, where it learnt from pictures.
            integer: For labels and masks.
            unit: As of :func:`vbench.data.nifti.read_image`.

        Raises:
            DataError: When the file cannot be used.
        """
        if self.pictures is not None and is_picture(Path(path)):
            return self.pictures.read(Path(path), integer=integer, unit=unit)
        return read_image(path, integer=integer, unit=unit)

    def segmenters(self, device: str) -> list[Segmenter]:
        """Build the segmenter of each repetition.

        Raises:
            StoreError: When its weights are not in the results folder, or do not fit.
        """
        return [self._segmenter(each, device) for each in self.chosen]

    def _segmenter(self, chosen: Chosen, device: str) -> Segmenter:
        trial = chosen.trial
        cls = cast(type[Segmenter], self.plugins.get("segmenter", trial.inputs.plugin.name).cls)
        try:
            return fitted_segmenter(
                self.store, trial.key, cls, trial.inputs.patches.size, device=device
            )
        except (OSError, KeyError, ValueError) as error:
            why = " ".join(str(error).split())
            raise StoreError(
                f"{self.store.folder(trial.key)}: its weights cannot be used ({why}); "
                "run the benchmark again"
            ) from error

    def changed(self, kind: Kind, planned: PluginIdentity) -> str | None:
        """Say that a plugin is no longer the code that was trained; None when it is."""
        here = identity(self.plugins.get(kind, planned.name))
        if here == planned:
            return None
        return (
            f"{kind} '{planned.name}' has changed since it was trained ({_version(planned)}, now "
            f"{_version(here)}): results may differ from the benchmark's"
        )

    def unfinished(self) -> str | None:
        """Say how many repetitions have not finished; None when all have."""
        planned, done = len(self.arm.evaluate), len(finished_seeds(self.results, self.arm))
        if done == planned:
            return None
        return f"{self.arm.name}: {planned - done} of {planned} seeds have not finished"

    def of_fold(self) -> str | None:
        """Say which fold's training is used where several might be; None where it was named."""
        used = self.first.seed
        folds = [own for own in self.arm.evaluate if fold_of(own) is not None]
        if len(self.chosen) > 1 or len(folds) < 2 or self.asked == used:
            return None
        other = next(own for own in folds if own != used)
        return (
            f"{self.arm.name}: of {len(folds)} trainings in folds, seed {used} is used, the best "
            f"on validation subjects (it never saw the test subjects of its fold); '{other}' names "
            "another, and `vbench predict --seed all` averages them"
        )

    def _volumes(self) -> list[tuple[PrepareInputs, PrepareResult]]:
        """Return how the volumes were prepared that the arm was validated on."""
        records = [self.store.record(key) for key in self.first.trial.inputs.val]
        found = [(r.inputs_as(PrepareInputs), r.result_as(PrepareResult)) for r in records]
        if not found:
            raise StoreError(f"{self.arm.name}: no volume that it was validated on is in the store")
        return found


def open_arm(name: str, *, benchmark: str, out: str | Path, seed: Seeds = None) -> TrainedArm:
    """Open an arm by its name.

    Args:
        name: Such as ``synthetic/wgan-gp-sn``.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: Which repetition, or all.

    Raises:
        StoreError: When there is no such arm, or it has not finished.
    """
    results = read_results(Path(out) / benchmark)
    arm = arm_called(results, name)
    if seed == "all":
        chosen = tuple(finished_seeds(results, arm).values())
        if len(chosen) < 2:
            raise StoreError(
                f"{name}: only seed {chosen[0].seed} has finished, and a spread takes two or more; "
                "leave --seed out, or run the benchmark with more seeds"
            )
    else:
        chosen = (selected(results, arm, seed),)
    return TrainedArm(results, arm, Store(Path(out) / "store"), plugins_of(results), chosen, seed)


def remarks(arm: TrainedArm, kind: Kind, planned: PluginIdentity) -> Iterator[str]:
    """Yield what a user of an arm should know, one line each."""
    yield from filter(None, (arm.unfinished(), arm.changed(kind, planned), arm.of_fold()))


def settled(device: str) -> str:
    """Settle ``auto``, ``cpu`` or ``cuda`` on this machine.

    Raises:
        StoreError: When there is no GPU, and one was asked for.
    """
    try:
        return device_of(device)
    except RuntimeError as error:
        raise StoreError(str(error)) from error


def _version(plugin: PluginIdentity) -> str:
    return f"{plugin.distribution} {plugin.version}, source {plugin.source[:8]}"
