"""``sample``: new labelled patches of an arm's generator, in memory or into a folder.

They are new: no audit has looked at them. What is to leave the house goes through ``export``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt

from vbench import registry
from vbench._version import __version__
from vbench.defaults import OUT
from vbench.engine.keys import derive_seed
from vbench.engine.plan import make_plan
from vbench.engine.stages.common import fitted_generator, sample_patches, spacing_of
from vbench.engine.store import writable
from vbench.errors import ContractError, DivergedError, SpecError, StoreError
from vbench.files import write_json
from vbench.interfaces import Generator
from vbench.layout import empty_patches, image_of, images_shape, label_of
from vbench.records.model import Record
from vbench.records.parts import Repetition
from vbench.records.training import FitSegmenterInputs, SynthesiseInputs
from vbench.share.aside import built_aside, check_free
from vbench.share.patches import Contents, write_nifti
from vbench.spec.load import load_spec
from vbench.trained.arm import TrainedArm, open_arm, remarks, settled

#: What a folder of samples says of itself.
FILE = "samples.json"
#: Is told how many patches are done, and of how many.
Progress = Callable[[int, int], None]


class SamplesFile(Record):
    """``samples.json``: where the patches come from.

    Attributes:
        generator: The plugin.
        fit: The job that fitted it.
        repetition: The arm's seed.
        candidate: Which of the generator's states, from 0; ``chosen``: the one that the arm chose.
        seed: Of the sampling: the same seed gives the same patches.
        spacing: Voxel edge lengths, mm; empty where they are not known.
        vessel_fraction: Share of vessel voxels, 0 to 1.
        empty_share: Share of patches without any.
        labels: Names of the classes by their index, from 1; None: one.
        channels: Names of the channels of the images; None: one.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"labels", "channels"})

    format: Literal["vbench-samples-1"] = "vbench-samples-1"
    vbench: str
    benchmark: str
    arm: str
    generator: str
    fit: str
    repetition: Repetition
    candidate: int
    chosen: int
    seed: int
    patches: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    vessel_fraction: float
    empty_share: float
    labels: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    audited: Literal[False] = False


@dataclass(frozen=True)
class Samples:
    """What :func:`write_samples` wrote.

    Attributes:
        folder: The folder.
        about: What ``samples.json`` says.
        generator: What the benchmark calls it.
        remarks: What is worth knowing, a line each.
    """

    folder: Path
    about: SamplesFile
    generator: str
    remarks: tuple[str, ...]


class TrainedGenerator:
    """A state of an arm's generator, to sample from."""

    def __init__(self, arm: TrainedArm, candidate: int | None, device: str = "cpu") -> None:
        """Load a candidate's weights; None: the one that the arm chose.

        Raises:
            StoreError: When the arm has no generator, or that no such candidate.
        """
        chosen, name = arm.first, arm.arm.name
        if chosen.generator is None or chosen.samples is None or chosen.candidate is None:
            raise StoreError(f"{name}: has no generator; name an arm such as synthetic/…")
        self.arm, self.fit, self.chosen = arm, chosen.generator, chosen.candidate
        self.name = arm.arm.generator or self.fit.inputs.plugin.name
        self.candidate = self.chosen if candidate is None else candidate
        known = [each.index for each in self.fit.result.candidates]
        if self.candidate not in known:
            raise StoreError(
                f"{name}: no candidate {self.candidate} (has {', '.join(map(str, known))}; "
                f"the arm chose {self.chosen})"
            )
        plugin = self.fit.inputs.plugin.name
        cls = cast(type[Generator], arm.plugins.get("generator", plugin).cls)
        try:
            self.method = fitted_generator(arm.store, cls, self.fit.key, self.candidate, device)
        except (OSError, KeyError, ValueError) as error:
            why = " ".join(str(error).split())
            raise StoreError(
                f"{arm.store.folder(self.fit.key)}: its weights cannot be used ({why}); "
                "run the benchmark again"
            ) from error

    @property
    def size(self) -> tuple[int, ...]:
        """Extent of a patch in voxels."""
        return self.fit.inputs.patches.size

    def draw(
        self, n: int, seed: int, images: npt.NDArray[np.floating], labels: npt.NDArray[np.generic],
        progress: Progress,
    ) -> None:  # fmt: skip
        """Fill two arrays; patches depend on seed and index only.

        Raises:
            StoreError: When the generator breaks its contract.
        """
        # Chunks have seeds in a row: neighbouring seeds of people must not share patches.
        own = derive_seed(seed, "sample")
        try:
            sample_patches(self.method, n, own, images, labels, progress)
        except (ContractError, DivergedError) as error:
            raise StoreError(f"{self.arm.arm.name}: {error}") from error


