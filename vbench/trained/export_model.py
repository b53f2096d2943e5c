"""``export-model``: an arm's segmenter for use elsewhere, as a MONAI bundle or as ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vbench.analysis.chosen import Chosen
from vbench.analysis.leaderboard import typed_leaderboard
from vbench.defaults import OUT
from vbench.engine.store import writable
from vbench.errors import StoreError
from vbench.files import atomic_write, write_json
from vbench.interfaces import Segmenter
from vbench.records.parts import Repetition
from vbench.registry.catalogue import summary
from vbench.share.aside import built_aside, check_free
from vbench.share.build import are_people, utility_of
from vbench.share.export import name_nobody, said
from vbench.share.patches import Contents, write_sums
from vbench.trained.arm import TrainedArm, open_arm, remarks
from vbench.trained.bundle import inference, metadata, write_bundle
from vbench.trained.card import NOT_STATED, Card, markdown
from vbench.trained.learnt import parameters, trained, training
from vbench.trained.onnx_model import TOLERANCE, missing_libraries, need_libraries, write_onnx
from vbench.types import Portable

Format = Literal["bundle", "onnx"]
CARD = "README.md"
#: Random windows that an export is checked with.
_CHECKED = 3


@dataclass(frozen=True)
class ExportedModel:
    """What :func:`export_model` wrote.

    Attributes:
        folder: The folder.
        difference: Largest difference to vbench's probabilities, on random windows.
        onnx: The same of the ONNX file; None without one.
        remarks: What is worth knowing, a line each.
    """

    folder: Path
    difference: float
    onnx: float | None
    remarks: tuple[str, ...]


def export_model(
    arm: str,
    folder: str | Path,
    *,
    benchmark: str,
    out: str | Path = OUT,
    seed: Repetition | None = None,
    form: Format = "bundle",
    licence: str | None = None,
    authors: str | None = None,
    citation: str | None = None,
) -> ExportedModel:
    """Write an arm's segmenter so that it can be used without vbench.

    A bundle has MONAI's configs, weights as safetensors, an ONNX file where the extra ``onnx`` is
    installed, a model card and checksums. It is checked before it is in its place: its own network,
    read back from its own files, must give the probabilities of vbench's.

    Args:
        arm: Such as ``synthetic/wgan-gp-sn``.
        folder: Where to; must not exist, or be empty.
        benchmark: The benchmark's name.
        out: The results folder.
        seed: Which repetition; None: the best on validation subjects.
        form: ``bundle``, or ``onnx`` for the ONNX file with its card alone.
        licence: Under which the model is shared.
        authors: Who made it.
        citation: How to cite it.

    Raises:
        StoreError: When there is no such arm, it has not finished, its segmenter has no network
            that can leave, or the folder is in use.
        MissingExtraError: When ONNX is asked for and the extra is not installed.
    """
    folder = Path(folder)
    check_free(folder)
    if form == "onnx":
        need_libraries()
    words = {
        "--licence": said("--licence", licence),
        "--authors": said("--authors", authors),
        "--cite": said("--cite", citation),
    }
    opened = open_arm(arm, benchmark=benchmark, out=out, seed=seed)
    name_nobody(opened.results, {**words, "benchmark": benchmark, "arm": arm})
    taught = training(opened)
    if opened.first.trial.inputs.given is not None:
        name_nobody(opened.results, {"the given weights": taught[0]})
    segmenter = opened.segmenters("cpu")[0]
    portable = segmenter.portable()
    if portable is None and max(segmenter.setup.classes, segmenter.setup.contrasts) > 1:
        raise StoreError(
            f"{arm}: segmenter '{segmenter.name}' offers no network of several classes or channels "
            "that can leave (its `portable` gives none); `vbench predict` uses it"
        )
    if portable is None:
        raise StoreError(
            f"{arm}: segmenter '{segmenter.name}' has no network that can leave; unet3d and "
            "monai:… have (a plugin says so by `portable`)"
        )
    setup, normalise = segmenter.setup, opened.normalise
    size, contents = setup.size, Contents.of(opened.labels, opened.channels)
    config = inference(
        portable, size, opened.threshold, normalise,
        tuple(contents.classes.values()), setup.contrasts,
    )  # fmt: skip
    told = [*remarks(opened, "segmenter", opened.first.trial.inputs.plugin)]
    windows = _windows(size, setup.contrasts)
    onnx = None
    with writable(folder), built_aside(folder) as part:
        model = _rebuilt(config, portable, normalise)
        difference = _difference(model, segmenter, windows, scaled=normalise == "patch-minmax")
        if not missing_libraries():
            onnx = _onnx(part, model, windows, told, needed=form == "onnx")
        elif form == "bundle":
            told.append("no ONNX file: `pip install 'vbench[onnx]'` adds it")
        card = _card(opened, segmenter, contents, taught, words, difference, onnx)
        if form == "bundle":
            about = metadata(
                card.name,
                size,
                f"{card.about} {card.learnt}",
                {score.metric: score.this for score in card.scores if score.this is not None},
                authors=card.authors or NOT_STATED,
                rights=card.licence or NOT_STATED,
                references=[text for text in (card.citation, card.paper) if text],
                classes=contents.classes if contents.labels else None,
                channels=contents.channels,
            )
            write_bundle(part, portable, config, about)
        else:
            write_json(part / "model.json", _usage(card))
        with atomic_write(part / CARD) as temporary:
            temporary.write_text(markdown(card), encoding="utf-8")
        write_sums(part)
    return ExportedModel(folder, difference, onnx, tuple(told))


def _windows(size: tuple[int, ...], channels: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (_CHECKED, channels, *size)).astype(np.float32)


def _rebuilt(config: dict[str, Any], portable: Portable, normalise: str) -> Any:
    """Build the network as the bundle's reader will, from its config and weights alone."""
    from monai.bundle import ConfigParser

    from vbench.trained.scripts.inference import VesselProbability

    parser = ConfigParser()
    parser.update({name: config[name] for name in portable.network})
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(portable.weights)
    scaled = normalise == "patch-minmax"
    return VesselProbability(network, portable.mean, portable.sd, scale_windows=scaled).eval()


