"""Virtual patients: settings of ``geometric`` whose patches have a summary that was asked for.

Each is a point in a cube of settings, drawn widely enough for any scanner. Those whose summaries
come nearest are kept, others are drawn around them, and so on (the cross-entropy method:
Rubinstein 1999, doi:10.1023/A:1010091220143). No patient takes part: what is asked for is a
summary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vbench.types import Array, Setup
from vbench_plugins.generators.geometric import GeometricParams, draw
from vbench_plugins.generators.patient_summary import summary
from vbench_plugins.nn.seeding import SAMPLE, numpy_rng

Floats = npt.NDArray[np.float64]

#: The cube's edges: name, least, most, and whether in between it is told by its logarithm.
_EDGES = (
    ("vessels", 0.3, 5.0, True),
    ("radius", 0.5, 2.5, True),
    ("radius_spread", 0.2, 0.8, False),
    ("branching", 0.1, 1.5, False),
    ("veins", 0.0, 1.0, False),
    ("border", 0.0, 0.6, False),
    ("background", 0.01, 0.5, True),
    ("contrast", 0.15, 1.5, True),
    ("texture", 0.003, 0.1, True),
    ("blur", 0.2, 1.0, False),
    ("noise", 0.002, 0.08, True),
)
#: How many settings a virtual patient has.
SETTINGS = len(_EDGES)
#: Within a patient, how far patches lie from the patient's own background, contrast, and so on.
_WITHIN = {
    "background": (0.7, 1.3),
    "contrast": (0.5, 1.4),
    "texture": (0.5, 1.5),
    "blur": (0.8, 1.2),
    "noise": (0.8, 1.2),
}
#: The least spread that a later round draws with, as a part of the cube's edge.
_SPREAD = 0.03


@dataclass(frozen=True)
class Search:
    """How virtual patients are looked for.

    Attributes:
        rounds: How often.
        patients: Drawn in each round.
        patches: Of each of them.
        kept: After each round.
    """

    rounds: int = 4
    patients: int = 120
    patches: int = 12
    kept: int = 12


def settings(point: Floats) -> GeometricParams:
    """Return the settings at a point of the cube."""
    found: dict[str, float | tuple[float, float]] = {}
    for (name, least, most, ratio), at in zip(_EDGES, point, strict=True):
        value = least * (most / least) ** at if ratio else least + (most - least) * at
        low, high = _WITHIN.get(name, (None, None))
        found[name] = value if low is None or high is None else (low * value, high * value)
    return GeometricParams.model_validate(found)


def find(wanted: Floats, size: tuple[int, ...], search: Search, seed: int) -> Floats:
    """Return the points whose patches resemble a summary most, ``(kept, settings)``.

    Args:
        wanted: As of :func:`vbench_plugins.generators.patient_summary.summary`.
        size: Of a patch.
        search: How they are looked for.
        seed: Of the search.
    """
    middle, spread = np.full(SETTINGS, 0.5), np.full(SETTINGS, np.inf)
    points, far = np.empty((0, SETTINGS)), np.empty(0)
    for number in range(search.rounds):
        rng = numpy_rng(seed, SAMPLE, number)
        new = rng.uniform(size=(search.patients, SETTINGS))
        if number:
            new = np.clip(middle + spread * rng.standard_normal(new.shape), 0, 1)
        distance = [np.linalg.norm(_seen(point, size, search, rng) - wanted) for point in new]
        points, far = np.concatenate([points, new]), np.concatenate([far, distance])
        best = np.argsort(far)[: search.kept]
        points, far = points[best], far[best]
        middle, spread = points.mean(axis=0), np.maximum(points.std(axis=0), _SPREAD)
    return points


def _seen(point: Floats, size: tuple[int, ...], search: Search, rng: np.random.Generator) -> Array:
    chosen = settings(point)
    return summary(np.stack([draw(chosen, Setup(size), rng) for _ in range(search.patches)]))
