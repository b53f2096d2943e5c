"""The model card of an exported segmenter: a README.md with the fields of the Hugging Face card.

It leaves the house: counts and scores, the words of vbench and its plugins, and what the person who
exports has said; no subject's name, path or key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from vbench._version import __version__
from vbench.markdown import escape, table
from vbench.records.parts import Repetition
from vbench.share.sheet import Utility
from vbench.share.words import label_words, people, value_words
from vbench.usertext import counted, hub_licence

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Card:
    """What a model card says.

    Attributes:
        name: Of the model.
        benchmark, arm, seed: Which it is.
        segmenter, about, paper: The plugin, what it is, and where the method comes from.
        learnt: What it started from and was trained on, sentences.
        trained: Whether it was trained at all; given weights may be taken as they are.
        source: The data source's plugin.
        counts: Subjects that it was validated and tested on, by part.
        people: Whether they are people.
        size, spacing: Of patches in voxels, and of voxels in mm.
        normalise, masked: How scans are prepared.
        threshold: Probability from which on a voxel is vessel; None with several classes.
        labels: The value of each class, and of the background; None with one class.
        channels: Names of the channels of an image.
        params: Of the training.
        scores: On test subjects.
        trainings: Of the arm, over seeds and folds.
        tested: By metric, the test subjects of all of them.
        difference: Largest difference to vbench's probabilities, on random windows.
        onnx: The same of the ONNX file; None without one.
        nearest: In what the bundle's prediction is not vbench's own; empty when in nothing.
        licence, authors, citation: What was said; None when nothing was.
    """

    name: str
    benchmark: str
    arm: str
    seed: Repetition
    segmenter: str
    about: str
    paper: str
    learnt: str
    trained: bool
    source: str
    counts: Mapping[str, int]
    people: bool
    size: tuple[int, ...]
    spacing: tuple[float, ...]
    normalise: str
    masked: bool
    threshold: float | None
    labels: Mapping[str, int] | None
    channels: tuple[str, ...]
    params: Mapping[str, JsonValue]
    scores: tuple[Utility, ...]
    trainings: int
    tested: Mapping[str, int]
    difference: float
    onnx: float | None
    nearest: tuple[str, ...]
    licence: str | None
    authors: str | None
    citation: str | None


def markdown(card: Card) -> str:
    """Return the card as Markdown, with its fields in front."""
    parts = [
        "---",
        *front_matter(card),
        "---",
        "",
        f"# {escape(card.name)}",
        "",
        f"Finds vessels in 3D images: the segmenter `{card.segmenter}` of the arm `{card.arm}`, "
        f"seed {card.seed}, of the vbench benchmark `{card.benchmark}`. {escape(card.learnt)}",
    ]
    for title, lines in _sections(card):
        parts += ["", f"## {title}", "", *lines]
    return "\n".join(parts) + "\n"


def front_matter(card: Card) -> list[str]:
    """Return the card's fields as YAML, a line each; values are JSON, which YAML reads."""
    fields: dict[str, Any] = hub_licence(card.licence)
    fields |= {
        "library_name": "monai",
        "pipeline_tag": "image-segmentation",
        "tags": ["monai", "medical", "vessel-segmentation", "vbench"],
        "metrics": [score.metric for score in card.scores],
        "model-index": [
            {
                "name": card.name,
                "results": [
                    {
                        "task": {"type": "image-segmentation", "name": "Vessel segmentation"},
                        "dataset": {
                            "name": f"test subjects of {card.benchmark}",
                            "type": card.source,
                        },
                        "metrics": [
                            {"type": score.metric, "value": score.this, "name": score.metric}
                            for score in card.scores
                            if score.this is not None
                        ],
                    }
                ],
            }
        ],
    }  # fmt: skip
    return [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]


def _sections(card: Card) -> list[tuple[str, Sequence[str]]]:
    return [
        ("Model details", _details(card)),
        ("Uses", [
            "Research on vessel segmentation. Not a medical device: not for diagnosis, not for "
            "treatment.",
        ]),
        ("Bias, risks and limitations", _bullets(_limits(card))),
        ("How to get started", _start(card)),
        ("Training", _training(card)),
        ("Evaluation", _evaluation(card)),
        ("Citation", [escape(card.citation) if card.citation else f"Of this model: {NOT_STATED}.",
                      *(["", f"Of the method: {escape(card.paper)}"] if card.paper else [])]),
    ]  # fmt: skip