def sample(
    arm: str,
    n: int,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: int = 0,
    candidate: int | None = None,
    repetition: Repetition | None = None,
    device: str = "auto",
) -> npt.NDArray[np.float32]:
    """Sample new labelled patches of an arm's generator.

    Args:
        arm: An arm that has a generator, such as ``synthetic/wgan-gp-sn``.
        n: How many.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: The same seed gives the same patches, and fewer are the first of more.
        candidate: Which of the states that the generator's training kept; None: the arm's choice.
        repetition: The arm's seed, or seed and fold such as ``0 fold 2``; None: the best on
            validation subjects.
        device: ``auto``, ``cpu`` or ``cuda``.

    Returns:
        float32 ``(n, channels, *size)``: image in [-1, 1], label the index of the class,
        0 or 1 where there is one.

    Raises:
        StoreError: When there is no such arm, generator or candidate, or it has not finished.
    """
    made = _open(arm, benchmark, out, candidate, repetition, device)
    patches = empty_patches(n, made.size, made.method.setup.contrasts)
    made.draw(n, seed, image_of(patches), label_of(patches), lambda done, of: None)
    return patches


def write_samples(
    arm: str,
    n: int,
    to: str | Path,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: int = 0,
    candidate: int | None = None,
    repetition: Repetition | None = None,
    nifti: bool = False,
    device: str = "auto",
    progress: Progress = lambda done, of: None,
) -> Samples:
    """Sample new labelled patches into a folder, which is whole or absent.

    Args:
        arm: As of :func:`sample`.
        n: How many; memory does not grow with them.
        to: Where to; must not exist, or be empty.
        benchmark: As of :func:`sample`.
        out: As of :func:`sample`.
        seed: As of :func:`sample`.
        candidate: As of :func:`sample`.
        repetition: As of :func:`sample`.
        nifti: NIfTI files in nnU-Net layout, instead of ``images.npy`` and ``labels.npy``.
        device: As of :func:`sample`.
        progress: Is told how many patches are done, and of how many.

    Raises:
        StoreError: As of :func:`sample`, and when the folder is in use.
    """
    folder = Path(to)
    check_free(folder)
    made = _open(arm, benchmark, out, candidate, repetition, device)
    with (
        writable(folder),
        built_aside(folder) as part,
        TemporaryDirectory(dir=part) if nifti else nullcontext(part) as place,
    ):
        setup = made.method.setup
        images, labels = (
            np.lib.format.open_memmap(
                Path(place) / f"{name}.npy", mode="w+", dtype=dtype, shape=shape
            )
            for name, dtype, shape in (
                ("images", np.float16, images_shape(n, made.size, setup.contrasts)),
                ("labels", np.uint8, (n, *made.size)),
            )
        )
        made.draw(n, seed, images, labels, progress)
        images.flush()
        labels.flush()
        about = _about(made, n, seed, labels)
        if nifti:
            classes = {name: index for index, name in enumerate(setup.labels, start=1)}
            write_nifti(
                part, images, labels, about.spacing, contents=Contents(classes, setup.channels)
            )
        write_json(part / FILE, about.to_json())
    told = tuple(remarks(made.arm, "generator", made.fit.inputs.plugin))
    return Samples(folder, about, made.name, told)


def count_like(spec: str | Path) -> int:
    """Return how many synthetic patches a spec's segmenters learn from.

    Raises:
        SpecError: When it is wrong, has none, or several numbers.
    """
    loaded = load_spec(spec)
    plan = make_plan(loaded, registry.for_paths(tuple(loaded.plugins.paths)))
    learnt = [
        key
        for job in plan.jobs.values()
        if isinstance(job.inputs, FitSegmenterInputs)
        for key in job.inputs.synthetic
    ]
    counts = {
        inputs.n for key in learnt if isinstance(inputs := plan.jobs[key].inputs, SynthesiseInputs)
    }
    if len(counts) != 1:
        found = ", ".join(map(str, sorted(counts))) or "none"
        raise SpecError(
            f"{spec}: --like takes its number of synthetic patches, and it has {found}; give N"
        )
    return counts.pop()


def _open(
    arm: str,
    benchmark: str,
    out: str | Path,
    candidate: int | None,
    repetition: Repetition | None,
    device: str,
) -> TrainedGenerator:
    opened = open_arm(arm, benchmark=benchmark, out=out, seed=repetition)
    return TrainedGenerator(opened, candidate, settled(device))


def _about(made: TrainedGenerator, n: int, seed: int, labels: npt.NDArray[np.uint8]) -> SamplesFile:
    fit, arm, setup = made.fit, made.arm, made.method.setup
    return SamplesFile(
        vbench=__version__,
        benchmark=arm.results.benchmark,
        arm=arm.arm.name,
        generator=fit.inputs.plugin.name,
        fit=fit.key,
        repetition=arm.first.seed,
        candidate=made.candidate,
        chosen=made.chosen,
        seed=seed,
        patches=n,
        size=made.size,
        spacing=spacing_of(arm.store, fit.inputs) or (),
        vessel_fraction=float((labels > 0).mean()),
        empty_share=float((labels.reshape(n, -1).max(axis=1) == 0).mean()),
        labels=setup.labels if setup.classes > 1 else None,
        channels=setup.channels if setup.contrasts > 1 else None,
    )