def _difference(
    model: Any, segmenter: Segmenter, windows: npt.NDArray[np.float32], *, scaled: bool
) -> float:
    """Return how far the bundle's probabilities are from vbench's.

    Raises:
        StoreError: When they differ.
    """
    import torch

    from vbench.data.normalise import scale_patches

    with torch.inference_mode():
        found = model(torch.from_numpy(windows)).numpy()
    largest = 0.0
    for window, probability in zip(windows.copy(), found, strict=True):
        if scaled:
            scale_patches(window)
        volume = window if window.ndim == 4 else window[..., None]
        mask = np.ones(volume.shape[1:], bool)
        expected = segmenter.predict(volume if len(volume) > 1 else volume[0], mask)
        apart = np.abs(np.asarray(expected).reshape(probability.shape) - probability)
        largest = max(largest, float(apart.max()))
    if largest > TOLERANCE:
        raise StoreError(
            f"segmenter '{segmenter.name}': the exported network differs from vbench's by "
            f"{largest:.2g}, at most {TOLERANCE:g} was expected; nothing was exported"
        )
    return largest


def _onnx(
    part: Path, model: Any, windows: npt.NDArray[np.float32], told: list[str], *, needed: bool
) -> float | None:
    """Write the ONNX file; where that cannot be, say so, unless it is all that was asked for."""
    path = part / ("model.onnx" if needed else "models/model.onnx")
    try:
        difference = write_onnx(path, model, windows)
        why = f"onnxruntime differs from torch by {difference:.2g}"
    except Exception as error:  # of many libraries, each with its own
        difference, why = np.inf, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    if difference <= TOLERANCE:
        return difference
    if needed:
        raise StoreError(f"the network cannot be written as ONNX ({why}); export a bundle")
    path.unlink(missing_ok=True)
    told.append(f"no ONNX file: {why}")
    return None


def _card(
    opened: TrainedArm,
    segmenter: Segmenter,
    contents: Contents,
    taught: Sequence[str],
    words: dict[str, str | None],
    difference: float,
    onnx: float | None,
) -> Card:
    results, arm, chosen = opened.results, opened.arm, opened.first
    trial = chosen.trial
    board = typed_leaderboard(results)
    row = next(row for row in board.rows if row.arm == arm.name)
    every = list(results.all_chosen(arm))
    data = results.plan.data.get(arm.cohort) or results.plan.data["source"]
    assert data is not None
    counts = {part: len(subjects) for part, subjects in data.seen_by(chosen.seed).items()}
    return Card(
        name=f"{results.benchmark} {arm.name.replace('/', ' ')} seed {chosen.seed}",
        benchmark=results.benchmark,
        arm=arm.name,
        seed=chosen.seed,
        segmenter=arm.segmenter,
        about=summary(type(segmenter)),
        paper=segmenter.paper,
        learnt=" ".join(taught),
        trained=trained(trial),
        source=data.plugin,
        counts=counts,
        people=are_people(opened.store, opened.plugins, trial.inputs.val),
        size=segmenter.setup.size,
        spacing=opened.spacing or (),
        normalise=opened.normalise,
        masked=opened.masked,
        threshold=chosen.evaluated.threshold,
        labels=contents.labels,
        channels=contents.channels,
        params=parameters(type(segmenter), trial),
        scores=tuple(utility_of(results, board, chosen, row)),
        trainings=len(every),
        tested=_tested(every),
        difference=difference,
        onnx=onnx,
        nearest=_nearest(segmenter.setup.size, opened.normalise),
        licence=words["--licence"],
        authors=words["--authors"],
        citation=words["--cite"],
    )


def _tested(every: Sequence[Chosen]) -> dict[str, int]:
    """Return how many test subjects have a value of each metric, over all repetitions."""
    found: dict[str, set[str]] = {}
    for chosen in every:
        for case in chosen.evaluated.cases:
            if case.value is not None and case.label is None:
                found.setdefault(case.metric, set()).add(case.subject)
    return {metric: len(subjects) for metric, subjects in found.items()}


def _nearest(size: tuple[int, ...], normalise: str) -> tuple[str, ...]:
    """Say in what a bundle's prediction is not vbench's own."""
    found = []
    if normalise == "patch-minmax":
        found.append("windows are averaged with Gaussian weights, not with falling ramps.")
    if len(size) == 2:
        found.append("slices are taken along the last axis always.")
    else:
        found.append(
            "volumes thinner than a window by an odd number of voxels lie in it one further."
        )
    return tuple(found)


def _usage(card: Card) -> dict[str, Any]:
    """Return what a program needs to use the ONNX file."""
    outputs = len(card.labels) if card.labels else 1
    several: dict[str, Any] = {"labels": dict(card.labels)} if card.labels else {}
    if len(card.channels) > 1:
        several["channels"] = list(card.channels)
    return {
        "format": "vbench-onnx-1",
        "input": {
            "name": "windows",
            "shape": ["n", len(card.channels), *card.size],
            "range": [-1, 1],
        },
        "output": {"name": "probability", "shape": ["n", outputs, *card.size]},
        "normalise": card.normalise,
        "spacing_mm": list(card.spacing),
        "threshold": card.threshold,
        **several,
    }