def _details(card: Card) -> list[str]:
    facts = [
        ("Made by", card.authors or NOT_STATED),
        ("Licence", card.licence or NOT_STATED),
        ("Method", f"{card.segmenter}: {card.about}"),
        (
            "Input",
            f"windows of {_times(card.size)} voxels{_channels(card)}, intensities mapped to "
            "[-1, 1]",
        ),
        (
            f"Voxels of {'training' if card.trained else 'validation'}",
            f"{_times(card.spacing)} mm" if card.spacing else "unknown",
        ),
        ("Output", _output(card)),
        ("Weights", "models/model.safetensors; nothing is pickled"),
        ("Exported by", f"vbench {__version__}"),
    ]
    return table(["", ""], [(name, escape(text)) for name, text in facts])


def _channels(card: Card) -> str:
    return "" if len(card.channels) == 1 else f" of the channels {', '.join(card.channels)}"


def _output(card: Card) -> str:
    if card.labels is None or card.threshold is not None:
        return f"vessel probability; vessel from {card.threshold:g} on"
    return (
        "a probability for each class, softmax over them; the most probable is taken, and written "
        f"as {label_words(card.labels)}"
    )


def _limits(card: Card) -> list[str]:
    who = people(card.counts["test"], card.people)
    found = [
        f"Tested on {who} of one data set; not on other scanners, voxel sizes and diseases.",
        "Scans are not resampled: voxels of another size than in training make results worse.",
    ]
    if card.trained:
        found.append(
            "It is one training of many possible ones: see below how the arm does over several."
        )
    if not card.people:
        found.append("Its data are phantoms: its scores are not clinical figures.")
    if card.people:
        found.append(
            "Weights may give away who was in the training set. No audit was made of that."
        )
    return found


def _start(card: Card) -> list[str]:
    masks = " --mask_dir masks-of-the-brain" if card.masked else ""
    lines = [
        "Put NIfTI files into `images/` beside this file. Results are written to `masks/`."
        + (
            ""
            if len(card.channels) == 1
            else " Each scan has a file for each channel: "
            + ", ".join(
                f"`NAME_{number:04d}.nii.gz` is {escape(name)}"
                for number, name in enumerate(card.channels)
            )
            + "."
        ),
        "",
        "```sh",
        "pip install monai fire nibabel safetensors scipy scikit-image",
        f"python -m monai.bundle run --config_file configs/inference.json{masks}",
        "```",
        "",
        "`--dataset_dir`, `--mask_dir` and `--output_dir` name other folders. "
        + (
            "The images of training had masks, and intensities are normalised within them: give "
            "masks of the same kind, files of the images' names."
            if card.masked
            else "A mask of what is to be looked at is derived from each image."
        ),
        "",
        f"Checked at export: on random windows, probabilities differ from vbench's by at most "
        f"{card.difference:.1g}.",
    ]
    lines += [f"What differs from `vbench predict`: {text}" for text in card.nearest]
    if card.onnx is not None:
        lines += [
            "",
            f"`models/model.onnx` maps windows `(n, {len(card.channels)}, "
            + ", ".join(map(str, card.size))
            + f")` in [-1, 1] to probabilities; onnxruntime differs from torch by at most "
            f"{card.onnx:.1g}.",
        ]
    return lines


def _training(card: Card) -> list[str]:
    validated, tested = (people(card.counts[part], card.people) for part in ("val", "test"))
    chosen = "Trial and threshold were" if card.trained else "The threshold was"
    none = "" if card.trained else "These parameters built its network, or had no effect:"
    masks = "given masks" if card.masked else "masks derived from the images"
    return [
        f"{escape(card.learnt)} {chosen} chosen on {validated}, and it is tested on {tested}, of "
        f"the data source `{card.source}`. Intensities: {card.normalise}, within {masks}.",
        "",
        *([none, ""] if none else []),
        *table(
            ["parameter", "value"],
            [(f"`{name}`", escape(json.dumps(value))) for name, value in card.params.items()],
        ),
    ]  # fmt: skip


def _evaluation(card: Card) -> list[str]:
    def shown(value: float | None, interval: Sequence[float] | None = None) -> str:
        return "" if value is None else value_words(value, interval)

    rows = [
        (
            f"`{score.metric}`" + (f" ({score.unit})" if score.unit else ""),
            shown(score.this),
            str(score.subjects),
            shown(score.mean, score.ci95),
            str(card.tested.get(score.metric, 0)),
            shown(score.real),
        )
        for score in card.scores
    ]
    return [
        "On test subjects that were read once; beside it, arms of this segmenter that learnt from "
        "real patches. The interval is over subjects and "
        f"{counted(card.trainings, 'training' if card.trained else 'repetition')} of the arm.",
        "",
        *table(
            ["metric", "this model", "subjects", "the arm (95 % interval)", "subjects",
             "real patches"],
            rows,
        ),
    ]  # fmt: skip


def _bullets(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _times(values: Sequence[float]) -> str:
    return " × ".join(f"{value:g}" for value in values)
