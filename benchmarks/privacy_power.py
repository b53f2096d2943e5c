"""What the privacy audit finds, and how often it is wrong.

``python benchmarks/privacy_power.py [--repeats N] [--without SCORE …] [--only WORDS …]
[--out FILE]`` makes phantoms up whose leaks are known. In each repeat patients are drawn to be
trained on, held out, and unseen; synthetic sets are made of unseen patients and of copies; and
every privacy score that is installed judges them.
Prints Markdown: the share of sets with an alarm, by score and of the verdict.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from disguises import DISGUISES, HONEST, Array, Change, chain
from scipy.stats import binomtest
from vbench_plugins.sources.phantom import Phantom

from vbench import registry
from vbench.data import VolumePatches, open_volume, prepare_subject
from vbench.data.patches import ArrayPatches
from vbench.markdown import table

AMOUNTS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 1.0)


@dataclass(frozen=True)
class Design:
    """How large the experiment is.

    Attributes:
        repeats: Draws of patients.
        train, held: Patients trained on, and held out.
        patches: Synthetic patches of each set.
        per_subject: Patches of each patient.
        size: Of a patch.
        shape: Of a phantom.
        short: Only a few of the cases.
        without: Scores that are left out.
        only: Parts of the names of the sets that are judged; all when there are none.
    """

    repeats: int = 20
    train: int = 12
    held: int = 11
    patches: int = 1000
    per_subject: int = 400
    size: tuple[int, ...] = (16, 16, 16)
    shape: tuple[int, int, int] = (96, 112, 56)
    short: bool = False
    without: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


def pool(design: Design, scanner: str, subjects: int) -> list[Array]:
    """Return the patches of phantoms, an array for each."""
    source = Phantom(Phantom.Params(scanner=scanner, shape=design.shape, seed=100))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in source.subjects(subjects):
            place = Path(folder) / name
            prepare_subject(source.load(name), place)
            patches = VolumePatches(
                [open_volume(place)], size=design.size, per_subject=design.per_subject
            )
            found.append(patches.take(np.arange(len(patches))).astype(np.float16))
    return found


def as_patches(parts: list[Array]) -> ArrayPatches:
    """Join the patches of patients."""
    array = np.concatenate(parts)
    owner = np.repeat(np.arange(len(parts), dtype=np.int32), [len(part) for part in parts])
    return ArrayPatches(array[:, 0], (array[:, 1] > 0.5).astype(np.uint8), subject_index=owner)


def some(array: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw patches."""
    return array[rng.permutation(len(array))[:n]].astype(np.float32)


