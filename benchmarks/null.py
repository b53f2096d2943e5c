"""Counts what is found where there is nothing to find: labels shuffled between subjects.

    python benchmarks/null.py [--runs 200] [--signal]

Each run is a whole benchmark of bars in noise (tests/fixtures/answers.py) with data of its own, its
jobs done one after the other in this process. Nothing can be learnt from the labels, so each arm
must score what its own predictions score with the labels of the other test subjects: that is
chance, which differs between arms, since an arm that predicts more has a higher DSC by chance. Both
are compared by the leaderboard's model; p < 0.05 may come in one of twenty runs. Exit code 1 when
an arm beats chance over all runs, or has more signs than that allows (one-sided, 1 %). With
--signal the labels are the subjects' own, and the arms that see them must beat chance.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(ROOT / "tests"), str(ROOT / "plugins")]

import nibabel as nib  # noqa: E402 - needs the path
import numpy as np  # noqa: E402
import numpy.typing as npt  # noqa: E402
from in_process import run  # noqa: E402
from known_answers import answers  # noqa: E402
from scipy import stats  # noqa: E402

from vbench.analysis.uncertainty import Estimate, estimate  # noqa: E402
from vbench.files import read_json  # noqa: E402

Bools = npt.NDArray[np.bool_]

ALPHA = 0.05


def against_chance(out: Path, keys: list[str], names: list[str], labels: list[Bools]) -> Estimate:
    """Compare predictions with their own labels and with those of the other subjects.

    Args:
        out: The results folder.
        keys: The evaluations of one arm, one for each seed.
        names: The test subjects.
        labels: Theirs.
    """
    own, other = np.zeros((2, len(keys), len(names)))
    for seed, key in enumerate(keys):
        for number, name in enumerate(names):
            file = out / "store" / key / "predictions" / f"{name}.nii.gz"
            found = np.asarray(nib.load(file).dataobj) > 0
            scores = [2.0 * (found & each).sum() / (found.sum() + each.sum()) for each in labels]
            own[seed, number] = scores.pop(number)
            other[seed, number] = np.mean(scores)
    return estimate(own, other)


def one(number: int, shuffled: bool, folder: Path) -> dict[str, Estimate]:
    """Run a benchmark; return how far each arm is beyond chance."""
    arms = {"real": True, "synthetic": True}
    result = run(answers(seed=number, shuffled=shuffled, regimes=arms), folder)
    assert result.ok, result.failures
    plan = read_json(result.folder / "plan.json")
    names = plan["data"]["source"]["subjects"]["test"]
    prepared = {job["label"].rpartition(" ")[2]: job["key"] for job in plan["jobs"]}
    labels = [np.load(folder / "store" / prepared[name] / "label.npy") > 0 for name in names]
    return {
        arm["arm"]: against_chance(folder, list(arm["evaluate"].values()), names, labels)
        for arm in plan["arms"]
    }


def main() -> int:
    """Run them, print both tables as Markdown; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--signal", action="store_true", help="leave the labels as they are")
    options = parser.parse_args()
    beyond: dict[str, list[Estimate]] = defaultdict(list)
    for number in range(options.runs):
        with tempfile.TemporaryDirectory(prefix="vbench-null-") as folder:
            for arm, found in one(number, not options.signal, Path(folder)).items():
                beyond[arm].append(found)
    bad = False
    most = int(stats.binom.ppf(0.99, options.runs, ALPHA))
    print("| arm | DSC beyond chance, mean | 95 % interval | runs with p < 0.05 |")
    print("|---|---|---|---|")
    for arm, found in beyond.items():
        values = [float(each.value) for each in found]
        half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
        mean = float(np.mean(values))
        signs = sum(float(each.p()) < ALPHA for each in found)
        wrong = mean - half > 0 or signs > most
        bad |= (not wrong and arm != "synthetic/noise") if options.signal else wrong
        print(f"| {arm} | {mean:+.4f} | {mean - half:+.4f} … {mean + half:+.4f} | {signs} |")
    if not options.signal:
        print(f"\n{options.runs} runs; {most} signs are allowed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
