"""Weights that were made elsewhere: found, read, and laid into a segmenter layer by layer.

A segmenter's own ``weights`` say which layers it has. The names of a state dict agree with them
but for what stands before all of them, such as ``module.``; what does not fit is told by layer and
shape.
"""

from __future__ import annotations

import pickle
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vbench.data.folder import content_digest
from vbench.engine.context import Context
from vbench.errors import DataError
from vbench.files import read_json
from vbench.interfaces import Segmenter
from vbench.records.parts import GivenWeights
from vbench.regimes.planner import Start
from vbench.types import Array, Weights

SAFE, TORCH = (".safetensors",), (".pt", ".pth", ".ckpt", ".bin")
#: Where a bundle keeps its weights, and how its network is applied.
MODELS, CONFIG = "models", Path("configs") / "inference.json"
#: Counters of batch normalisation, which no prediction needs.
_COUNTER = "num_batches_tracked"
#: What images are standardised with before the network sees them; in weights of networks here.
MOMENTS = "moments"
#: Beyond this no images are standardised, and float32 ends.
_WIDEST = 1e30


def find(start: Start) -> tuple[Path, GivenWeights]:
    """Return the file of given weights, and what decides a result of them.

    Raises:
        DataError: When there is none, or several.
    """
    place = Path(start.path)
    file = weights_file(place, start.where)
    mean, sd = _moments(start, place if place.is_dir() else None)
    return file, GivenWeights(digest=content_digest(file), mean=mean, sd=sd)


def weights_file(place: Path, where: str) -> Path:
    """Return the file of weights in a bundle, or the file itself.

    Raises:
        DataError: When there is none, or it is not clear which.
    """
    if not place.exists():
        raise DataError(f"{where}: {place}: no such file or folder; check the path")
    if place.is_file():
        if place.suffix.lower() not in (*SAFE, *TORCH):
            raise DataError(
                f"{where}: {place}: expected a .safetensors file, a state dict of torch (.pt, "
                ".pth), or a bundle's folder"
            )
        return place
    folder = place / MODELS if (place / MODELS).is_dir() else place
    for endings in (SAFE, TORCH):
        found = sorted(p for p in folder.iterdir() if p.suffix.lower() in endings)
        usual = [path for path in found if path.stem == "model"]
        if usual or len(found) == 1:
            return (usual or found)[0]
        if found:
            names = ", ".join(path.name for path in found)
            raise DataError(f"{where}: {folder}: several files of weights ({names}); name one")
    raise DataError(
        f"{where}: {folder}: no weights; expected {MODELS}/model.safetensors, as in a MONAI bundle"
    )


def given_file(context: Context, planned: str) -> Path:
    """Return the file of weights that a job takes from elsewhere.

    Args:
        context: The job.
        planned: Digest of the file's content when the run was planned.

    Raises:
        DataError: When it is another one now.
    """
    file = Path(context.job.extra["weights"])
    if content_digest(file) != planned:
        raise DataError(f"{file}: changed since the run was planned; run again")
    return file


def read(file: Path) -> Weights:
    """Read a state dict; nothing is unpickled but tensors.

    Raises:
        DataError: When it is none.
    """
    import torch

    try:
        if file.suffix.lower() in SAFE:
            from safetensors.torch import load_file

            found: Any = load_file(file)
        else:
            with warnings.catch_warnings(action="ignore"):  # what is wrong is said below
                found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # the libraries raise their own kinds
        text = _why(error)
        hint = "save its state dict as safetensors" if file.suffix not in SAFE else "copy it again"
        raise DataError(f"{file}: cannot be read as weights ({text}); {hint}") from error
    for name in ("state_dict", "model_state_dict", "model", "network_weights"):
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if not isinstance(found, Mapping) or not found:
        raise DataError(f"{file}: holds no state dict; save model.state_dict() as safetensors")
    tensors = {str(name): value for name, value in found.items() if torch.is_tensor(value)}
    if not tensors:
        raise DataError(f"{file}: holds no tensor; save model.state_dict() as safetensors")
    return {
        name: (v.float() if v.is_floating_point() else v).numpy() for name, v in tensors.items()
    }


def _why(error: Exception) -> str:
    """Say in a line why weights cannot be read; what torch advises would run a file's code."""
    text = str(error)
    if not isinstance(error, pickle.UnpicklingError):
        return (text.splitlines() or [type(error).__name__])[0]
    held = re.search(r"\bGLOBAL (\S+)", text)
    if held is None:
        return "it is damaged, or no state dict of torch"
    return f"beside tensors it holds {held[1]}, and loading that could run code"


