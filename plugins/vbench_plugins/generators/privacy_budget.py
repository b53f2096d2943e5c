"""How much noise a privacy budget asks for, and how much of one some noise has spent.

A training is ``steps`` Gaussian mechanisms, each on the data of patients that were drawn by
themselves with probability ``rate`` (Poisson sampling). Two data sets are neighbours when one has a
patient more (add or remove); ``epsilon`` and ``delta`` bound what that patient may change. With
``rate = 1`` nobody is left to chance, and the bound is the exact one of a Gaussian mechanism (Balle
and Wang 2018, arXiv 1805.06530). Otherwise it is the upper bound of the privacy loss distribution
(Koskela et al. 2020, arXiv 1906.03049). Both are those of Google's dp-accounting, in the extra
``dp``.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Mapping
from typing import Any

from vbench.errors import DataError, MissingExtraError

#: Steps in which privacy losses are counted; rounding is upwards, so that a coarse one is safe.
_INTERVAL = 1e-3
#: How near the solved noise comes to the budget, from below.
_TOLERANCE = 5e-3


def require() -> None:
    """Raise :class:`~vbench.errors.MissingExtraError` when dp-accounting is not installed."""
    if importlib.util.find_spec("dp_accounting") is None:
        raise MissingExtraError("dp-accounting is not installed; run `pip install 'vbench[dp]'`")


def check_delta(delta: float, people: int) -> None:
    """Refuse a delta so large that giving one of so many patients away would keep the guarantee.

    Raises:
        DataError: With a delta that is small enough.
    """
    if delta * people >= 1:
        raise DataError(
            f"delta = {delta:g} for {people} patients: expected less than "
            f"1 / {people}, or one of them may be given away; use {0.1 / people:.1g}"
        )


def guarantee(noise: float, delta: float, rate: float, steps: int) -> Mapping[str, Any]:
    """Return what a generator says of its guarantee; as for :func:`spent`."""
    return {
        "epsilon": spent(noise, delta, rate, steps),
        "delta": delta,
        "unit": "patient",
        "accountant": accountant(rate),
        "noise": noise,
        "rate": rate,
        "steps": steps,
    }


def accountant(rate: float) -> str:
    """Name how epsilon is found."""
    return "dp-accounting: " + (
        "Gaussian mechanism, exact"
        if rate == 1
        else "privacy loss distribution, Poisson-sampled Gaussian, add or remove one"
    )


def spent(noise: float, delta: float, rate: float, steps: int) -> float:
    """Return the epsilon that a training spends: infinity without noise, 0 without steps.

    Args:
        noise: Standard deviation of the noise, in units of the longest contribution of a patient.
        delta: Of the guarantee.
        rate: Probability with which a step sees a patient.
        steps: How many steps see patients.
    """
    if not steps:
        return 0.0
    if not noise:
        return math.inf
    import dp_accounting

    if rate == 1:
        # The steps together are one Gaussian mechanism: its signal grows with the root of them.
        return float(dp_accounting.get_epsilon_gaussian(noise / math.sqrt(steps), delta))
    found = _accountant().compose(_event(noise, rate), steps)
    return float(found.get_epsilon(delta))


def noise_for(epsilon: float, delta: float, rate: float, steps: int) -> float:
    """Return the least noise with which :func:`spent` is at most ``epsilon``."""
    import dp_accounting

    everyone = float(dp_accounting.get_sigma_gaussian(epsilon, delta)) * math.sqrt(steps)
    if rate == 1 or not steps:
        return everyone
    # Being left out by chance only helps, so what suffices for everyone is enough.
    enough, little = everyone, everyone / 2
    while spent(little, delta, rate, steps) <= epsilon:
        enough, little = little, little / 2
    while enough / little > 1 + _TOLERANCE:
        middle = math.sqrt(enough * little)
        if spent(middle, delta, rate, steps) <= epsilon:
            enough = middle
        else:
            little = middle
    return enough


def _accountant() -> Any:
    import dp_accounting
    from dp_accounting import pld

    return pld.PLDAccountant(
        neighboring_relation=dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE,
        value_discretization_interval=_INTERVAL,
    )


def _event(noise: float, rate: float) -> Any:
    import dp_accounting

    return dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
