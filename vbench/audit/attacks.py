"""What attacks on a generator found: from scores in arrays to entries of a privacy audit.

A *game* is one training of a generator, and who was in it: the audited generator's, and those of
its shadows, which learnt from other choices of the same patients. An attack gives each patch of
each patient a score in each game, higher for what looks more like a training patch; whether that
tells who was in is asked here. Patients are the unit: labels are permuted, and intervals taken,
over them.

An entry has the form of a privacy score (see :mod:`vbench.audit.verdict`): ``value``, ``floor``,
``ceiling``, ``defined``, ``ci95``, ``alarm``, ``patients``, and what is particular to the attack.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vbench.audit.risks import chances_of, risks

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Entry = dict[str, Any]

#: The attacks on a generator and the versions of their definitions.
ATTACKS = {
    "shadow-mia": 1,
    "white-box-mia": 1,
    "label-inference-segmenter": 1,
    "canary-epsilon": 1,
}
#: What each tells, for a datasheet.
ABOUT = {
    "shadow-mia": "AUC of an attacker who tells the patients of the training from others by the "
    "synthetic patches, knowing what the same method makes of other patients; 0.5 is chance",
    "white-box-mia": "AUC of an attacker who tells the patients of the training from others by the "
    "generator itself; 0.5 is chance",
    "label-inference-segmenter": "AUC of an attacker who tells the patients of the training from "
    "others by how well a segmenter that learnt from synthetic patches labels them; 0.5 is chance",
    "canary-epsilon": "Lower bound of epsilon that made-up patients who were planted in a training "
    "give; 0 is none",
}
#: What an attack may alarm by chance, at most: four attacks together stay below 2 %.
LEVEL = 0.005
#: Permutations of the patients, and draws for intervals.
_PERMUTATIONS, _DRAWS = 1999, 200
#: Where a tie lies: below and above, each by half.
_SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")
#: Of an interval: the quantile of the normal distribution.
_Z = 1.96


def membership(
    scores: npt.ArrayLike, person: npt.ArrayLike, member: npt.ArrayLike, *, seed: int
) -> Entry:
    """Say how well scores tell the patients that a generator learnt from.

    A patch's score in one game is compared with that in the other games, so that only what the
    training changed counts; with one game it is taken as it is. A patient's score is the mean over
    its patches.

    Alarm: the patients' labels, permuted, seldom reach the AUC, in the audited game or on average
    over all, and the AUC over patches is above both controls; or, with several games, one patient
    stands out from what it is in the games that it was not in.

    Args:
        scores: ``(games, patches)``; the first game is the audited one.
        person: ``(patches,)``, whose patch it is, from 0; first those in the audited game.
        member: ``(games, persons)``, who was in.
        seed: Of permutations and draws.

    Returns:
        ``value``: AUC of the audited game over patients, with its ``ci95``. ``auc_all``: mean over
        games. ``p``: smallest p-value, times the number of tests. ``tpr``: true positives among
        patients of all games, at the threshold that ``fpr`` of those who were not in exceed,
        which is at most 1 %, with ``tpr_ci95``. ``control_members`` and ``control_strangers``: AUC
        over patches that random halves of either side reach, 95th percentile; ``auc_patches``
        is what compares with it. ``patients``: risk of those who were in.
    """
    from scipy.stats import rankdata

    rng = np.random.default_rng(seed)
    whose, inside = np.asarray(person, np.intp), np.atleast_2d(np.asarray(member, bool))
    scaled = _scaled(np.atleast_2d(np.asarray(scores, np.float64)))
    residual = _calibrated(scaled)
    means = _by_person(residual, whose)
    tests = 3 if len(inside) > 1 else 1
    level = LEVEL / tests
    if 1 / _labellings(inside) > level:
        return unjudged(
            f"{inside[0].sum()} training and {(~inside[0]).sum()} held-out patients are too few: "
            "no result of this attack would be more than chance"
        )
    ranks = rankdata(means, axis=1)
    p = _permuted(ranks[:1], inside[:1], rng)
    chances = np.ones(int(inside[0].sum()))
    if len(inside) > 1:
        p = min(p, _permuted(ranks, inside, rng))
        chances = chances_of(_by_person(scaled, whose), inside)
    p_worst = min(1.0, float(chances.min()) * len(chances))
    wins = np.stack([_wins(row, whose) for row in residual])
    patches = float(np.mean([_mean_win(w, m, ~m) for w, m in zip(wins, inside, strict=True)]))
    controls = [_control(wins, side, inside, rng) for side in (inside, ~inside)]
    aucs = [_auc(row, row_in) for row, row_in in zip(ranks, inside, strict=True)]
    return {
        "value": aucs[0],
        "floor": 0.5,
        "ceiling": 1.0,
        "defined": True,
        "ci95": _auc_interval(aucs[0], int(inside[0].sum()), int((~inside[0]).sum())),
        "alarm": bool((p <= level and patches > max(controls)) or p_worst <= level),
        "p": min(1.0, tests * min(p, p_worst)),
        "auc_all": float(np.mean(aucs)),
        "auc_patches": patches,
        "control_members": controls[0],
        "control_strangers": controls[1],
        **_at_one_percent(means, inside),
        "patients": risks(residual, means, whose, inside, chances, rng),
    }


def label_inference(
    overlap: npt.ArrayLike, person: npt.ArrayLike, member: npt.ArrayLike, *, seed: int
) -> Entry:
    """Say how much better the labels of those are inferred that a generator learnt from.

    Args:
        overlap: ``(patches,)``, the Dice coefficient of what was inferred with the label.
        person: As for :func:`membership`.
        member: ``(persons,)``, who was in.
        seed: Of permutations and draws.

    Returns:
        ``value``: the advantage, mean over training patients minus that over held-out ones, with
        the interval of Welch's t. ``dsc_members``, ``dsc_strangers``: these means. ``auc``: of the
        patients. The rest is as for :func:`membership`; a patient's risk is its own advantage. With
        too few patients there are no ``ci95`` and no alarm.
    """
    scores, inside = np.asarray(overlap, np.float64)[None], np.asarray(member, bool)
    entry = membership(scores, person, inside, seed=seed)
    mine = _by_person(scores, np.asarray(person, np.intp))[0]
    members, strangers = mine[inside], mine[~inside]
    advantage = float(members.mean() - strangers.mean())
    if entry["value"] is None:
        return {
            "value": advantage,
            "floor": 0.0,
            "ceiling": 1.0 - float(strangers.mean()),
            "defined": True,
            "ci95": None,
            "alarm": False,
        }
    usual, spread = float(strangers.mean()), float(strangers.std(ddof=1))
    entry |= {
        "value": advantage,
        "floor": 0.0,
        "ceiling": 1.0 - usual,
        "ci95": _welch_interval(members, strangers),
        "auc": entry["value"],
        "dsc_members": float(members.mean()),
        "dsc_strangers": usual,
        "patients": [
            {
                "subject": number,
                "value": _unit(value - usual),
                "ci95": [_unit(value - usual - _Z * spread), _unit(value - usual + _Z * spread)],
            }
            for number, value in enumerate(members)
        ],
    }
    return entry


def dice(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return the Dice coefficient of labels ``(n, *size)``, one by one; 1 where both are empty."""
    one, other = np.asarray(first, bool), np.asarray(second, bool)
    axes = tuple(range(1, one.ndim))
    total = one.sum(axes) + other.sum(axes)
    both = 2.0 * (one & other).sum(axes)
    return np.divide(both, total, out=np.ones(len(one)), where=total > 0)


