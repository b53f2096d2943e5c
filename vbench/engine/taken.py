"""A generator that another benchmark fitted, perhaps on another machine: found, and taken as it is.

``RESULTS/paper:synthetic/wgan-gp-sn`` names a benchmark's folder and an arm. What the arm selected
is read from the records there: the candidate's weights, the parameters, and whom it learnt from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import cast

from vbench.data.folder import IMAGE_DIGEST, content_digest
from vbench.engine.datasets import Subjects
from vbench.engine.store import Store
from vbench.errors import DataError, SpecError, StoreError, did_you_mean
from vbench.files import read_json
from vbench.records.judging import EvaluateInputs, EvaluateResult
from vbench.records.parts import Key, PluginIdentity
from vbench.records.plan import PlanFile
from vbench.records.training import (
    FitGeneratorInputs,
    FitGeneratorResult,
    FitSegmenterInputs,
    FitSegmenterResult,
    PrepareInputs,
    PrepareResult,
    SynthesiseInputs,
)
from vbench.spec.labels import setup_of
from vbench.spec.model import GeneratorUse, Spec


@dataclass(frozen=True)
class Taken:
    """A fitted generator of another benchmark.

    Attributes:
        name: What the spec calls it.
        file: The weights of the selected candidate.
        digest: Of their content.
        plugin: The code that fitted it.
        fit: What it was fitted with.
        result: What the fit found out.
        learnt_from: Names of its subjects, by what each is known again by: its fingerprint, and the
            digest of its image's file. None when the records do not say.
        normalise: How these were normalised; None likewise.
        spacing: Their median spacing, mm; None likewise.
        contents: Names of the classes and of the channels of its patches; None likewise.
    """

    name: str
    file: Path
    digest: str
    plugin: PluginIdentity
    fit: FitGeneratorInputs
    result: FitGeneratorResult
    learnt_from: Mapping[str, str] | None
    normalise: str | None
    spacing: tuple[float, ...] | None
    contents: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def remarks(self, here: PluginIdentity) -> list[str]:
        """Say what a reader should know of it; ``here`` is the code that samples."""
        lines = [
            f"fitted in another benchmark ({self.name}) and not trained here; all seeds share it"
        ]
        if self.learnt_from is None:
            lines.append("whom it learnt from cannot be told: their records are not there")
        else:
            n = len(set(self.learnt_from.values()))
            lines.append(
                f"it learnt from {n} subjects there, none of whom is in a validation or test "
                "part here"
            )
        if here != self.plugin:
            lines.append("its plugin's code has changed since")
        if self.spacing is not None:
            lines.append(f"spacing there {' × '.join(f'{e:.3g}' for e in self.spacing)} mm")
        return lines


def borrow(spec: Spec) -> Spec:
    """Return the spec with plugin and parameters of generators that other benchmarks fitted.

    Raises:
        SpecError: When one cannot be found.
    """
    uses = [_borrowed(use, f"generators.{i}") for i, use in enumerate(spec.generators)]
    return spec if uses == spec.generators else spec.model_copy(update={"generators": uses})


def _borrowed(use: GeneratorUse, where: str) -> GeneratorUse:
    if not use.from_:
        return use
    found = find(use, where)
    if use.plugin and use.plugin != found.plugin.name:
        raise SpecError(
            f"{where}.plugin: '{use.plugin}', but {use.from_} was made by '{found.plugin.name}'; "
            "leave plugin out"
        )
    # What an older record lacks has its default.
    return use.model_copy(
        update={
            "name": use.label,
            "plugin": found.plugin.name,
            "params": dict(found.result.params),
        }
    )


def find(use: GeneratorUse, where: str) -> Taken:
    """Return the generator that ``from`` names.

    Raises:
        SpecError: When there is none, it did not finish, or its weights are not there.
    """
    folder, _, arm = use.from_.rpartition(":")
    place = Path(folder)
    key = f"{where}.from"
    try:
        plan = PlanFile.read(read_json(place / "plan.json"), place / "plan.json")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SpecError(
            f"{key}: {place}: no benchmark's results ({why}); expected FOLDER/BENCHMARK:ARM, "
            "such as results/paper:synthetic/wgan-gp-sn"
        ) from error
    arms = {planned.arm: planned for planned in plan.arms if planned.generator}
    if arm not in arms:
        raise SpecError(f"{key}: {place}: no arm '{arm}' with a generator{did_you_mean(arm, arms)}")
    store = Store(place.parent / "store")
    done = [key for key in arms[arm].evaluate.values() if store.has(key)]
    if not done:
        raise SpecError(f"{key}: {use.from_}: it has not finished there; run that benchmark first")
    try:
        found = _read(store, _best(store, done))
        return replace(found, name=f"{plan.benchmark}: {arm}")
    except (StoreError, DataError, OSError) as error:
        raise SpecError(f"{key}: {use.from_}: {error}") from error


def _best(store: Store, evaluated: Iterable[Key]) -> Key:
    """Return the repetition with the best score on its validation subjects."""

    def quality(key: Key) -> float:
        record = store.record(key)
        sign = 1.0 if record.inputs_as(EvaluateInputs).higher_is_better else -1.0
        return sign * record.result_as(EvaluateResult).validation_score

    return max(evaluated, key=quality)


def _read(store: Store, evaluated: Key) -> Taken:
    record = store.record(evaluated)
    trials, number = record.inputs_as(EvaluateInputs).trials, record.result_as(EvaluateResult).trial
    fits = [store.record(key) for key in trials]
    chosen = next(fit for fit in fits if fit.result_as(FitSegmenterResult).trial == number)
    result, inputs = chosen.result_as(FitSegmenterResult), chosen.inputs_as(FitSegmenterInputs)
    if result.samples is None and result.start is not None:  # pre-trained on its samples
        start = store.record(result.start)
        result, inputs = start.result_as(FitSegmenterResult), start.inputs_as(FitSegmenterInputs)
    samples = result.samples or inputs.synthetic[cast(int, result.checkpoint)]
    made = store.record(samples).inputs_as(SynthesiseInputs)
    fit = store.record(made.generator)
    learnt = fit.inputs_as(FitGeneratorInputs)
    name = f"candidate-{made.checkpoint}.safetensors"
    file = store.artifacts(made.generator, name) / name
    people, normalise, spacing, contents = _learnt_from(store, learnt.train)
    return Taken(
        name="",
        file=file.resolve(),
        digest=content_digest(file),
        plugin=learnt.plugin,
        fit=learnt,
        result=fit.result_as(FitGeneratorResult),
        learnt_from=people,
        normalise=normalise,
        spacing=spacing,
        contents=contents,
    )


def _learnt_from(
    store: Store, train: Iterable[Key]
) -> tuple[
    dict[str, str] | None,
    str | None,
    tuple[float, ...] | None,
    tuple[tuple[str, ...], tuple[str, ...]] | None,
]:
    """Return whom a generator learnt from, how they were normalised, spacing, and contents."""
    try:
        records = [store.record(key) for key in train]
    except StoreError:
        return None, None, None, None
    inputs = [record.inputs_as(PrepareInputs) for record in records]
    results = [record.result_as(PrepareResult) for record in records]
    known = {one.fingerprint: one.subject for one in inputs}
    for one, result in zip(inputs, results, strict=True):  # with another label, the same scan
        if IMAGE_DIGEST in result.notes:
            known[str(result.notes[IMAGE_DIGEST])] = one.subject
    return (
        known,
        inputs[0].normalise if inputs else None,
        tuple(median(axis) for axis in zip(*(r.spacing for r in results), strict=True)) or None,
        inputs[0].contents if inputs else None,
    )


def check_taken(taken: Taken, spec: Spec, data: Mapping[str, Subjects], where: str) -> None:
    """Refuse a generator that does not fit the benchmark, or that has seen its test subjects.

    Raises:
        SpecError: With what differs.
    """
    key, size = f"{where}.from", tuple(spec.patches.size)
    if taken.fit.patches.size != size:
        raise SpecError(
            f"{key}: {taken.name} makes patches of {list(taken.fit.patches.size)}, and "
            f"patches.size is {list(size)}; set it to that, or fit the generator here"
        )
    setup = setup_of(spec)
    for what, theirs, own in zip(
        ("classes", "channels"), taken.contents or (), (setup.labels, setup.channels), strict=False
    ):
        if theirs != own:
            raise SpecError(
                f"{key}: {taken.name} makes patches with the {what} {', '.join(theirs)}, and "
                f"data.source names {', '.join(own)}; name the same ones in the same order"
            )
    if taken.normalise not in (None, spec.data.normalise):
        raise SpecError(
            f"{key}: {taken.name} learnt from intensities by '{taken.normalise}', and "
            f"data.normalise is '{spec.data.normalise}'; set it to that"
        )
    learnt = taken.learnt_from or {}
    for subjects in data.values():
        for part in ("test", "val"):
            for subject in subjects.parts[part]:
                other = next((learnt[d] for d in subjects.marks(subject) if d in learnt), None)
                if other is not None:
                    raise SpecError(
                        f"{key}: {taken.name} learnt from '{other}', which is '{subject}' of "
                        f"data.{subjects.role}'s part {part} here; it has seen what it is judged "
                        "by: put that subject into train, or leave it out"
                    )
