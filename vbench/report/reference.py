"""Published figures beside ours: what a spec's table ``[reference]`` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from vbench.analysis.layout import short_name
from vbench.analysis.wording import number, span


@dataclass(frozen=True)
class Comparison:
    """A table of published figures beside ours.

    Attributes:
        citation, url, note: Of the publication; the last two may be empty.
        header: Titles of the columns.
        rows: Cells of each line; empty where one side has no value.
    """

    citation: str
    url: str
    note: str
    header: list[str]
    rows: list[list[str]]


def comparison(spec: Mapping[str, Any], board: Mapping[str, Any]) -> Comparison | None:
    """Return the table; None when the spec names no published figures.

    A line for each arm that was published, then one for each pair of them that the leaderboard
    compares, by the primary metric.
    """
    table = spec.get("reference")
    if not table:
        return None
    values: Mapping[str, Mapping[str, float]] = table["values"]
    metrics = list(dict.fromkeys(name for scores in values.values() for name in scores))
    ours = {row["arm"]: row for row in board["rows"] if row["status"] == "ok"}
    header = ["arm"]
    for metric in metrics:
        header += [f"{short_name(metric)}, published", f"{short_name(metric)}, here"]
    rows = []
    for arm, scores in values.items():
        cells = [arm]
        for metric in metrics:
            entry = ours.get(arm, {}).get("metrics", {}).get(metric)
            here = f"{number(entry['mean'])} {span(entry['ci95'])}".strip() if entry else ""
            cells += [_plain(scores.get(metric)), here]
        rows.append(cells)
    at = 1 + 2 * metrics.index(board["primary"]) if board["primary"] in metrics else 0
    for name, published, here in _pairs(values, ours, board["primary"]) if at else ():
        rows.append([name, *[""] * (len(header) - 1)])
        rows[-1][at : at + 2] = published, here
    return Comparison(table["citation"], table["url"], table["note"], header, rows)


def _pairs(
    values: Mapping[str, Mapping[str, float]], ours: Mapping[str, Any], metric: str
) -> Iterator[tuple[str, str, str]]:
    """Yield ratio and difference of each pair of published arms that the leaderboard compares."""
    for arm, scores in values.items():
        # The best arm may be the reference, too: each pair once.
        found = {
            against[metric]["arm"]: against[metric]
            for against in ours.get(arm, {}).get("versus", {}).values()
            if against.get(metric)
        }
        for entry in found.values():
            other = values.get(entry["arm"], {}).get(metric)
            if other is None or metric not in scores:
                continue
            yield (
                f"{arm} less {entry['arm']}",
                f"{scores[metric] - other:+.3g}",
                f"{entry['difference']:+.3f} {span(entry['ci95'], 3)}".strip(),
            )
            if other:
                yield (
                    f"{arm} / {entry['arm']}",
                    f"{scores[metric] / other:.3f}",
                    f"{number(entry['ratio'], 3)} {span(entry['ratio_ci95'], 3)}".strip(),
                )


def _plain(value: float | None) -> str:
    """Write a published figure as it was given."""
    return "" if value is None else f"{value:g}"
