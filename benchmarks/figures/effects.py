"""What each parameter of the paper's GANs does alone, against the arm that it differs from.

Call: ``python benchmarks/figures/effects.py RESULTS`` after ``vbench run benchmarks/effects.toml``;
prints a table with the DSC of each seed, the difference and its interval, not Holm-corrected.
``RESULTS effects-coronary`` shows another benchmark with the same arms.
"""

import sys
from pathlib import Path

from vbench.analysis.compare import versus
from vbench.analysis.folder import read_results
from vbench.analysis.scores import MetricInfo, arm_scores

#: The arm that others differ from in one parameter; those not named here differ from ``sn``.
OTHER = {
    "sn": "sn-paper-form",
    "sn-hard": "sn-paper-form",
    "sn-agreement": "sn-paper-form",
    "sn-label-layers": "sn-paper-form",
    "sn-label-by": "sn-paper-form",
    "sn-pulled": "sn-paper-form",
    "wgan-gp": "wgan-gp-paper-form",
    "dcgan": "dcgan-paper-form",
}
OTHER |= {
    f"{gan}-{change}": gan
    for gan in ("wgan-gp", "dcgan")
    for change in ("no-ema", "refine", "no-ema-refine")
}
ALONE = ("wgan-gp-paper-form", "dcgan-paper-form", "r3gan", "mask-first", "geometric")
DSC = MetricInfo("dsc", "dsc@1", "", higher_is_better=True)


def rows(folder):
    """Return ``(arm, the other, scores, what they say of each other)``, best first."""
    results = read_results(folder)
    scores = {a.generator: arm_scores(results, a, ["dsc"])["dsc"] for a in results.arms}
    found = []
    for arm in results.arms:
        name = arm.generator
        if arm.regime != "synthetic" or name in (*ALONE, "sn-paper-form"):
            continue
        other = OTHER.get(name, "sn")
        found.append((name, other, scores[name], versus(scores[name], scores[other], DSC)))
    return sorted(found, key=lambda row: -row[3]["difference"])


if __name__ == "__main__":
    print("| arm | DSC of the seeds | differs from | difference |\n|---|---|---|---|")
    results, *benchmark = sys.argv[1:]
    for name, other, scores, said in rows(Path(results, *(benchmark or ["effects"]))):
        seeds = ", ".join(f"{float(seed.mean()):.3f}" for seed in scores.values)
        interval = "" if said["ci95"] is None else " [{:+.3f}, {:+.3f}]".format(*said["ci95"])
        print(f"| `{name}` | {seeds} | `{other}` | {said['difference']:+.3f}{interval} |")
