"""The risk of each patient that a generator learnt from, by its scores in several games.

See :mod:`vbench.audit.attacks` for what a game is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Degrees of freedom by which a patient that stands out is judged.
_FREEDOM = 6
#: Draws for intervals, and the quantile of the normal distribution for others.
_DRAWS, _Z = 200, 1.96


def chances_of(means: Floats, member: Bools) -> Floats:
    """Return for each patient of the audited game how likely it would score so if it were not in.

    By its scores in the games that it was not in, and the spread that all patients have in such
    games; by a t distribution with the tails of few degrees of freedom, as what a training makes
    of one patient has. 1 where a patient was in all games.

    Args:
        means: ``(games, persons)``, on one scale and not calibrated.
        member: Who was in.
    """
    from scipy.stats import t

    without = (~member).sum(axis=0)
    usual = np.where(member, 0.0, means).sum(axis=0) / np.maximum(without, 1)
    freedom = int(np.maximum(without - 1, 0).sum())
    variance = float((np.where(member, 0.0, means - usual) ** 2).sum()) / max(freedom, 1)
    mine, count = means[0][member[0]] - usual[member[0]], without[member[0]]
    if variance <= 0:
        return np.ones(len(mine))
    above = mine / np.sqrt(variance * (1 + 1 / np.maximum(count, 1)))
    chances: Floats = np.where(count > 0, t.sf(above, min(freedom, _FREEDOM)), 1.0)
    return chances


def risks(
    residual: Floats,
    means: Floats,
    person: npt.NDArray[np.intp],
    member: Bools,
    chances: Floats,
    rng: np.random.Generator,
) -> list[dict[str, Any]]:
    """Return the risk of each patient that was in the audited game.

    The attacker's advantage over guessing, from 0 to 1, when the patient is in with probability
    one half: scores of those who were in and who were not are normal, with one spread. Their
    distance is shrunk by its own standard error, so that chance alone names nobody. The interval is
    over resamples of the patients, and of the patient's patches. Where only some patients leak,
    that distance says little; so the patient's own counts as well, from the games without it, at
    prior odds of one in as many as were in.
    """
    from scipy.stats import norm

    counts, persons = np.bincount(person), member.shape[1]
    own = means[0][member[0]]
    squares = np.bincount(person, (residual[0] - means[0][person]) ** 2)
    error = np.sqrt(squares / np.maximum(counts - 1, 1) / counts)[member[0]]
    drawn = rng.multinomial(persons, np.full(persons, 1 / persons), size=_DRAWS).astype(float)
    values = _advantage(own[None], means, member, np.ones((1, persons)))[0]
    draws = _advantage(rng.normal(own, error, (_DRAWS, len(own))), means, member, drawn)
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    far = norm.isf(np.maximum(chances, 1e-300))
    alone = [
        np.maximum(0.0, np.tanh((np.maximum(z, 0) ** 2 / 2 - math.log(len(own))) / 2))
        for z in (far, far - _Z, far + _Z)
    ]
    values, low = np.maximum(values, alone[0]), np.maximum(low, alone[1])
    high = np.where(chances < 1, np.maximum(high, alone[2]), high)
    return [
        {
            "subject": number,
            "value": float(value),
            "ci95": [float(min(a, value)), float(max(b, value))],
        }
        for number, (value, a, b) in enumerate(zip(values, low, high, strict=True))
    ]


def _advantage(own: Floats, means: Floats, member: Bools, weight: Floats) -> Floats:
    """Return the attacker's advantage at scores ``(draws, members)``.

    Args:
        own: The scores.
        means: Of all patients in all games, ``(games, persons)``.
        member: Who was in.
        weight: How often each patient counts, ``(draws, persons)``.
    """
    count, centre, square = {}, {}, 0.0
    for side, chosen in (("in", member), ("out", ~member)):
        count[side] = np.maximum(weight @ chosen.sum(axis=0), 1)
        centre[side] = weight @ (means * chosen).sum(axis=0) / count[side]
        moment = weight @ (means**2 * chosen).sum(axis=0)
        square = square + moment - count[side] * centre[side] ** 2
    total = count["in"] + count["out"]
    variance = np.maximum(square, 0) / np.maximum(total - 2, 1)
    distance = centre["in"] - centre["out"]
    error = variance * total / (count["in"] * count["out"])  # squared
    safe = np.where(distance > 0, distance, 1.0)
    distance = np.where(distance > 0, distance * np.maximum(0, 1 - error / safe**2), 0.0)
    least = 1e-6 * float(means.std() ** 2) or 1.0  # of scores without any spread
    factor = (distance / np.maximum(variance, least))[:, None]
    odds = factor * (own - (centre["out"] + distance / 2)[:, None])
    return np.maximum(0.0, np.tanh(odds / 2)) + 0.0  # no minus zero
