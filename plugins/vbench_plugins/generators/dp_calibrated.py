"""Drawn vessels that look as the patients' do, from ten numbers with differential privacy.

Patients teach ten numbers: how bright background and vessels are, how much vessel there is and
how thick, how noisy images are. Their mean over patients comes out of one Gaussian mechanism, whose
unit is the patient (:mod:`vbench_plugins.generators.patient_summary`). Then settings of
``geometric`` are looked for whose patches have that mean, and patches are drawn with them. That and
the samples are post-processing: they spend nothing. Trees come from no patient, so that the shapes
of vessels, which could give one away, are nobody's.

The noise comes from the fit's seed, so that a run can be repeated. Who knows the seed can take the
noise away: before a release, the seed must be secret. The numbers are those of an ordinary
generator, not of one that is proof against attacks on floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from vbench.interfaces import Generator, Params, param
from vbench.layout import empty_patches
from vbench.types import Array, Patches, Progress, Setup, Weights
from vbench_plugins.generators import privacy_budget, virtual_patients
from vbench_plugins.generators.geometric import draw
from vbench_plugins.generators.patient_summary import LIMITS, private_mean
from vbench_plugins.nn.seeding import PRIVACY, SAMPLE, numpy_rng


class DpCalibratedParams(Params):
    """Parameters of :class:`DpCalibrated`."""

    epsilon: float = param(
        5.0, "Privacy budget of each patient, from which `noise` is solved", gt=0
    )
    delta: float = param(
        1e-3, "Probability with which epsilon may not hold; far below 1 / patients", gt=0, lt=1
    )
    noise: float | None = param(
        None, "Noise in units of a patient's share, instead of epsilon; 0: no guarantee", ge=0
    )
    rounds: int = param(4, "Rounds of the search for settings", ge=1)
    candidates: int = param(120, "Settings that are tried in each round", ge=2)
    candidate_patches: int = param(12, "Patches that are drawn with each of them", ge=1)
    kept: int = param(12, "Settings that are kept, and sampled with", ge=2)
    search_seed: int = param(2018, "Of the search, which is the same in every repetition", ge=0)


class DpCalibrated(Generator):
    """Random trees of tubes, calibrated to patients by ten differentially private numbers."""

    name = "dp-calibrated"
    paper = "Balle and Wang 2018, arXiv:1805.06530; Rubinstein 1999, doi:10.1023/A:1010091220143"
    learns = "summary"
    Params = DpCalibratedParams
    tiny: ClassVar[Mapping[str, Any]] = {
        "rounds": 1,
        "candidates": 2,
        "candidate_patches": 1,
        "kept": 2,
    }

    def __init__(self, params: DpCalibratedParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self.check(params, setup)
        self._mean: Array = np.full(len(LIMITS), 0.5)
        self._points: Array = np.full((1, virtual_patients.SETTINGS), 0.5)

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Refuse to keep more settings than are tried, and say when the extra is missing."""
        if params.kept > params.candidates:
            raise ValueError(
                f"kept = {params.kept} of candidates = {params.candidates}: expected as many or "
                "fewer"
            )
        privacy_budget.require()

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Ask the patients once, with noise, then look for settings that resemble the answer.

        Raises:
            DataError: When delta is so large that giving one patient away would keep the guarantee.
        """
        p = self.params
        privacy_budget.check_delta(p.delta, len(np.unique(patches.subject_index)))
        self._mean = private_mean(patches, self._noise(), numpy_rng(seed, PRIVACY))
        search = virtual_patients.Search(p.rounds, p.candidates, p.candidate_patches, p.kept)
        self._points = virtual_patients.find(self._mean, self.setup.size, search, p.search_seed)
        yield Progress(1, 1)

    def sample(self, n: int, *, seed: int) -> Array:
        """Draw patches, each of a virtual patient that is drawn first."""
        chosen = [virtual_patients.settings(point) for point in self._points]
        made = empty_patches(n, self.setup.size)
        for index in range(n):
            rng = numpy_rng(seed, SAMPLE, index)
            made[index] = draw(chosen[rng.integers(len(chosen))], self.setup, rng)
        return made

    def weights(self) -> Weights:
        """Return the private mean and the settings that were found for it."""
        return {"mean": self._mean.copy(), "points": self._points.copy()}

    def load_weights(self, weights: Weights) -> None:
        """Take over what was found."""
        self._mean = np.array(weights["mean"], np.float64)
        self._points = np.array(weights["points"], np.float64)

    def _noise(self) -> float:
        p = self.params
        if p.noise is not None:
            return float(p.noise)
        return privacy_budget.noise_for(p.epsilon, p.delta, rate=1.0, steps=1)

    def guarantee(self) -> Mapping[str, Any] | None:
        """Return epsilon and delta of a patient, and what they follow from; None without noise."""
        noise, delta = self._noise(), self.params.delta
        return privacy_budget.guarantee(noise, delta, rate=1.0, steps=1) if noise else None