def adopt(segmenter: Segmenter, given: Weights, about: GivenWeights, file: Path) -> None:
    """Give a segmenter the weights of a state dict.

    Args:
        segmenter: New; it keeps what is not of its network.
        given: The state dict.
        about: How its network's images are standardised.
        file: For messages.

    Raises:
        DataError: When a layer does not fit, with its name and shapes.
    """
    name = segmenter.name
    own = {key: _array(value) for key, value in segmenter.weights().items()}
    pairs, missing, surplus = matched(own, given)
    faults = [
        f"layer '{theirs}' has shape {_by(given[theirs])}, the segmenter's {_by(own[ours])}"
        for ours, theirs in pairs.items()
        if np.shape(given[theirs]) != np.shape(own[ours])
    ]
    if not pairs:
        faults = [
            f"none of its {len(given)} layers is one of the segmenter's {len(own)}: it has "
            f"'{next(iter(given))}', expected '{next(iter(missing), next(iter(own)))}'"
        ]
    else:
        faults += [
            f"layer '{theirs}' ({_by(own[ours])}) of the segmenter is missing"
            for ours, theirs in missing.items()
        ]
        faults += [f"layer '{n}' ({_by(given[n])}) has no place" for n in surplus]
    if faults:
        more = f" ({len(faults) - 1} more)" if faults[1:] else ""
        raise DataError(
            f"{file}: does not fit segmenter '{name}': {faults[0]}{more}; set segmenter.params as "
            "it was trained, or name its network"
        )
    broken = next((n for n in pairs.values() if not np.isfinite(given[n]).all()), None)
    if broken is not None:
        raise DataError(f"{file}: layer '{broken}' has values that are not finite; copy it again")
    laid = {ours: given[theirs].astype(own[ours].dtype) for ours, theirs in pairs.items()}
    if (about.mean, about.sd) != (0.0, 1.0):
        if MOMENTS not in own:
            raise DataError(
                f"{file}: segmenter '{name}' cannot change the range of its images; leave out range"
            )
        laid[MOMENTS] = np.array([about.mean, about.sd], own[MOMENTS].dtype)
    segmenter.load_weights({**own, **laid})


def matched(
    own: Iterable[str], given: Iterable[str]
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Pair the names of two state dicts, whatever stands before all of them.

    Returns:
        The given name by the own one, likewise of what is missing the name that it would have, and
        what is left over.
    """
    ours, theirs = list(own), list(given)
    best: tuple[dict[str, str], str, str] = ({}, "", "")
    for mine in _prefixes(ours):
        rest = {name.removeprefix(mine) for name in ours if name.startswith(mine)}
        for its in _prefixes(theirs):
            there = {name.removeprefix(its) for name in theirs if name.startswith(its)}
            if len(rest & there) > len(best[0]):
                pairs = {mine + n: its + n for n in sorted(rest & there)}
                best = (pairs, mine, its)
    pairs, mine, its = best
    used = set(pairs.values())
    missing = {
        n: its + n.removeprefix(mine)
        for n in ours
        if n.startswith(mine) and n not in pairs and n != MOMENTS
    }
    surplus = [n for n in theirs if n not in used and n != MOMENTS]
    return (
        pairs,
        {name: there for name, there in missing.items() if not name.endswith(_COUNTER)},
        [name for name in surplus if not name.endswith(_COUNTER)],
    )


def _prefixes(names: Sequence[str]) -> list[str]:
    """Return what most of the names begin with, up to a dot; nothing first."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")
        counts.update(".".join(parts[:k]) + "." for k in range(1, min(len(parts), 5)))
    return ["", *(prefix for prefix, n in counts.items() if 2 * n > len(names))]


def _moments(start: Start, bundle: Path | None) -> tuple[float, float]:
    """Return what images are standardised with: so that [-1, 1] becomes the network's range.

    Raises:
        DataError: When they are no numbers that images can be standardised with.
    """
    if start.range is not None:
        low, high = start.range
        sd = 2.0 / (high - low)
        mean, said = -1.0 - low * sd, f"{start.where}.range"
    else:
        try:
            found = read_json(bundle / CONFIG) if bundle else {}
            network = found["network"]
            mean, sd = float(network["mean"]), float(network["sd"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return 0.0, 1.0
        said = f"{bundle and bundle / CONFIG}: network.mean and network.sd"
    if not (abs(mean) <= _WIDEST and 1 / _WIDEST <= sd <= _WIDEST):
        raise DataError(
            f"{said}: images would be standardised by mean {mean:g} and sd {sd:g}; give the range "
            "of the network's images, such as [0, 1]"
        )
    return mean, sd


def _array(value: Any) -> Array:
    return value if isinstance(value, np.ndarray) else np.asarray(value.detach().cpu())


def _by(value: Array) -> str:
    return " × ".join(map(str, np.shape(value))) or "1"