def dice_by_class(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Return the mean Dice coefficient of the classes that one of two labels has, one by one.

    Args:
        first: The index of the class, ``(n, *size)``.
        second: Likewise.

    Returns:
        ``(n,)``; 1 where both are empty. With one class that is :func:`dice`.
    """
    one, other = np.asarray(first), np.asarray(second)
    axes = tuple(range(1, one.ndim))
    total, count = np.zeros(len(one)), np.zeros(len(one))
    for index in np.union1d(np.unique(one), np.unique(other)):
        if index > 0:
            own, its = one == index, other == index
            there = (own | its).any(axes)
            total += np.where(there, dice(own, its), 0.0)
            count += there
    return np.divide(total, count, out=np.ones(len(one)), where=count > 0)


def unjudged(why: str) -> Entry:
    """Return the entry of an attack that cannot say anything."""
    return {"value": None, "floor": None, "ceiling": None, "defined": False, "fault": why}


def _scaled(scores: Floats) -> Floats:
    """Bring games to one scale: mean 0 and spread 1 over patches."""
    spread = scores.std(axis=1, keepdims=True)
    scores = scores - scores.mean(axis=1, keepdims=True)
    return np.divide(scores, spread, out=np.zeros_like(scores), where=spread > 0)


def _calibrated(scores: Floats) -> Floats:
    """Take from each game the mean of the others, patch by patch; one game stays as it is."""
    games = len(scores)
    return scores if games == 1 else (scores - scores.mean(axis=0)) * games / (games - 1)


def _by_person(scores: Floats, person: npt.NDArray[np.intp]) -> Floats:
    """Return the means over patches, ``(games, persons)``."""
    counts = np.bincount(person)
    return np.stack([np.bincount(person, row) / counts for row in scores])


def _labellings(member: Bools) -> int:
    """Return how many ways there are to hand the patients' labels round."""
    _, alike = np.unique(member, axis=1, return_counts=True)
    return math.factorial(member.shape[1]) // math.prod(math.factorial(int(n)) for n in alike)


def _auc(ranks: Floats, member: Bools) -> float:
    inside, outside = int(member.sum()), int((~member).sum())
    return float((ranks[member].sum() - inside * (inside + 1) / 2) / (inside * outside))


def _permuted(ranks: Floats, member: Bools, rng: np.random.Generator) -> float:
    """Return how often permuted patients reach the mean AUC of all games.

    Who is in is the same function of the patient's place in every game, and the places were drawn:
    where nothing leaks, each order of the patients is as likely.
    """
    order = np.argsort(rng.random((_PERMUTATIONS, member.shape[1])), axis=1)
    inside = member.sum(axis=1)
    weighted = ranks / (inside * (member.shape[1] - inside))[:, None]
    found = float((weighted * member).sum())
    # Permuting the labels is permuting the ranks the other way.
    reached = sum(row[order] @ row_in for row, row_in in zip(weighted, member, strict=True))
    return float((1 + (reached >= found - 1e-9).sum()) / (1 + _PERMUTATIONS))


def _wins(scores: Floats, person: npt.NDArray[np.intp]) -> Floats:
    """Return how often a patch of one patient has a higher score than one of another.

    Returns:
        ``(persons, persons)``; ties count half.
    """
    counts = np.bincount(person)
    order = np.argsort(scores, kind="stable")
    whose = np.eye(len(counts))
    so_far = np.vstack([np.zeros(len(counts)), whose[person[order]].cumsum(axis=0)])
    below = sum(so_far[np.searchsorted(scores[order], scores, side)] for side in _SIDES) / 2
    return (whose[person].T @ below) / np.outer(counts, counts)


def _mean_win(wins: Floats, first: Bools, second: Bools) -> float:
    return float(wins[np.ix_(first, second)].mean())


def _control(wins: Floats, side: Bools, member: Bools, rng: np.random.Generator) -> float:
    """Return the AUC over patches that random halves of one side of the games reach.

    There is nothing to find: what is found tells subjects apart, not members. The 95th percentile,
    scaled to as many patients as the attack has.
    """
    half = int(side[0].sum()) // 2
    if half < 1:
        return 0.5
    found = np.zeros(_DRAWS)
    for table, row in zip(wins, side, strict=True):
        order = np.argsort(rng.random((_DRAWS, len(row))) + ~row, axis=1)  # this side first
        first, second = (np.zeros(order.shape) for _ in range(2))
        n = int(row.sum())
        np.put_along_axis(first, order[:, : n // 2], 1 / max(1, n // 2), axis=1)
        np.put_along_axis(second, order[:, n // 2 : n], 1 / (n - n // 2), axis=1)
        found += np.einsum("dn,dn->d", first @ table, second) / len(wins)
    inside, halves = int(member[0].sum()), (half, int(side[0].sum()) - half)
    all_of_them = 1 / inside + 1 / (member.shape[1] - inside)
    scale = math.sqrt(all_of_them / (1 / halves[0] + 1 / halves[1]))
    return 0.5 + scale * float(np.quantile(found - 0.5, 0.95))


def _welch_interval(first: Floats, second: Floats) -> list[float]:
    """Return the 95 % interval of the difference of two means, by Welch's t."""
    from scipy.special import stdtrit

    errors = np.array([side.var(ddof=1) / len(side) for side in (first, second)])
    difference, error = float(first.mean() - second.mean()), float(errors.sum())
    if error == 0:
        return [difference, difference]
    freedom = error**2 / float(
        sum(e**2 / (len(side) - 1) for e, side in zip(errors, (first, second), strict=True))
    )
    width = float(stdtrit(freedom, 0.975)) * math.sqrt(error)
    return [difference - width, difference + width]


def _auc_interval(auc: float, first: int, second: int) -> list[float]:
    """Return the 95 % score interval of an AUC (Newcombe 2006, method 5, doi 10.1002/sim.2324)."""
    from scipy.optimize import brentq

    like = (first + second) / 2 - 1

    def deviation(value: float) -> float:
        both = value / (2 - value) + 2 * value**2 / (1 + value) - 2 * value**2
        return math.sqrt(max(0.0, value * (1 - value) + like * both) / (first * second))

    near = 1e-9  # at 0 and 1 the deviation is 0, which is no end of the interval
    low = 0.0 if auc <= near else brentq(lambda v: auc - v - _Z * deviation(v), 0.0, auc - near)
    high = (
        1.0 if auc >= 1 - near else brentq(lambda v: v - auc - _Z * deviation(v), auc + near, 1.0)
    )
    return [float(low), float(high)]


def _at_one_percent(means: Floats, member: Bools) -> Entry:
    """Return the true positives of all games at 1 % false ones; at none below 100 of them."""
    from scipy.stats import beta

    inside, outside = means[member], np.sort(means[~member])[::-1]
    allowed = len(outside) // 100
    found, n = int((inside > outside[allowed]).sum()), len(inside)
    low = 0.0 if found == 0 else float(beta.ppf(0.025, found, n - found + 1))
    high = 1.0 if found == n else float(beta.ppf(0.975, found + 1, n - found))
    return {"tpr": found / n, "tpr_ci95": [low, high], "fpr": allowed / len(outside)}


def _unit(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
