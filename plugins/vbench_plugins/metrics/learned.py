"""Finds copies that were moved: shifted, turned by any angle, scaled, or all of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from vbench import Params, Patches, PrivacyMetric, Score, param
from vbench.layout import image_of
from vbench_plugins.metrics.competition import LISTED, find_outliers, flag, margins, risks
from vbench_plugins.metrics.detector import Detector
from vbench_plugins.metrics.structure import Floats, nearest


class LearnedCopiesParams(Params):
    """Parameters of :class:`LearnedCopies`."""

    false_share: float = param(0.05, "Share of flagged patches that may be chance.", gt=0, lt=1)
    patches: int = param(2000, "The most released patches that are looked at.", ge=1)
    unseen: int = param(500, "Held-out patches that show what unseen patients look like.", ge=1)


class LearnedCopies(PrivacyMetric):
    """Share of released patches that are a training patient's in spite of being moved, in [0, 1].

    A detector learns from the real patches, blind to who was trained on, what a shift, a small
    turn, scaling, blur, contrast and noise leave of a patch's frequencies and what tells patches
    apart. A released patch is flagged when its nearest patient is a training patient by such a
    margin that at most ``false_share`` of the flagged ones are chance. Of a large set, ``patches``
    are looked at, drawn at random. Lower is better, and unseen patients show 0. The risk of a
    patient is the share of their training patches that come out, with the interval of Clopper and
    Pearson. Alarm: any patch is flagged.
    """

    name = "learned-copies"
    paper = "Ioffe 2006, doi:10.1007/11744085_41; Elias 2007, doi:10.1038/nmeth1019"
    Params = LearnedCopiesParams
    higher_is_better = False

    def score(
        self, synthetic: Patches, training: Patches, heldout: Patches, *, features: Any, seed: int
    ) -> Score:
        """Score one set of synthetic patches."""
        detector = Detector.fit((training, heldout), seed)
        (train, near_to), (held, far_to) = (
            (np.unique(real.subject_index, return_inverse=True)[1], detector.points(real))
            for real in (training, heldout)
        )
        rng = np.random.default_rng(seed)
        looked, unseen = (
            np.sort(rng.permutation(len(patches))[:most])
            for patches, most in (
                (synthetic, self.params.patches),
                (heldout, self.params.unseen),
            )
        )

        def compared(patches: Patches, index: np.ndarray[Any, Any]) -> Any:
            def views(rows: slice) -> Floats:
                return detector.turned(np.asarray(image_of(patches.take(index[rows])), np.float32))

            every = nearest(
                views,
                len(index),
                np.concatenate([near_to, far_to]),
                np.concatenate([train, held + train.max() + 1]),
            )
            return every.split(int(train.max()) + 1, len(near_to))

        usual = margins(*compared(heldout, unseen), held[unseen])[0]
        found = find_outliers(
            *compared(synthetic, looked), usual, "learned", self.params.false_share
        )
        flags = [{**each, "patch": int(looked[each["patch"]])} for each in flag([found], train)]
        return Score(
            len(flags) / len(looked),
            True,
            {
                "alarm": bool(flags),
                "looked_at": len(looked),
                "patients": risks(flags, train),
                "flagged": flags[:LISTED],
            },
        )
