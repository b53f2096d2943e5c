"""From what an exported segmenter learnt, as its records say it: sentences of its model card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from vbench.analysis.chosen import Trial
from vbench.data.folder import content_digest
from vbench.engine.datasets import role_of
from vbench.engine.given import weights_file
from vbench.errors import DataError
from vbench.files import read_json
from vbench.interfaces import Fitted
from vbench.params import length_param
from vbench.records.training import PrepareInputs
from vbench.share import words
from vbench.share.build import are_people, shareable
from vbench.trained.arm import TrainedArm
from vbench.trained.card import NOT_STATED
from vbench.usertext import one_line

#: What a bundle says of the weights in it, by the card's words.
_ABOUT = {"name": "", "authors": "by ", "copyright": "licence or rights: "}


def training(opened: TrainedArm) -> tuple[str, ...]:
    """Say what taught an arm's segmenter: first what it started from, then its own training."""
    chosen, arm = opened.first, opened.arm
    trial, fit = chosen.trial, chosen.generator
    found = [given_words(opened)] if trial.inputs.given is not None else []
    if chosen.start is not None:
        found.append(f"Pre-trained on {_taught(opened, chosen.start, 'source')}.")
    if trained(trial):
        found.append(f"Trained on {_taught(opened, trial, arm.cohort)}.")
    else:
        found.append("Not trained here: no subject and no patch changed these weights.")
    if fit is not None:
        cls = opened.plugins.generator(fit.inputs.plugin.name)
        n, real = _people(opened, fit.inputs.train, "source")
        said = words.learnt(cls.learns, n, real)
        found.append(f"The generator {arm.generator} learnt from: {said}")
    return tuple(found)


def trained(trial: Trial) -> bool:
    """Whether a trial was trained at all; given weights may be taken as they are."""
    return bool(trial.inputs.train or trial.result.samples)


def parameters(cls: type[Fitted], trial: Trial) -> dict[str, JsonValue]:
    """Return the parameters that a card lists: no length of a training that there was not."""
    params = trial.result.params
    length = length_param(cls.Params)
    # The bundle's own config names them, so they lead to nobody.
    open_ones = {**shareable(cls, params), **{k: v for k, v in params.items() if k == "network"}}
    return {
        name: open_ones[name]
        for name in params
        if name in open_ones and (trained(trial) or name != length)
    }


def given_words(opened: TrainedArm) -> str:
    """Name the weights that an arm starts from, by their content, and who made them if they say.

    The path is left out: it may name people.
    """
    given = opened.first.trial.inputs.given
    assert given is not None
    label = opened.arm.name.split("/")[1]
    tables = (opened.results.plan.spec.get("regimes") or {}).get("pretrained") or {}
    table: Any = (tables.get("weights") or {}).get(label)
    place = Path(str(table.get("path") if isinstance(table, Mapping) else table))
    try:
        file = weights_file(place, label)
        same = content_digest(file) == given.digest
    except DataError:
        same = False
    if not same:
        return (
            f"Started from the given weights '{label}', BLAKE2b {given.digest} (their file is not "
            "where it was: SHA-256, origin and licence are not known)."
        )
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    about = "; ".join(_origin(place)) or "origin and licence: not stated"
    return f"Started from the given weights '{label}', SHA-256 {digest}; {about}."


def _origin(place: Path) -> Iterable[str]:
    """Yield what a bundle's metadata say of where its weights come from; nothing of a file."""
    try:
        says = read_json(place / "configs" / "metadata.json")
    except (OSError, ValueError):
        return
    for name, before in _ABOUT.items():
        text = says.get(name) if isinstance(says, dict) else None
        if isinstance(text, str) and text.strip() not in ("", NOT_STATED):
            yield f"{before}{one_line(text)}"


def _taught(opened: TrainedArm, trial: Trial, cohort: str) -> str:
    """Name the patches that a trial was handed."""
    found = []
    if trial.inputs.train:
        who = words.people(*_people(opened, trial.inputs.train, cohort))
        found.append(f"real patches of {who} of the {role_of(cohort)}")
    samples = opened.first.samples
    if trial.result.samples and samples is not None:
        n = samples.result.n
        found.append(f"{n} synthetic patch{'' if n == 1 else 'es'} of {opened.arm.generator}")
    return " and ".join(found)


def _people(opened: TrainedArm, keys: Iterable[str], cohort: str) -> tuple[int, bool]:
    """Return how many persons these volumes are of, and whether they are people."""
    keys = tuple(keys)
    data = opened.results.plan.data.get(cohort)
    persons = (data.groups if data is not None else None) or {}
    subjects = [opened.store.record(key).inputs_as(PrepareInputs).subject for key in keys]
    return len({persons.get(s, s) for s in subjects}), are_people(
        opened.store, opened.plugins, keys
    )
