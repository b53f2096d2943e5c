"""How often the leaderboard's intervals hold the truth, and how often its signs are wrong.

``python benchmarks/coverage.py [EXPERIMENTS]`` makes benchmarks up whose truth is known: arms
scored on the same subjects, each trained several times, and counts over many of them. Prints
Markdown.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from zlib import crc32

import numpy as np
import numpy.typing as npt

from vbench.analysis.compare import versus
from vbench.analysis.folder import Arm
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import holm
from vbench.analysis.transfer import transfer_curves
from vbench.analysis.uncertainty import mean_interval

Floats = npt.NDArray[np.float64]
DSC = MetricInfo("dsc", "dsc@1", "", True)
TRUTH = 0.85
#: By how much arms differ whose difference should be found.
SMALL, LARGE = 0.02, 0.05
#: Numbers of patients, and the true scores from scratch and with pre-training.
N = (1, 2, 4, 8)
SCRATCH, PRETRAINED = np.array([0.80, 0.84, 0.87, 0.88]), np.array([0.83, 0.86, 0.88, 0.89])


@dataclass(frozen=True)
class Case:
    """An experiment that is made up again and again.

    Attributes:
        seeds, subjects: How many.
        trainings: Standard deviation of each arm's trainings.
        reference: The same of the reference, when it has another.
        interaction: Standard deviation by which arms differ in what they make of a subject.
        skewed: Whether subjects are log-normal, with a tail of bad ones, instead of normal.
        failed: Share of cases without a value.
        shared: Share of the trainings' variance that arms of one seed have in common.
        name: What is special.
    """

    seeds: int
    subjects: int
    trainings: float
    reference: float | None = None
    interaction: float = 0.0
    skewed: bool = False
    failed: float = 0.0
    shared: float = 0.0
    name: str = ""

    def subject_effects(self, rng: np.random.Generator) -> Floats:
        """Draw the subjects' effects, of mean 0 and standard deviation 0.03."""
        if not self.skewed:
            return rng.normal(0, 0.03, self.subjects)
        draws = rng.lognormal(0, 0.8, self.subjects)
        spread = np.exp(0.32) * np.sqrt(np.exp(0.64) - 1)
        return -(draws - np.exp(0.32)) * 0.03 / spread

    def arms(self, means: list[float], rng: np.random.Generator) -> list[tuple[ArmScores, float]]:
        """Draw arms on the same subjects, the reference first; with what the trainings add."""
        subjects = self.subject_effects(rng)
        common = rng.normal(size=(self.seeds, 1)) * np.sqrt(self.shared)
        out = []
        for i, mean in enumerate(means):
            sd = self.trainings if i or self.reference is None else self.reference
            own = rng.normal(size=(self.seeds, 1)) * np.sqrt(1 - self.shared)
            added = sd * (common + own)
            values = mean + subjects + added + rng.normal(0, 0.01, (self.seeds, self.subjects))
            values = values + rng.normal(0, self.interaction, self.subjects)
            values[rng.random(values.shape) < self.failed] = np.nan
            out.append((as_scores(values), float(added.mean())))
        return out


def as_scores(values: Floats) -> ArmScores:
    """Wrap scores ``(seeds, subjects)``."""
    names = tuple(map(str, range(values.shape[1])))
    return ArmScores(values, np.zeros(values.shape, bool), tuple(range(len(values))), names)


GRID = [Case(*axes) for axes in product((2, 3, 5), (4, 8, 14), (0.0, 0.01, 0.03))]
ONE_SEED = [Case(*axes) for axes in product((1,), (4, 8, 14), (0.0, 0.01, 0.03))]
OTHERS = [
    Case(2, 8, 0.01, interaction=0.02, name="arms differ by subject, sd 0.02"),
    Case(3, 8, 0.01, interaction=0.02, name="arms differ by subject, sd 0.02"),
    Case(1, 8, 0.0, skewed=True, name="log-normal subjects"),
    Case(3, 8, 0.01, skewed=True, name="log-normal subjects"),
    Case(3, 14, 0.01, skewed=True, name="log-normal subjects"),
    Case(2, 8, 0.03, 0.01, name="the reference's trainings differ less, sd 0.01"),
    Case(3, 8, 0.03, 0.01, name="the reference's trainings differ less, sd 0.01"),
    Case(2, 8, 0.03, 0.0, name="the reference's trainings do not differ"),
    Case(3, 8, 0.03, 0.0, name="the reference's trainings do not differ"),
    Case(3, 8, 0.01, shared=0.5, name="half of what trainings add is the seed's"),
    Case(3, 8, 0.01, failed=0.1, name="one case of ten failed"),
    Case(3, 4, 0.01, failed=0.2, name="one case of five failed"),
    Case(3, 2, 0.01, name="two subjects"),
    Case(3, 5, 0.005, name="subjects few, trainings alike"),
    Case(5, 14, 0.005, name="trainings alike"),
]


@dataclass(frozen=True)
class Count:
    """What was counted, in percent: truths held, wrong signs, differences found."""

    mean: float
    difference: float
    ratio: float
    one: float
    any_of_four: float
    small: float
    large: float
    methods_mean: float


