"""Does a cheap score of synthetic patches predict what a segmenter trained on them reaches?

A point is an arm that was audited: its fidelity score, and its segmentation score as a ratio to
the real arm's, both means over seeds. The rank correlation (Spearman) says how far a score orders
arms as the segmenter does. Two are given. *All arms* takes them as one table: it needs scores that
mean the same on every data set. *Within benchmarks* ranks each benchmark's arms among themselves
first, which is what choosing among generators on one's own data takes.

Arms of one generator are alike (other doses), and so are arms of one benchmark. So the interval is
a bootstrap that draws benchmarks, then generators within each, with all their arms (Davison &
Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vbench.analysis.folder import Results
from vbench.analysis.leaderboard import leaderboard
from vbench.analysis.stats import Floats, average_ranks
from vbench.analysis.uncertainty import ALPHA

#: Fewer arms say nothing of an order.
LEAST = 4
_DRAWS = 2000


@dataclass(frozen=True)
class Point:
    """An audited arm.

    Attributes:
        benchmark: Its benchmark.
        generator: Its generator.
        score: Of its patches, higher is better where the score has a direction.
        ratio: Of its segmentation score to the real arm's, higher is better.
    """

    benchmark: str
    generator: str
    score: float
    ratio: float


@dataclass(frozen=True)
class Correlation:
    """How a score orders arms, beside the segmenter's order.

    Attributes:
        metric: The score.
        directed: Whether it says which way is better; the signs of others mean nothing.
        rho: Over all arms; positive: what scores better trains better. None where it has no spread.
        rho_ci95: Its interval; None where it cannot be found.
        within: Over the ranks within each benchmark.
        within_ci95: Its interval.
        arms, generators, benchmarks: How many it rests on.
    """

    metric: str
    directed: bool
    rho: float | None
    rho_ci95: tuple[float, float] | None
    within: float | None
    within_ci95: tuple[float, float] | None
    arms: int
    generators: int
    benchmarks: int


def correlations(
    several: Iterable[Results], metric: str | None = None, *, draws: int = _DRAWS, seed: int = 0
) -> list[Correlation]:
    """Return the correlation of every fidelity score, the strongest within benchmarks first.

    Args:
        several: Benchmarks; those with a real arm and audited ones count.
        metric: The segmentation metric; None: each benchmark's primary one.
        draws: Of the bootstrap.
        seed: Of the bootstrap.
    """
    points: dict[str, list[Point]] = {}
    directed: dict[str, bool] = {}
    for number, results in enumerate(several):
        name = f"{number} {results.benchmark}"  # two folders may hold benchmarks of one name
        for score, point, has_direction in _points(results, name, metric):
            points.setdefault(score, []).append(point)
            directed[score] = directed.get(score, True) and has_direction
    found = [
        _correlation(score, own, directed[score], draws, seed)
        for score, own in points.items()
        if len(own) >= LEAST
    ]
    return sorted(found, key=lambda one: -abs(one.within or 0.0))


def _points(
    results: Results, benchmark: str, metric: str | None
) -> Iterable[tuple[str, Point, bool]]:
    """Yield each fidelity score of each audited arm, and whether the score has a direction."""
    board = leaderboard(results)
    wanted = metric or board["primary"]
    if wanted not in board["metrics"]:
        return
    higher = board["metrics"][wanted]["higher_is_better"]
    for row in board["rows"]:
        against = row["versus"].get("real", {}).get(wanted)
        if row["status"] != "ok" or against is None or not against["ratio"]:
            continue
        ratio = against["ratio"] if higher is not False else -against["ratio"]
        for score, entry in row["fidelity"].items():
            value, about = entry.get("value"), results.plan.metrics.get(score)
            if not isinstance(value, int | float) or entry.get("n_undefined"):
                continue
            better = about.higher_is_better if about is not None else None
            sign = -1.0 if better is False else 1.0
            point = Point(benchmark, str(row["generator"]), sign * value, ratio)
            yield score, point, better is not None


def _correlation(
    metric: str, points: Sequence[Point], directed: bool, draws: int, seed: int
) -> Correlation:
    rng = np.random.default_rng(seed)
    clusters: dict[str, dict[str, list[int]]] = {}
    for place, point in enumerate(points):
        clusters.setdefault(point.benchmark, {}).setdefault(point.generator, []).append(place)
    values = np.array([[point.score, point.ratio] for point in points])
    groups = np.array([list(clusters).index(point.benchmark) for point in points])
    drawn = [_draw(clusters, rng) for _ in range(draws)]

    def interval(of: Callable[[Floats, Floats], float]) -> tuple[float, float] | None:
        found = np.array([of(values[index], group) for index, group in drawn])
        found = found[np.isfinite(found)]
        if len(found) < draws / 2:
            return None
        low, high = np.quantile(found, [ALPHA / 2, 1 - ALPHA / 2])
        return float(low), float(high)

    rho, within = spearman(values, np.zeros(len(values))), spearman(values, groups)
    return Correlation(
        metric=metric,
        directed=directed,
        rho=rho if np.isfinite(rho) else None,
        rho_ci95=interval(lambda drawn, _: spearman(drawn, np.zeros(len(drawn)))),
        within=within if np.isfinite(within) else None,
        within_ci95=interval(spearman),
        arms=len(points),
        generators=sum(map(len, clusters.values())),
        benchmarks=len(clusters),
    )


def _draw(
    clusters: Mapping[str, Mapping[str, Sequence[int]]], rng: np.random.Generator
) -> tuple[Any, Any]:
    """Draw benchmarks, then generators within each; one that is drawn twice is two groups."""
    names, index, group = list(clusters), [], []
    for number, chosen in enumerate(rng.integers(len(names), size=len(names))):
        generators = list(clusters[names[chosen]].values())
        for one in rng.integers(len(generators), size=len(generators)):
            index += generators[one]
            group += [number] * len(generators[one])
    return np.array(index), np.array(group)


def spearman(values: Floats, groups: Floats) -> float:
    """Return the rank correlation of two columns, ranked within groups.

    Args:
        values: ``(n, 2)``.
        groups: ``(n,)``, the group of each row. Ranks run from 0 to 1 in each, and count from its
            mean; a group of one row says nothing.

    Returns:
        In [-1, 1]; NaN where a column has no spread.
    """
    ranks = np.zeros_like(values, dtype=float)
    for group in np.unique(groups):
        own = groups == group
        ranked = np.stack([average_ranks(column) for column in values[own].T], axis=1)
        ranks[own] = (ranked - ranked.mean(axis=0)) / own.sum()
    x, y = ranks.T
    size = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / size) if size > 0 else float("nan")
