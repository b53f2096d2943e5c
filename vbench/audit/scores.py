"""Audits synthetic patches: how real they look, and what they give away, on a scale.

A fidelity or privacy score means little by itself. Beside each is the floor, what the best
possible data would score, and the ceiling, what the worst would: other real patches and noise for
fidelity, unseen real patches and copies of the training patches for privacy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vbench.audit.features import Cached, Features, extractor
from vbench.interfaces import FidelityMetric, PrivacyMetric
from vbench.layout import empty_patches, image_of, label_of
from vbench.types import Patches, Score

#: The most synthetic patches, and real ones compared with them, that fidelity uses.
MOST = 2000
#: The most patches that floor and ceiling of privacy use. Its value looks at every patch.
SCALE = 1000


class Subset(Patches):
    """Some patches of a set, by index."""

    def __init__(self, patches: Patches, index: npt.NDArray[np.intp]) -> None:
        """Choose patches; nothing is copied."""
        self._patches, self._index = patches, index
        self.size = patches.size
        self.labels, self.channels = patches.labels, patches.channels
        self.subject_index = patches.subject_index[index]

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self._index)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        return self._patches.take(self._index[index])


class NoisePatches(Patches):
    """Uniform intensities and random labels: a generator that has learnt nothing."""

    def __init__(self, like: Patches, n: int, seed: int) -> None:
        """Describe ``n`` patches of the size, and with the share of each class, of others."""
        self.size = like.size
        self.labels, self.channels = like.labels, like.channels
        self.subject_index = np.full(n, -1, np.int32)
        seen = label_of(like.take(np.arange(min(n, len(like)))))
        shares = [float((seen >= index).mean()) for index in range(1, len(like.labels) + 1)]
        # Voxels below the first are of some class, below the second of a later one, and so on.
        self._shares = [float(seen.mean())] if len(shares) == 1 else shares
        self._seed = seed

    def __len__(self) -> int:
        """Return the number of patches."""
        return len(self.subject_index)

    def take(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return the patches of these indices, a new array ``(len(index), channels, *size)``."""
        out = empty_patches(len(index), self.size, len(self.channels))
        images, labels = image_of(out), label_of(out)
        for row, place in enumerate(index):
            rng = np.random.default_rng([self._seed, int(place)])
            images[row] = 2 * rng.random(images.shape[1:]) - 1
            drawn = rng.random(self.size)
            labels[row] = sum((drawn < share).astype(np.uint8) for share in self._shares)
        return out


def audit_patches(
    synthetic: Patches,
    training: Patches,
    heldout: Patches,
    *,
    fidelity: Sequence[FidelityMetric] = (),
    privacy: Sequence[PrivacyMetric] = (),
    seed: int,
    features: Features | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score synthetic patches, with a floor and a ceiling beside each value.

    Fidelity compares as many patches of either set with held-out real patches; the floor is the
    score of training patches, the ceiling that of noise. Privacy sees all patches of all sets; the
    floor is the score of the held-out patches of half of the subjects against the other half's
    (None with one subject), the ceiling that of copies.

    Args:
        synthetic: What a generator sampled.
        training: The patches that it was fitted on.
        heldout: Patches of subjects that it never saw.
        fidelity: The metrics.
        privacy: The metrics.
        seed: Of all that is drawn.
        features: The feature extractor; None: :class:`vbench.audit.features.FilterBank`. Privacy is
            audited through the filter bank when the extractor is ``fitted``: it would tell
            training patches from others by itself.

    Returns:
        By family, by metric name: ``value``, ``floor``, ``ceiling`` (None when there is none),
        ``defined``, ``features`` (the extractor that the metric was given), what the metric adds
        (``ci95``, ``alarm``, …), and ``fault``, in words, when it raised.
    """
    rng = np.random.default_rng(seed)
    bank = extractor(classes=len(training.labels))
    cached = Cached(bank if features is None else features)
    blind = Cached(bank) if getattr(features, "fitted", False) else cached
    made = _some(synthetic, MOST, rng)

    real_n = min(len(made), len(training), len(heldout))
    alike, other, reference = (_some(s, real_n, rng) for s in (made, training, heldout))
    noise = NoisePatches(reference, real_n, seed)

    copies = _some(training, min(len(synthetic), SCALE), rng)
    halves = _by_subject(heldout, rng)

    def on_real(metric: FidelityMetric) -> Callable[[Patches], Score | float]:
        return lambda patches: metric.score(patches, reference, features=cached, seed=seed)

    def on_members(metric: PrivacyMetric) -> Callable[[Patches, Patches], Score | float]:
        return lambda patches, held: metric.score(
            patches, training, held, features=blind, seed=seed
        )

    return {
        "fidelity": {
            m.name: {**_entry(on_real(m), (alike,), (other,), (noise,)), "features": cached.name}
            for m in fidelity
        },
        "privacy": {
            m.name: {
                **_entry(on_members(m), (synthetic, heldout), halves, (copies, heldout)),
                "features": blind.name,
            }
            for m in privacy
        },
    }


def _some(patches: Patches, n: int, rng: np.random.Generator) -> Patches:
    """Return at most ``n`` patches, drawn at random without replacement."""
    if len(patches) <= n:
        return patches
    return Subset(patches, np.sort(rng.permutation(len(patches))[:n]))


def _by_subject(patches: Patches, rng: np.random.Generator) -> tuple[Patches, Patches] | None:
    """Split a set by subject, the first half to act as synthetic; None with one subject."""
    subjects, own = np.unique(patches.subject_index, return_inverse=True)
    if len(subjects) < 2:
        return None
    first, second = (np.flatnonzero(own % 2 == part) for part in (0, 1))
    return _some(Subset(patches, first), SCALE, rng), Subset(patches, second)


def _entry(
    call: Callable[..., Score | float],
    value: tuple[Patches, ...],
    floor: tuple[Patches, ...] | None,
    ceiling: tuple[Patches, ...],
) -> dict[str, Any]:
    """Score three choices of patches; a metric that raises loses only its own values."""
    found: dict[str, Any] = {"value": None, "floor": None, "ceiling": None, "defined": False}
    try:
        score = Score.of(call(*value)).finite()
        found.update(value=score.value, defined=score.defined, **(score.details or {}))
        if floor is not None:
            found["floor"] = Score.of(call(*floor)).finite().value
        found["ceiling"] = Score.of(call(*ceiling)).finite().value
    except Exception as error:
        found["fault"] = f"{type(error).__name__}: {error}"
    return found
