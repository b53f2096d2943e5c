"""How often membership attacks alarm: on made-up scores without a leak, and with one.

    python benchmarks/attack_power.py --repeats 200

A patch's score is its subject's own (sd 1), the patch's (sd 1), the chance of each training for
each patient (sd 0.3, normal or with the tails of t with 3 degrees of freedom), noise (sd 0.5), and
the leak where the patient was in. Prints Markdown: the share of alarms, and the mean AUC.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from vbench.audit.attacks import membership

PATCHES = 30
#: Training patients, held-out patients, shadows.
DESIGNS = ((12, 11, 0), (12, 11, 4), (12, 5, 4), (6, 4, 4))
#: Name, leak, whether one patient alone leaks, whether training has heavy tails.
CASES = (
    ("none", 0.0, False, False),
    ("none, heavy tails", 0.0, False, True),
    ("0.3 of every patient", 0.3, False, False),
    ("0.6 of every patient", 0.6, False, False),
    ("2 of every patient", 2.0, False, False),
    ("2 of one patient", 2.0, True, False),
    ("4 of one patient", 4.0, True, False),
)


def games(members: int, strangers: int, shadows: int, rng: np.random.Generator) -> np.ndarray:
    """Return who is in the audited game and in its shadows, as the engine plans them."""
    everyone = members + strangers
    inside = np.ones((1 + shadows, everyone), bool)
    inside[0, members:] = False
    order = rng.permutation(everyone)
    for k in range(shadows):
        inside[k + 1, order[(k * strangers + np.arange(strangers)) % everyone]] = False
    return inside


def rows(repeats: int) -> Iterator[str]:
    """Yield the table, line by line."""
    heads = [f"{a} + {b}, {k} shadows" for a, b, k in DESIGNS]
    yield "| leak | " + " | ".join(heads) + " |"
    yield "|---|" + "---|" * len(heads)
    for name, leak, alone, tails in CASES:
        cells = []
        for members, strangers, shadows in DESIGNS:
            rng = np.random.default_rng(1)
            found = []
            for seed in range(repeats):
                inside = games(members, strangers, shadows, rng)
                persons = inside.shape[1]
                person = np.repeat(np.arange(persons), PATCHES)
                chance = rng.standard_t(3, inside.shape) if tails else rng.normal(size=inside.shape)
                leaks = leak * inside * (np.arange(persons) == 0 if alone else True)
                own = rng.normal(size=persons)[person] + rng.normal(size=len(person))
                noise = rng.normal(0, 0.5, (len(inside), len(person)))
                scores = own + (0.3 * chance + leaks)[:, person] + noise
                found.append(membership(scores, person, inside, seed=seed))
            alarms = np.mean([entry["alarm"] for entry in found])
            auc = np.mean([entry["value"] for entry in found])
            cells.append(f"{100 * alarms:.1f} % ({auc:.2f})")
        yield f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=200)
    for line in rows(parser.parse_args().repeats):
        print(line, flush=True)
