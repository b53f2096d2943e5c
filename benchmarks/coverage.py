"""How often the leaderboard's intervals hold the truth, and how often its tests cry wolf.

``python benchmarks/coverage.py [EXPERIMENTS]`` makes benchmarks up whose truth is known: two arms
scored on the same subjects, with seeds that differ, and counts over many of them. Prints Markdown.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from vbench.analysis.compare import versus
from vbench.analysis.scores import ArmScores, MetricInfo
from vbench.analysis.stats import Floats, holm, mean_interval, paired_p, per_subject

DSC = MetricInfo("dsc", "dsc@1", "", True)
TRUTH, WORSE = 0.85, 0.80


@dataclass(frozen=True)
class Case:
    """An experiment that is made up again and again.

    Attributes:
        seeds, subjects: How many.
        between_subjects: Standard deviation that both arms share.
        between_seeds: Standard deviation of each arm's trainings.
        skewed: Whether subjects are log-normal, with a tail of bad ones, instead of normal.
    """

    seeds: int
    subjects: int
    between_subjects: float
    between_seeds: float
    skewed: bool = False

    def subject_effects(self, rng: np.random.Generator) -> Floats:
        """Draw the subjects' effects, of mean 0."""
        if not self.skewed:
            return rng.normal(0, self.between_subjects, self.subjects)
        draws = rng.lognormal(0, 0.8, self.subjects)
        spread = np.exp(0.32) * np.sqrt(np.exp(0.64) - 1)
        return -(draws - np.exp(0.32)) * self.between_subjects / spread

    def arm(self, mean: float, shared: Floats, rng: np.random.Generator) -> ArmScores:
        """Draw an arm's scores."""
        values = mean + shared + rng.normal(0, 0.01, (self.seeds, self.subjects))
        values += rng.normal(0, self.between_seeds, (self.seeds, 1)) if self.between_seeds else 0
        names = tuple(map(str, range(self.subjects)))
        return ArmScores(values, np.zeros(values.shape, bool), tuple(range(self.seeds)), names)


CASES = (
    Case(1, 2, 0.02, 0), Case(1, 5, 0.02, 0), Case(1, 8, 0.02, 0), Case(1, 8, 0.02, 0, True),
    Case(3, 5, 0.02, 0.005), Case(3, 8, 0.02, 0.005), Case(3, 8, 0.02, 0.005, True),
    Case(3, 14, 0.02, 0.02), Case(5, 14, 0.02, 0.005), Case(2, 8, 0.005, 0.03),
)  # fmt: skip


def count(case: Case, experiments: int) -> list[float]:
    """Return how often mean, difference and ratio are covered, in percent."""
    rng = np.random.default_rng((7, case.seeds, case.subjects, case.skewed))
    hits = np.zeros(3)
    for _ in range(experiments):
        shared = case.subject_effects(rng)
        better, worse = case.arm(TRUTH, shared, rng), case.arm(WORSE, shared, rng)
        found = versus(worse, better, DSC)
        intervals = (mean_interval(better.values), found["ci95"], found["ratio_ci95"])
        truths = (TRUTH, WORSE - TRUTH, WORSE / TRUTH)
        hits += [low <= t <= high for (low, high), t in zip(intervals, truths, strict=True)]
    return [float(hit) for hit in 100 * hits / experiments]


def alarms(subjects: int, arms: int, experiments: int) -> tuple[float, float]:
    """Return how often, in percent, a test of equal arms says 0.05: one test, any of the table."""
    rng = np.random.default_rng((11, subjects))
    one = any_of_them = 0
    for _ in range(experiments):
        shared = rng.normal(0, 0.02, subjects)
        scores = 0.85 + shared + rng.normal(0, 0.01, (arms + 1, 1, subjects))
        raw = [paired_p(per_subject(arm) - per_subject(scores[0])) for arm in scores[1:]]
        one += raw[0] < 0.05
        any_of_them += min(holm(raw)) < 0.05
    return 100 * one / experiments, 100 * any_of_them / experiments


def main() -> None:
    """Print both tables."""
    experiments = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    wobble = 196 * np.sqrt(0.05 * 0.95 / experiments)
    print(f"{experiments} made-up experiments a line; a count near 95 wobbles by ±{wobble:.1f}.\n")
    print("| seeds × subjects | subjects' sd | seeds' sd | shape | mean | difference | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        shape = "log-normal" if case.skewed else "normal"
        cells = [f"{case.seeds} × {case.subjects}", case.between_subjects, case.between_seeds]
        covered = [f"{percent:.1f} %" for percent in count(case, experiments)]
        print("| " + " | ".join(map(str, [*cells, shape, *covered])) + " |", flush=True)
    print("\n| subjects | arms | false alarms of one test | of any in the table, Holm-corrected |")
    print("| --- | --- | --- | --- |")
    for subjects, arms in ((6, 3), (8, 4), (14, 8)):
        one, table = alarms(subjects, arms, experiments)
        print(f"| {subjects} | {arms} | {one:.1f} % | {table:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
