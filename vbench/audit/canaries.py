"""A lower bound of ε from made-up patients that were planted in a training, or not, by coins."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from vbench.audit.attacks import LEVEL, Entry, Floats


def canary_epsilon(scores: npt.ArrayLike, planted: npt.ArrayLike) -> Entry:
    """Return a lower bound of ε from made-up patients, each planted or not by a fair coin.

    The attacker guesses all coins: those whose score lies in the upper of the two groups into
    which the scores fall best were planted. Under ε-differential privacy with the patient as the
    unit, the number of right guesses is at most that of coins with probability
    ``exp(ε) / (1 + exp(ε))`` (Steinke et al. 2023, arXiv 2305.08846, theorem for δ = 0), so an
    exact lower confidence bound of that probability is one of ε.

    Alarm: guessing would be right so often in 0.5 % of all cases only.

    Args:
        scores: ``(canaries,)``, higher where it looks planted.
        planted: ``(canaries,)``, whether it was.

    Returns:
        ``value``: the bound, which holds with 95 %. ``ceiling``: what the bound would be if all
        guesses were right. ``correct``, ``guesses``, ``p``.
    """
    from scipy.stats import binom

    values, truth = np.asarray(scores, np.float64), np.asarray(planted, bool)
    guess = values > _split(values)
    n, correct = len(truth), int((guess == truth).sum())
    p = float(binom.sf(correct - 1, n, 0.5))
    return {
        "value": epsilon_bound(correct, n),
        "floor": 0.0,
        "ceiling": epsilon_bound(n, n),
        "defined": True,
        "ci95": None,
        "alarm": p <= LEVEL,
        "p": p,
        "correct": correct,
        "guesses": n,
    }


def epsilon_bound(correct: int, guesses: int, confidence: float = 0.95) -> float:
    """Return the lower bound of ε when so many of so many guesses are right; see above."""
    from scipy.stats import beta

    if correct == 0:
        return 0.0
    right = float(beta.ppf(1 - confidence, correct, guesses - correct + 1))
    return max(0.0, math.log(right / (1 - right)))


def _split(values: Floats) -> float:
    """Return the threshold that leaves the least spread within two groups (Otsu's)."""
    ordered = np.sort(values)
    between = [
        (low.mean() - high.mean()) ** 2 * len(low) * len(high)
        for place in range(1, len(ordered))
        for low, high in [(ordered[:place], ordered[place:])]
    ]
    place = int(np.argmax(between)) if between else 0
    return float((ordered[place] + ordered[min(place + 1, len(ordered) - 1)]) / 2)
