"""A Wasserstein GAN whose patients are protected by differential privacy, each as a whole.

The unit is the patient. In each private step every patient is seen with probability ``rate``; the
gradient of the critic's loss is taken for each of them by itself, on some of that patient's
patches, and brought to length 1; to the sum of these gradients comes Gaussian noise (McMahan et al.
2018, arXiv 1710.06963). However many patches a patient gives, the sum moves by 1 at most. The
generator sees patients only through the critic, so what it learns is post-processing. Gradients
are normalised rather than clipped to a length (Bu et al. 2023, arXiv 2206.07136): a length would
have to be chosen, and good ones are known from patients only.

Patients give no gradient penalty: it would mix their patches with generated ones, and its gradient
would have to be taken twice for each patient. What holds the critic Lipschitz depends on its own,
noisy weights alone: convolutions are spectrally normalised (Miyato et al. 2018, arXiv 1802.05957),
and a private step may not lengthen the last layer. Clipping each weight to a box, as DPGAN does
(Xie et al. 2018, arXiv 1802.06739), makes critics that learn little (Gulrajani et al. 2017).

Before that, the GAN is trained without noise on phantoms, which are nobody's data, as
``wgan-gp-sn`` with its penalty. By default they come from the other scanner than the data source
``phantom``, and from another seed: no benchmark on phantoms is pre-trained on its own. Each weight
that patients may change costs noise, so the critic is small.

The noise comes from the fit's seed, so that a run can be repeated. Who knows the seed can take the
noise away: before a release, the seed must be secret. The numbers are those of an ordinary
generator, not of one that is proof against attacks on floating point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from vbench.interfaces import Count, param
from vbench.types import Array, Patches, Progress, Setup
from vbench_plugins.generators import privacy_budget
from vbench_plugins.generators.gan import WganGpSn
from vbench_plugins.generators.gan_params import WganGpSnParams
from vbench_plugins.nn.seeding import DATA, numpy_rng

if TYPE_CHECKING:
    from vbench_plugins.generators.dp_wgan_training import DpWganTrainer
    from vbench_plugins.nn.compute import Compute


class DpWganParams(WganGpSnParams):
    """Parameters of :class:`DpWgan`: those of ``wgan-gp-sn`` for what is trained on phantoms."""

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    preset: Literal["corrected"] = param("corrected", "Whose architecture the defaults are")

    critic_width: int = param(8, "Critic channels at the finest level", ge=1)
    critic_head: Literal["linear", "pool"] = param(
        "pool", "The critic's last layer; pool: the same weights everywhere"
    )
    norm_critic: Literal["spectral"] = param("spectral", "Critic normalisation")

    # The guarantee
    epsilon: float = param(
        5.0, "Privacy budget of each patient, from which `noise` is solved", gt=0
    )
    delta: float = param(
        1e-3, "Probability with which epsilon may not hold; far below 1 / patients", gt=0, lt=1
    )
    noise: float | None = param(
        None, "Noise in units of a patient's share, instead of epsilon; 0: no guarantee", ge=0
    )
    rate: float = param(1.0, "Probability with which a step sees a patient", gt=0, le=1)

    # The private steps
    steps: int = param(
        30, "Private steps of the critic; 0: phantoms alone", unit="steps", length=True, ge=0
    )
    patient_patches: int = param(8, "Patches of each patient that a private step sees", ge=1)
    learns: Literal["all", "head"] = param(
        "all", "What private steps change: all of the critic, or its last layer"
    )
    lr_private: float = param(5e-3, "Learning rate of private steps", gt=0)
    lr_follow: float = param(1e-4, "Learning rate of the generator in private steps", gt=0)
    follow: int = param(2, "Generator steps after each private step", ge=1)

    # The phantoms
    pretrain_steps: int = param(0, "Generator steps on phantoms, before patients; 0: none", ge=0)
    phantoms: int = param(24, "Phantoms to pre-train on", ge=1)
    phantom_patches: int = param(200, "Patches of each phantom", ge=1)
    phantom_scanner: Literal["a", "b"] = param("b", "Their scanner")
    phantom_seed: int = param(
        2018, "Of phantoms and pre-training, which are the same in every repetition", ge=0
    )


class DpWgan(WganGpSn):
    """Wasserstein GAN with differential privacy for whole patients, pre-trained on phantoms."""

    name = "dp-wgan"
    classes: ClassVar[Count] = 1
    channels: ClassVar[Count] = 1
    paper = "McMahan et al. 2018, arXiv:1710.06963; Xie et al. 2018, arXiv:1802.06739"
    Params = DpWganParams
    tiny: ClassVar[Mapping[str, Any]] = {
        **WganGpSn.tiny,
        "patient_patches": 2,
        "follow": 1,
    }

    def __init__(self, params: DpWganParams, setup: Setup) -> None:
        super().__init__(params, setup)
        self._phantoms: Patches | None = None
        self._noise: float | None = params.noise

    @classmethod
    def check(cls, params: Any, setup: Setup) -> None:
        """Refuse sizes that the networks cannot divide, and say when the extra is missing."""
        super().check(params, setup)
        if not params.pretrain_steps + params.steps:
            raise ValueError("steps = 0 and pretrain_steps = 0: there is nothing to learn from")
        taught = {"agreement": params.agreement, "label_by": params.label_by == "segmenter"}
        for name in (name for name, on in taught.items() if on and not params.pretrain_steps):
            raise ValueError(
                f"{name} = {getattr(params, name)} and pretrain_steps = 0: its segmenter learns "
                f"from phantoms, never from patients; name pretrain_steps, or leave {name} out"
            )
        privacy_budget.require()

    @classmethod
    def shared_steps(cls, params: DpWganParams) -> int:  # type: ignore[override]
        """None: how much noise a step adds depends on how many there are."""
        return 0

    def fit(self, patches: Patches, *, seed: int) -> Iterator[Progress]:
        """Train on phantoms, then privately on patients.

        Raises:
            DataError: When delta is so large that giving one patient away would keep the guarantee.
        """
        privacy_budget.check_delta(self.params.delta, len(np.unique(patches.subject_index)))
        yield from super().fit(patches, seed=seed)

    def total(self) -> int:
        """Return how many steps the training takes, those on phantoms included."""
        return int(self.params.pretrain_steps + self.params.steps)

    def batch(self, patches: Patches, seed: int, step: int) -> Array:
        """Draw patches of phantoms, or of the patients that a private step sees."""
        p = self.params
        if step <= p.pretrain_steps:
            return super().batch(self._public(), p.phantom_seed, step)
        rng = numpy_rng(seed, DATA, step)
        return self.prepare(patches.take(self._seen(patches, rng)), rng)

    def _seen(self, patches: Patches, rng: np.random.Generator) -> Array:
        """Draw patients, each by itself, and patches of each; indices ``(patients × patches,)``."""
        p, owner = self.params, np.asarray(patches.subject_index)
        drawn = [
            rng.choice(np.flatnonzero(owner == person), p.patient_patches)
            for person in np.unique(owner)
            if rng.random() < p.rate
        ]
        return np.concatenate([np.empty(0, np.int64), *drawn])

    def _public(self) -> Patches:
        """Return patches of phantoms, made when they are first asked for."""
        if self._phantoms is None:
            from vbench_plugins.phantom.patches import phantom_patches

            p = self.params
            self._phantoms = phantom_patches(
                self.setup.size,
                scanner=p.phantom_scanner,
                subjects=p.phantoms,
                per_subject=p.phantom_patches,
                seed=p.phantom_seed,
            )
        return self._phantoms

    def trainer(self, compute: Compute, seed: int) -> DpWganTrainer:
        """Return a trainer, with the noise that the budget asks for."""
        from vbench_plugins.generators.dp_wgan_training import DpWganTrainer

        p = self.params
        if self._noise is None:
            self._noise = privacy_budget.noise_for(p.epsilon, p.delta, p.rate, p.steps)
        return DpWganTrainer(p, self.setup.size, compute, seed, self._noise)

    def resolved(self) -> Mapping[str, Any]:
        """Return how it computes, and the noise that was solved."""
        return {**super().resolved(), **({} if self._noise is None else {"noise": self._noise})}

    def guarantee(self) -> Mapping[str, Any] | None:
        """Return epsilon and delta of a patient, and what they follow from; None without noise."""
        p = self.params
        if p.steps and not self._noise:
            return None
        return privacy_budget.guarantee(self._noise or 0.0, p.delta, p.rate, p.steps)
