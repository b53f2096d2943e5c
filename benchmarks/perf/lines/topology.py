"""clDice and Betti numbers beside scikit-image and Cubical Ripser."""

from __future__ import annotations

import numpy as np
from harness import Found, in_turn, line, needs
from mask_cases import CASES, Case

CASE = "arteries, DSC 0.58"


def ours(metric: str, case: Case) -> float:
    """Return a score of a new pair."""
    from vbench import MaskPair, registry

    pair = MaskPair(case.prediction, case.truth, case.spacing)
    return registry.default().metric(metric)().score(pair).value


def cldice(case: Case) -> float:
    """Return clDice as its authors' code computes it: on skeletons of scikit-image."""
    from skimage.morphology import skeletonize

    lines = [skeletonize(mask) for mask in (case.prediction, case.truth)]
    precision = np.sum(lines[0] & case.truth) / np.sum(lines[0])
    recall = np.sum(lines[1] & case.prediction) / np.sum(lines[1])
    return float(2 * precision * recall / (precision + recall))


def betti_scikit(mask: np.ndarray) -> tuple[int, int]:
    """Return components and loops by labelling and Euler's number, connectivity 26."""
    from skimage.measure import euler_number, label

    count = int(label(mask, connectivity=3, return_num=True)[1])
    cavities = int(label(~np.pad(mask, 1), connectivity=1, return_num=True)[1]) - 1
    return count, count + cavities - int(euler_number(mask, connectivity=3))


def betti_cripser(mask: np.ndarray) -> tuple[int, int]:
    """Return components and loops by persistent homology, connectivity 26 (T-construction)."""
    import tcripser

    pairs = tcripser.computePH(1.0 - mask.astype(float), maxdim=1)
    alive = pairs[(pairs[:, 1] == 0) & (pairs[:, 2] > 0)]
    return int(np.sum(alive[:, 0] == 0)), int(np.sum(alive[:, 0] == 1))


def _betti(case: Case) -> list[tuple[int, int]]:
    from vbench import MaskPair

    return [b[:2] for b in MaskPair(case.prediction, case.truth, case.spacing).betti]


@line("clDice beside scikit-image", peer="scikit-image", distribution="scikit-image", goal=1,
      rounds=3)  # fmt: skip
def centrelines(rounds: int) -> Found:
    case = CASES[CASE]()
    mine, theirs = ours("cldice", case), cldice(case)
    assert abs(mine - theirs) < 0.1
    taken, peer = in_turn(lambda: ours("cldice", case), lambda: cldice(case), rounds)
    equal = f"{mine:.4f} and {theirs:.4f}: each thins in its own order"
    return Found(case.inputs, equal, taken, peer)


@line("Betti numbers beside scikit-image", peer="scikit-image", distribution="scikit-image",
      goal=1, rounds=3)  # fmt: skip
def numbers(rounds: int) -> Found:
    case = CASES[CASE]()
    masks = (case.prediction, case.truth)
    mine = _betti(case)
    assert mine == [betti_scikit(mask) for mask in masks]
    taken, peer = in_turn(
        lambda: _betti(case), lambda: [betti_scikit(mask) for mask in masks], rounds
    )
    return Found(case.inputs, f"equal: {mine[0]} and {mine[1]}", taken, peer)


@line("Betti numbers beside Cubical Ripser", peer="cripser", distribution="cripser", goal=1,
      rounds=1)  # fmt: skip
def homology(rounds: int) -> Found:
    needs("cripser")
    whole = CASES[CASE]()
    part = (slice(150, 300), slice(200, 350), slice(20, 80))  # it needs minutes for the whole
    case = Case(whole.prediction[part], whole.truth[part], whole.spacing)
    masks = (case.prediction, case.truth)
    mine = _betti(case)
    assert mine == [betti_cripser(mask) for mask in masks]
    taken, peer = in_turn(
        lambda: _betti(case), lambda: [betti_cripser(mask) for mask in masks], rounds
    )
    return Found(case.inputs, f"equal: {mine[0]} and {mine[1]}", taken, peer)
