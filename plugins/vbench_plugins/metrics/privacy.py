"""How near synthetic patches are to the patients that their generator was fitted on.

Each score compares the structure of patches by shape, spectrum and label
(:mod:`vbench_plugins.metrics.structure`), because copies can hide from each, and takes the worst.
Its details hold all three, the 95 % interval of the worst, and whether it is an alarm. Each patch
is compared with held-out patients as with training ones: what resembles everything, such as a patch
of low contrast, is no alarm. Patients are the unit: intervals are over subjects, not patches, and
wide enough for all three descriptors. Fewer than three subjects on a side tell nothing of patients:
then there is no interval, and only a gross value is an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.interfaces import Count
from vbench_plugins.metrics.structure import KINDS, Kind, Structure, matches, sample, structure

Floats = npt.NDArray[Any]

#: Choices of equally many subjects where one side has more.
_CHOICES = 20
#: Resamplings of subjects.
_DRAWS = 400
#: Subjects that a side needs for an interval.
_ENOUGH = 3
#: What an interval leaves out on either side: 2.5 %, shared by the descriptors, of which the worst
#: is taken.
_TAIL = 0.025 / len(KINDS)
#: Added to distances, so that those of copies can be divided; distances are from 0 to 2.
_TINY = 1e-6


class PrivacyParams(Params):
    """Parameters of all privacy scores."""

    patches: int = param(1000, "The most patches of each real set that are compared.", ge=2)


class NearestRatio(PrivacyMetric):
    """Median over synthetic patches of d(nearest training patch) / d(nearest held-out patch).

    Higher is better: 1 is no nearer to training data than to unseen data, below 1 leaks. As many
    subjects of either side are compared: the value is the mean over random choices. Alarm: the
    value is below 0.5, or it is below 0.9 and the whole interval below 1.
    """

    name = "nn-ratio"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    version = 3
    paper = "Meehan 2020, arXiv:2004.05675"
    Params = PrivacyParams

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        made, train, held = (structure(patches) for patches in (synthetic, training, heldout))
        found = {}
        for kind in KINDS:
            near, far = (_distances(made, side, kind) for side in (train, held))
            found[kind] = _ratio(near, far, np.random.default_rng(seed))
        kind = min(found, key=lambda kind: found[kind][0])
        value, interval = found[kind]
        alarm = value < 0.5 or (value < 0.9 and interval is not None and interval[1] < 1)
        return _score(value, interval, alarm, found)


def _ratio(near: Floats, far: Floats, rng: np.random.Generator) -> tuple[float, list[float] | None]:
    """Return the value and its interval, from distances ``(n, subjects)`` to either side."""
    choices = list(_equal(near.shape[1], far.shape[1], rng))

    def ratio(without: tuple[int | None, int | None] = (None, None)) -> float:
        found = []
        for columns in choices:
            nearest = [
                _nearest(distances, own, left)
                for distances, own, left in zip((near, far), columns, without, strict=True)
            ]
            found.append(float(np.median(nearest[0] / nearest[1])))
        return float(np.mean(found))

    value = ratio()
    if min(near.shape[1], far.shape[1]) < _ENOUGH:
        return value, None
    left_out = (
        [np.log(ratio((subject, None))) for subject in range(near.shape[1])],
        [np.log(ratio((None, subject))) for subject in range(far.shape[1])],
    )
    width = _jackknife(*left_out)
    return value, [value * float(np.exp(-width)), value * float(np.exp(width))]


class NearCopies(PrivacyMetric):
    """Share of synthetic patches that are suspiciously near to a training patch, in [0, 1].

    Near is a ratio d(nearest training patch) / d(nearest held-out patch) below the 1st percentile
    of that of unseen patients, so 0.01 is what unseen patients show; lower is better. Alarm: the
    whole interval is above 0.05; without one, the value above 0.5.
    """

    name = "near-copies"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    version = 3
    paper = "Carlini 2023, arXiv:2301.13188"
    Params = PrivacyParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        made, train, held = (structure(patches) for patches in (synthetic, training, heldout))
        unseen = sample(held, self.params.patches, seed).structure
        found = {}
        for kind in KINDS:
            found[kind] = _share_near(
                (_distances(made, train, kind), _distances(made, held, kind)),
                (_distances(unseen, train, kind), _others(unseen, held, kind)),
                unseen.subject,
            )
        kind = max(found, key=lambda kind: found[kind][0])
        value, interval = found[kind]
        alarm = value > 0.5 if interval is None else interval[0] > 0.05
        return _score(value, interval, alarm, found)


def _share_near(
    made: tuple[Floats, Floats],
    unseen: tuple[Floats, Floats],
    subject: npt.NDArray[np.int64],
) -> tuple[float, list[float] | None]:
    """Return the share of patches that are near, and its interval over held-out subjects.

    Args:
        made: Distances of synthetic patches to training and to held-out subjects.
        unseen: Those of held-out patches; infinite to their own subject.
        subject: The subject of each held-out patch.
    """
    trained, held = (distances.shape[1] for distances in made)
    if held == 1:  # no other patient to compare with: distances alone
        usual = unseen[0].min(axis=1)
        return float(np.mean(made[0].min(axis=1) < np.percentile(usual, 1))), None

    def share(without: int | None = None) -> float:
        kept = subject != (-1 if without is None else without)
        ratio, usual = (
            _nearest(near, np.arange(trained), None) / _nearest(far, np.arange(held), without)
            for near, far in (made, (unseen[0][kept], unseen[1][kept]))
        )
        return float(np.mean(ratio < np.percentile(usual, 1)))

    value = share()
    if min(trained, held) < _ENOUGH:
        return value, None
    # A few patches also differ by chance: those that are counted, and those that set the limit.
    n, likely = len(made[0]), (value * len(made[0]) + 1) / (len(made[0]) + 2)
    chance = likely * (1 - likely) / n + 0.01 * 0.99 / len(subject)
    width = _jackknife([share(left) for left in range(held)], chance=chance)
    return value, [max(0.0, value - width), min(1.0, value + width)]


class MembershipAuc(PrivacyMetric):
    """AUC of an attack that tells training from held-out patches with the synthetic set.

    The attacker thinks a patch a member when the synthetic set is denser around it than real
    patches of other subjects are (the ratio of nearest distances, as DOMIAS compares densities);
    where it is not, the attacker knows nothing. Lower is better: 0.5 is no leak, 1 gives all
    members away. A patch's own subject never serves as its reference. The interval is over
    subjects of either side, and wide enough for all descriptors. Alarm: the whole interval is above
    0.5; without one, the value above 0.9.
    """

    name = "membership-auc"
    classes: ClassVar[Count] = "any"
    channels: ClassVar[Count] = "any"
    version = 2
    paper = "van Breugel 2023, arXiv:2302.12580"
    Params = PrivacyParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        made, *real = (structure(patches) for patches in (synthetic, training, heldout))
        chosen = [sample(side, self.params.patches, seed) for side in real]
        subjects = [own.structure.subject for own in chosen]
        found = {}
        for kind in KINDS:
            scores = []
            for side, own in enumerate(chosen):
                to_made = _distance(matches(made, real[side], kind).back[own.index])
                reference = np.minimum(
                    _others(own.structure, real[side], kind).min(axis=1),
                    _distances(own.structure, real[1 - side], kind).min(axis=1),
                )
                scores.append(np.maximum(0, np.log((reference + _TINY) / (to_made + _TINY))))
            found[kind] = _auc(
                scores[0], scores[1], subjects[0], subjects[1], np.random.default_rng(seed)
            )
        kind = max(found, key=lambda kind: found[kind][0])
        value, interval = found[kind]
        alarm = value > 0.9 if interval is None else interval[0] > 0.5
        return _score(value, interval, alarm, found)


def _auc(
    members: Floats,
    strangers: Floats,
    member_of: npt.NDArray[np.int64],
    stranger_of: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[float, list[float] | None]:
    """Return the AUC and its interval over subjects."""
    from scipy.stats import rankdata

    groups = [
        [scores[subject == s] for s in np.unique(subject)]
        for scores, subject in ((members, member_of), (strangers, stranger_of))
    ]
    wins = np.empty([len(side) for side in groups])
    for i, member in enumerate(groups[0]):
        for j, stranger in enumerate(groups[1]):
            ranks = rankdata(np.concatenate([member, stranger]))[: len(member)]
            wins[i, j] = ranks.sum() - len(member) * (len(member) + 1) / 2
    members_each, strangers_each = ([len(group) for group in side] for side in groups)
    pairs = np.outer(members_each, strangers_each)
    value = float(wins.sum() / pairs.sum())
    if min(wins.shape) < _ENOUGH:
        return value, None
    drawn = [rng.multinomial(n - 1, np.full(n, 1 / n), size=_DRAWS) for n in wins.shape]
    totals = [np.einsum("di,ij,dj->d", drawn[0], table, drawn[1]) for table in (wins, pairs)]
    draws = totals[0] / totals[1]
    width = _quantile(min(wins.shape)) * float(draws.std())
    return value, [max(0.0, value - width), min(1.0, value + width)]


def _distance(similarity: Floats) -> Floats:
    """Return the distance of two vectors of length 1, in [0, 2]."""
    return np.sqrt(np.maximum(2 - 2 * similarity.astype(np.float64), 0))


def _distances(queries: Structure, others: Structure, kind: Kind) -> Floats:
    """Return the distance to the nearest patch of each subject, ``(n, subjects)``."""
    return _distance(matches(queries, others, kind).similarity)


def _others(own: Structure, whole: Structure, kind: Kind) -> Floats:
    """Return distances within a set, ``(n, subjects)``, infinite to a patch's own subject."""
    found = _distances(own, whole, kind).copy()
    found[np.arange(len(own)), own.subject] = np.inf
    return found


