"""What synthetic patches give away of the patients that their generator was fitted on.

Each score uses distances in an embedding and in raw intensities, because copies can hide from
either, and takes the worse. Its details hold both, the 95 % interval of the worse, and whether it
is an alarm. Patients are the unit: what is resampled for an interval, and what is held out, are
subjects, not patches. All three have one kind of interval: the spread over resamples of one
subject less, times a t quantile, wide enough for both spaces. Fewer than three subjects on a side
tell nothing of patients: then there is no interval, and only a gross value is an alarm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench_plugins.metrics.nearest import (
    Vectors,
    nearest,
    nearest_by_subject,
    nearest_mirrored,
    spaces,
)

Floats = npt.NDArray[np.float64]

#: Resamplings of subjects.
_DRAWS = 400
#: Subjects that a side needs for an interval.
_ENOUGH = 3
#: What an interval leaves out on either side: 2.5 %, shared by the two spaces, of which the
#: worse is taken.
_TAIL = 0.025 / 2


class PrivacyParams(Params):
    """Parameters of all privacy scores."""

    patches: int = param(1000, "The most patches of each set that are used.", ge=2)


class NearestRatio(PrivacyMetric):
    """Median over synthetic patches of d(nearest training patch) / d(nearest held-out patch).

    Higher is better: 1 is no nearer to training data than to unseen data, below 1 leaks. Both
    sets are equal in size: as many subjects of each, with as many patches; the value is the mean
    over random choices of these. Alarm: the value is below 0.5, or it is below 0.9 and the whole
    interval below 1.
    """

    name = "nn-ratio"
    version = 2
    paper = "Meehan 2020, arXiv:2004.05675"
    Params = PrivacyParams

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        index = _some(len(synthetic), self.params.patches, rng)
        found = {}
        for name, (made, train, held) in spaces((synthetic, training, heldout), features).items():
            per_subject = min(int(np.bincount(v.subject).min()) for v in (train, held))
            distances = [
                nearest_by_subject(made.points[index], _thinned(v, per_subject, rng))
                for v in (train, held)
            ]
            found[name] = self._ratio(distances[0], distances[1], rng)
        name = min(found, key=lambda n: found[n][0])
        value, interval = found[name]
        alarm = value < 0.5 or (value < 0.9 and interval is not None and interval[1] < 1)
        return _score(value, interval, alarm, {n: v for n, (v, _) in found.items()})

    def _ratio(
        self, train: Floats, held: Floats, rng: np.random.Generator
    ) -> tuple[float, list[float] | None]:
        """Return the value and its interval, from distances ``(n, subjects)`` to either set."""
        count = min(train.shape[1], held.shape[1])
        tiny = 1e-6 * float(np.median(held)) or 1e-12

        def draw(replace: bool) -> float:
            most = count - 1 if replace else count
            near, far = (
                d[:, rng.choice(d.shape[1], count, replace)[:most]].min(axis=1)
                for d in (train, held)
            )
            return float(np.median((near + tiny) / (far + tiny)))

        alike = train.shape[1] == held.shape[1]
        value = float(np.mean([draw(replace=False) for _ in range(1 if alike else 50)]))
        if count < _ENOUGH:
            return value, None
        width = _width(np.log([draw(replace=True) for _ in range(_DRAWS)]), count)
        return value, [value * float(np.exp(-width)), value * float(np.exp(width))]


class NearCopies(PrivacyMetric):
    """Share of synthetic patches that are suspiciously near to a training patch, in [0, 1].

    Near is nearer than the 1st percentile of the distances from held-out to training patches, so
    0.01 is what unseen patients show; lower is better. Raw intensities are compared under all
    mirror images and right-angle rotations; the default embedding is blind to these. Alarm: the
    whole interval is above 0.05; without one, the value above 0.5.
    """

    name = "near-copies"
    version = 2
    paper = "Carlini 2023, arXiv:2301.13188"
    Params = PrivacyParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        index, held_index = (_some(len(s), self.params.patches, rng) for s in (synthetic, heldout))
        subject = np.unique(heldout.subject_index, return_inverse=True)[1][held_index]
        found = {}
        for name, (made, train, held) in spaces((synthetic, training, heldout), features).items():
            near, usual = (
                nearest(points, train.points)[1][:, 0]
                for points in (made.points[index], held.points[held_index])
            )
            if name == "raw":
                near = np.minimum(near, nearest_mirrored(synthetic, index, training, features))
                usual = np.minimum(usual, nearest_mirrored(heldout, held_index, training, features))
            found[name] = _share_near(near, usual, subject, rng)
        name = max(found, key=lambda n: found[n][0])
        value, interval = found[name]
        alarm = value > 0.5 if interval is None else interval[0] > 0.05
        return _score(value, interval, alarm, {n: v for n, (v, _) in found.items()})


def _share_near(
    near: Floats, usual: Floats, subject: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[float, list[float] | None]:
    """Return the share of distances below what is usual, and its interval over subjects."""
    # What is equal up to rounding is a copy, even where unseen patches have twins too.
    copy = 1e-3 * float(np.median(usual))

    def share(usual: Floats) -> float:
        return float(np.mean(near < max(float(np.percentile(usual, 1)), copy)))

    groups = [usual[subject == s] for s in np.unique(subject)]
    if len(groups) < _ENOUGH:
        return share(usual), None
    drawn = rng.integers(len(groups), size=(_DRAWS, len(groups)))[:, :-1]
    shares = [share(np.concatenate([groups[s] for s in draw])) for draw in drawn]
    value, width = share(usual), _width(np.array(shares), len(groups))
    return value, [max(0.0, value - width), min(1.0, value + width)]


class MembershipAuc(PrivacyMetric):
    """AUC of an attack that tells training from held-out patches with the synthetic set.

    The attacker thinks a patch a member when the synthetic set is denser around it than real
    patches of other subjects are (the ratio of nearest distances, as DOMIAS compares densities);
    where it is not, the attacker knows nothing. Lower is better: 0.5 is no leak, 1 gives all
    members away. A patch's own subject never serves as its reference. The interval is over
    subjects of either side, and wide enough for both spaces. Alarm: the whole interval is above
    0.5; without one, the value above 0.9.
    """

    name = "membership-auc"
    paper = "van Breugel 2023, arXiv:2302.12580"
    Params = PrivacyParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        rng = np.random.default_rng(seed)
        chosen = [_some(len(s), self.params.patches, rng) for s in (training, heldout)]
        found = {}
        for name, (made, *real) in spaces((synthetic, training, heldout), features).items():
            scores = [
                _attack(vectors, index, made, real[1 - side])
                for side, (vectors, index) in enumerate(zip(real, chosen, strict=True))
            ]
            subjects = [v.subject[index] for v, index in zip(real, chosen, strict=True)]
            found[name] = _auc(scores[0], scores[1], subjects[0], subjects[1], rng)
        name = max(found, key=lambda n: found[n][0])
        value, interval = found[name]
        alarm = value > 0.9 if interval is None else interval[0] > 0.5
        return _score(value, interval, alarm, {n: v for n, (v, _) in found.items()})


def _attack(own: Vectors, index: npt.NDArray[np.intp], made: Vectors, others: Vectors) -> Floats:
    """Return how much nearer the synthetic set is than other subjects' patches, as a log, ≥ 0."""
    points, subject = own.points[index], own.subject[index]
    to_made = nearest(points, made.points)[1][:, 0]
    reference = nearest_by_subject(points, others).min(axis=1)
    if own.subjects > 1:
        within = nearest_by_subject(points, own)
        within[np.arange(len(points)), subject] = np.inf
        reference = np.minimum(reference, within.min(axis=1))
    tiny = 1e-6 * float(np.median(reference)) or 1e-12
    return np.maximum(0.0, np.log((reference + tiny) / (to_made + tiny)))


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
    width = _width(totals[0] / totals[1], min(wins.shape))
    return value, [max(0.0, value - width), min(1.0, value + width)]


def _width(draws: Floats, subjects: int) -> float:
    """Return half the width of the 95 % interval that all privacy scores have.

    Percentiles of resamples of n out of n subjects are too narrow for few subjects. One less is
    drawn, which gives the unbiased variance, and the width is that of a t interval.

    Args:
        draws: The score over resamples of ``subjects - 1`` subjects of a side.
        subjects: Of the side that has fewer.
    """
    from scipy.special import stdtrit

    return float(stdtrit(subjects - 1, 1 - _TAIL) * draws.std())


def _some(n: int, most: int, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return at most ``most`` indices, drawn at random, in order."""
    return np.sort(rng.permutation(n)[:most])


def _thinned(vectors: Vectors, per_subject: int, rng: np.random.Generator) -> Vectors:
    """Return as many patches of every subject, drawn at random."""
    kept = [
        rng.permutation(np.flatnonzero(vectors.subject == subject))[:per_subject]
        for subject in range(vectors.subjects)
    ]
    index = np.concatenate(kept)
    return Vectors(vectors.points[index], vectors.subject[index])


def _score(
    value: float, interval: list[float] | None, alarm: bool, both: dict[str, float]
) -> Score:
    return Score(value, True, {"ci95": interval, "alarm": bool(alarm), **both})
