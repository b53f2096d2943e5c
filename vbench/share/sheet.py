"""What a datasheet says, as values and sentences: the one model of its Markdown, HTML and JSON.

It leaves the house, so it is made of numbers and of the words of vbench and its plugins. What
leads to a patient (names, keys, paths, dates, which patch comes from whom) is in no field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import JsonValue

from vbench.records.model import Record


class AuditScore(Record):
    """One fidelity or privacy score.

    Attributes:
        id: Name and version.
        about: What it is, in its plugin's words.
        value, floor, ceiling: Of this set, of the best and of the worst there can be.
        ci95: Of the value.
        alarm: Whether it raised one.
        says: All of it in sentences.
    """

    family: Literal["fidelity", "privacy"]
    name: str
    id: str
    about: str
    value: float | None
    floor: float | None
    ceiling: float | None
    ci95: tuple[float, float] | None
    alarm: bool
    says: str


class Worst(Record):
    """The training patient of whom most was found, by a number that the house has the name to."""

    number: int
    value: float
    ci95: tuple[float, float] | None
    metric: str


class Utility(Record):
    """A segmentation score on real test subjects.

    Attributes:
        unit: Empty for a pure number.
        this: Mean over test subjects of the segmenter that learnt from these very patches.
        mean, ci95: Over all repetitions of generator and segmenter.
        real: Mean of segmenters that learnt from the real patches; None where none did.
        subjects: Test subjects that have a value.
    """

    metric: str
    unit: str
    this: float | None
    mean: float | None
    ci95: tuple[float, float] | None
    real: float | None
    subjects: int


class Criterion(Record):
    """One of the seven criteria of the scorecard for synthetic medical data, and its answer."""

    name: str
    asks: str
    answer: str


class Datasheet(Record):
    """What an exported data set says of itself: ``dataset.json``.

    Attributes:
        id: Random; leads the house to what it keeps of the export.
        generator: The plugin.
        generator_name: What the benchmark calls it; None where that is the plugin's name.
        generator_about, paper, plugin: What it is, where the method is from, who ships the plugin.
        params: Its parameters, those that are numbers, flags or one of a few words.
        patches, size, spacing: How many, voxels, mm.
        labels: The value of each class in the labels, and of the background; None with one class.
        channel_names: The channels of an image by their number; None with one channel.
        class_fractions: Share of the voxels of each class; None with one class.
        vessel_fraction: Share of vessel voxels, 0 to 1.
        empty_share: Share of patches without any.
        learns: What the generator owes to its training patches.
        subjects, heldout: How many people (or phantoms) it was fitted on, and audited against.
        people: Whether they are people.
        removed, flagged: Patches that were left out, and that are still flagged.
        verdict, alarms: Of the privacy scores together.
        accepted: Why it was exported in spite of that; None when there was nothing to accept.
        licence, citation: What was said of them; None when nothing was.
        repetitions: Of generator and segmenter in the benchmark.
        files: What lies in the folder.
    """

    OPTIONAL: ClassVar[frozenset[str]] = frozenset(
        {"accepted", "citation", "generator_name", "labels", "channel_names", "class_fractions"}
    )

    format: Literal["vbench-dataset-2"] = "vbench-dataset-2"
    id: str
    vbench: str
    benchmark: str
    arm: str
    generator: str
    generator_name: str | None = None
    generator_about: str
    paper: str
    plugin: str
    params: Mapping[str, JsonValue]
    patches: int
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    labels: Mapping[str, int] | None = None
    channel_names: Mapping[str, str] | None = None
    class_fractions: Mapping[str, float] | None = None
    vessel_fraction: float
    empty_share: float
    learns: Literal["patches", "summary", "nothing", "elsewhere"]
    people: bool
    subjects: int
    heldout: int
    removed: int
    flagged: int
    verdict: Literal["alarm", "no alarm", "not judged"]
    alarms: tuple[str, ...]
    worst: Worst | None
    accepted: str | None
    licence: str | None
    citation: str | None = None
    repetitions: int
    scores: tuple[AuditScore, ...]
    utility: tuple[Utility, ...]
    learnt: str
    concludes: tuple[str, ...]
    limits: tuple[str, ...]
    criteria: tuple[Criterion, ...]
    files: Mapping[str, str]