def _equal(
    first: int, second: int, rng: np.random.Generator
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Choose equally many of two numbers of subjects: all when they are equal."""
    count = min(first, second)
    for _ in range(1 if first == second else _CHOICES):
        left, right = (np.sort(rng.choice(n, count, replace=False)) for n in (first, second))
        yield left, right


def _nearest(distances: Floats, columns: npt.NDArray[np.int64], without: int | None) -> Floats:
    """Return the least distance over some subjects, without one."""
    kept = columns if without is None else columns[columns != without]
    return distances[:, kept].min(axis=1) + _TINY


def _jackknife(*left_out: list[float], chance: float = 0.0) -> float:
    """Return half the width of the 95 % interval, from values without one subject of a side.

    Args:
        left_out: The values, by side.
        chance: A variance to add that is not of subjects.
    """
    variance = chance + sum((len(values) - 1) * float(np.var(values)) for values in left_out)
    return _quantile(min(len(v) for v in left_out)) * float(np.sqrt(variance))


def _quantile(subjects: int) -> float:
    """Return the t quantile of an interval over so many subjects."""
    from scipy.special import stdtrit

    return float(stdtrit(subjects - 1, 1 - _TAIL))


def _score(
    value: float,
    interval: list[float] | None,
    alarm: bool,
    found: dict[Kind, tuple[float, list[float] | None]],
) -> Score:
    each: dict[str, float] = {kind: value for kind, (value, _) in found.items()}
    return Score(value, True, {"ci95": interval, "alarm": bool(alarm), **each})