def sets(
    design: Design, train: list[Array], unseen: list[Array], other: list[Array], seed: int
) -> Iterator[tuple[str, str, Array]]:
    """Make synthetic sets: what table they belong to, what they are, and their patches."""
    rng = np.random.default_rng(seed)
    members, strangers, n = np.concatenate(train), np.concatenate(unseen), design.patches
    for name, change in HONEST.items():
        yield "level", name, change(some(strangers, n, rng), rng)
        few = np.concatenate(unseen[: max(1, len(unseen) // 4)])
        yield "level", f"of a quarter of the patients, {name}", change(some(few, n, rng), rng)
    yield "level", "of another scanner", some(np.concatenate(other), n, rng)

    def mixed(share: float, copied: Array, change: Change) -> Array:
        part = change(some(copied, round(share * n), rng), rng)
        return np.concatenate([part, some(strangers, n - len(part), rng)])

    for share in AMOUNTS:
        yield "amount", f"{share:.1%} verbatim copies", mixed(share, members, chain())
    one = train[int(rng.integers(len(train)))]
    yield "amount", f"one patient of {len(train)}", mixed(1 / len(train), one, chain())
    yield (
        "amount",
        f"one patient of {len(train)}, mirrored, noise 0.1",
        mixed(1 / len(train), one, DISGUISES["mirrored, noise 0.1"]),
    )
    for name, change in list(DISGUISES.items())[: 3 if design.short else None]:
        yield "disguise", name, mixed(0.3, members, change)


def judge(
    design: Design, real: list[Array], other: list[Array], seed: int
) -> list[tuple[str, str, dict[str, bool]]]:
    """Draw patients, make the sets, and return the alarms of each."""
    rng = np.random.default_rng(seed)
    drawn = [real[i] for i in rng.permutation(len(real))]
    train, held = drawn[: design.train], drawn[design.train : design.train + design.held]
    unseen = drawn[design.train + design.held :]
    training, heldout = as_patches(train), as_patches(held)
    installed = registry.default().metrics("privacy")
    metrics = [cls() for name, cls in installed.items() if name not in design.without]
    found = []
    for table_name, name, array in sets(design, train, unseen, other, seed):
        if design.only and not any(words in name for words in design.only):
            continue
        synthetic = as_patches([array])
        alarms = {}
        for metric in metrics:
            score = metric.score(synthetic, training, heldout, features=None, seed=seed)
            alarms[metric.name] = bool((getattr(score, "details", None) or {}).get("alarm"))
        found.append((table_name, name, alarms))
    return found


def tables(found: list[list[tuple[str, str, dict[str, bool]]]]) -> Iterator[str]:
    """Write the share of sets with an alarm, as Markdown."""
    names = list(found[0][0][2])
    titles = {
        "level": "Unseen patients: false alarms",
        "amount": "How much is copied",
        "disguise": "30 % of the set are copies, in disguise",
    }
    for key, title in titles.items():
        rows: dict[str, list[dict[str, bool]]] = {}
        for repeat in found:
            for table_name, name, alarms in repeat:
                if table_name == key:
                    rows.setdefault(name, []).append(alarms)
        if not rows:
            continue
        if key == "level":
            rows["**all**"] = [alarms for some_of in list(rows.values()) for alarms in some_of]
        yield f"\n## {title}\n"
        body = []
        for name, every in rows.items():
            verdicts = [any(alarms.values()) for alarms in every]
            interval = binomtest(sum(verdicts), len(verdicts)).proportion_ci(method="wilson")
            body.append(
                [
                    name,
                    str(len(every)),
                    *(f"{np.mean([alarms[n] for alarms in every]):.2f}" for n in names),
                    f"**{np.mean(verdicts):.2f}**",
                    f"{interval.low:.2f} to {interval.high:.2f}",
                ]
            )
        yield "\n".join(table(["set", "n", *names, "verdict", "95 % interval"], body))


def run(design: Design, jobs: int = 1) -> str:
    """Return the page."""
    unseen = max(4, design.train)
    real = pool(design, "a", design.train + design.held + unseen)
    other = pool(design, "b", unseen // 2)
    one = partial(judge, design, real, other)
    if jobs == 1:
        found = [one(seed) for seed in range(design.repeats)]
    else:
        with ProcessPoolExecutor(jobs) as executor:
            found = list(executor.map(one, range(design.repeats)))
    head = (
        f"{design.train} training and {design.held} held-out phantoms, {design.per_subject} patches"
        f" of {' × '.join(map(str, design.size))} voxels each; {design.patches} synthetic patches; "
        f"{design.repeats} draws of patients. Share of sets with an alarm.\n"
    )
    return head + "\n".join(tables(found)) + "\n"


def main() -> None:
    """Run the experiment and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=Design.repeats)
    parser.add_argument("--train", type=int, default=Design.train)
    parser.add_argument("--held", type=int, default=Design.held)
    parser.add_argument("--patches", type=int, default=Design.patches)
    parser.add_argument("--per-subject", type=int, default=Design.per_subject)
    parser.add_argument("--without", nargs="*", default=(), metavar="SCORE")
    parser.add_argument("--only", nargs="*", default=(), metavar="WORDS", help="sets so named")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    design = Design(
        repeats=chosen.repeats,
        train=chosen.train,
        held=chosen.held,
        patches=chosen.patches,
        per_subject=chosen.per_subject,
        without=tuple(chosen.without),
        only=tuple(chosen.only),
    )
    page = run(design, chosen.jobs)
    if chosen.out:
        chosen.out.write_text(page, encoding="utf-8")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