def count(case: Case, experiments: int) -> Count:
    """Count over made-up experiments: four arms equal to the reference, and two that are worse.

    With one seed the truth is that of the trained networks, and it is these that are equal.
    """
    rng = np.random.default_rng(crc32(repr(case).encode()))
    hits = np.zeros(8)
    means = [TRUTH] * 5 + [TRUTH - SMALL, TRUTH - LARGE]
    for _ in range(experiments):
        drawn = case.arms(means, rng)
        networks = np.array([added if case.seeds == 1 else 0.0 for _, added in drawn])
        held = mean_interval(drawn[0][0].values)
        worse = versus(drawn[6][0], drawn[0][0], DSC)
        truth, base = TRUTH - LARGE + networks[6], TRUTH + networks[0]
        alike = [as_scores(arm.values - own) for (arm, _), own in zip(drawn, networks, strict=True)]
        found = [versus(arm, alike[0], DSC) for arm in alike[1:]]
        p = [one["p_raw"] if one else 1.0 for one in found]
        hits += [
            holds(held, base),
            holds(worse and worse["ci95"], truth - base),
            holds(worse and worse["ratio_ci95"], truth / base),
            np.mean(np.array(p[:4]) < 0.05),
            min(holm(p[:4])) < 0.05,
            p[4] < 0.05,
            p[5] < 0.05,
            holds(held, TRUTH),
        ]
    return Count(*(float(hit) for hit in 100 * hits / experiments))


def holds(interval: list[float | None] | None, truth: float) -> bool:
    """Whether an interval holds a number; an open end is without bound, no interval holds all."""
    low, high = interval or (None, None)
    return (low is None or low <= truth) and (high is None or truth <= high)


def count_worth(case: Case, experiments: int) -> list[float]:
    """Return how often, in percent, gain, area and worth are held, and worth has two ends."""
    rng = np.random.default_rng(crc32(repr(case).encode()))
    plan = [("scratch", None, n) for n in N] + [("transfer", "g", n) for n in N]
    arms = [Arm(f"{regime}/n{n}", regime, g, n, "unet", "target", {}) for regime, g, n in plan]
    hits = np.zeros(4)
    for _ in range(experiments):
        drawn = case.arms([*SCRATCH, *PRETRAINED], rng)
        added = np.array([own if case.seeds == 1 else 0.0 for _, own in drawn])
        scratch, pre = SCRATCH + added[: len(N)], PRETRAINED + added[len(N) :]
        scores = {arm.name: {"dsc": one} for arm, (one, _) in zip(arms, drawn, strict=True)}
        curve = transfer_curves(arms, scores, {"dsc": DSC})[0]
        area = np.trapezoid(pre - scratch, N) / (N[-1] - N[0])
        worth = curve["worth_ci95"][0]
        hits += [
            holds(curve["gain_ci95"][0], pre[0] - scratch[0]),
            holds(curve["area_ci95"], area),
            holds(worth, true_worth(pre[0], scratch)),
            worth is not None and None not in worth,
        ]
    return [float(hit) for hit in 100 * hits / experiments]


def true_worth(wanted: float, scratch: Floats) -> float:
    """Return how many patients more than one a true curve needs, read linearly."""
    best = np.maximum.accumulate(scratch)
    if wanted > best[-1]:
        return np.inf
    return float(np.interp(wanted, best, N)) - N[0] if wanted >= best[0] else -np.inf


def table(header: str, lines: Iterator[list[object]]) -> None:
    """Print a Markdown table; lines appear as they are counted."""
    print(f"\n| {header} |\n|{' --- |' * (header.count('|') + 1)}")
    for line in lines:
        cells = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in line)
        print(f"| {' | '.join(cells)} |", flush=True)


def lines(cases: list[Case], experiments: int) -> Iterator[list[object]]:
    """Count each case."""
    for case in cases:
        found = count(case, experiments)
        head = [case.name] if case.name else []
        one_seed = [found.methods_mean] if case in ONE_SEED else []
        held = [found.mean, *one_seed, found.difference, found.ratio]
        wrong = [found.one, found.any_of_four, found.small, found.large]
        yield [*head, f"{case.seeds} × {case.subjects}", str(case.trainings), *held, *wrong]


def worth_lines(cases: list[Case], experiments: int) -> Iterator[list[object]]:
    """Count transfer curves of each case."""
    for case in cases:
        head = f"{case.seeds} × {case.subjects}", str(case.trainings)
        yield [*head, *count_worth(case, experiments)]


def main() -> None:
    """Print the tables."""
    experiments = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    wobble = 196 * np.sqrt(0.05 * 0.95 / experiments)
    print(
        f"Percent of {experiments} made-up experiments a line; subjects' sd 0.03, cases' sd 0.01. "
        f"A count near 95 wobbles by ±{wobble:.1f}, one of wrong signs by ±{wobble / 2:.1f}."
    )
    size = "seeds × subjects | trainings' sd"
    signs = f"wrong sign | any of four | finds {SMALL} | finds {LARGE}"
    table(f"{size} | mean | difference | ratio | {signs}", lines(GRID, experiments))
    table(
        f"{size} | these networks' mean | the method's mean | difference | ratio | {signs}",
        lines(ONE_SEED, experiments),
    )
    table(f"case | {size} | mean | difference | ratio | {signs}", lines(OTHERS, experiments))
    cases = [Case(*axes) for axes in product((1, 2, 3, 5), (4, 8, 14), (0.01, 0.03))]
    cases.append(Case(3, 8, 0.0))
    names = "gain | area | worth in patients | worth has two ends"
    table(f"{size} | {names}", worth_lines(cases, experiments))


if __name__ == "__main__":
    main()
