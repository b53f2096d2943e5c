"""The curve of DSC, as a share of that of real patches, against the processor time of the GANs.

Call: ``python benchmarks/figures/time_curve.py RESULTS FOLDER`` after ``vbench run
benchmarks/time.toml``; prints the table and writes ``FOLDER/dsc-against-time.svg`` and ``.png``.
"""

import json
import re
import sys
from collections import defaultdict
from pathlib import Path

from vbench.analysis.folder import read_results
from vbench.colours import series_colour, series_mark
from vbench.figures.charts import Line, line_chart
from vbench.figures.figure import Figure


def points(folder):
    """Return ``(minutes, steps, DSC, ratio, its interval)`` of each GAN's arms, shortest first."""
    board = json.loads((folder / "leaderboard.json").read_text())
    spent = {
        record.label.partition(" · ")[0]: record.cpu_seconds / 60
        for record in read_results(folder).records.values()
        if record.stage == "fit-generator"
    }
    found = defaultdict(list)
    for row in board["rows"]:
        if row["regime"] != "synthetic":
            continue
        versus = row["versus"]["real"]["dsc"]
        steps, dsc = row["budget"]["steps_generator"], row["metrics"]["dsc"]["mean"]
        gan = re.sub(r"-\d+$", "", row["generator"])
        made = (spent[row["generator"]], steps, dsc, versus["ratio"], versus["ratio_ci95"])
        found[gan].append(made)
    return {gan: sorted(found[gan]) for gan in sorted(found)}


if __name__ == "__main__":
    curves = points(Path(sys.argv[1]) / "time")
    print("| GAN | steps | processor time | DSC | / real |\n|---|---|---|---|---|")
    for gan, curve in curves.items():
        for minutes, steps, dsc, ratio, (low, high) in curve:
            share = f"{ratio:.3f} [{low:.3f}, {high:.3f}]"
            print(f"| `{gan}` | {steps:g} | {minutes:.1f} min | {dsc:.3f} | {share} |")
    lines = [
        Line(
            gan,
            series_colour(i),
            [(minutes, ratio) for minutes, _, _, ratio, _ in curve],
            [ci for *_, ci in curve],
            series_mark(i),
        )
        for i, (gan, curve) in enumerate(curves.items())
    ]
    title = "DSC of a U-net as a share of real, by the processor time of its GAN"
    chart = line_chart(lines, title, "minutes of one core", "DSC / real", log=True)
    Figure(title, chart).write(Path(sys.argv[2]), "dsc-against-time", "svg", "png")
