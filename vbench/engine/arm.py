"""An arm: one row of the comparison, and the keys of its jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from vbench.records.plan import PlannedArm
from vbench.regimes import Row


@dataclass
class Arm:
    """One row of the comparison.

    Attributes:
        name: Such as ``transfer/wgan-gp-sn/n1``.
        base: The name without its segmenter and target: what its seeds derive from, so that each
            has the jobs beside others that it has alone.
        regime: What its segmenter was trained on.
        cohort: The data set that it is tested on.
        fold: Its fold; None without cross-validation.
        place: The data set once more where there are several targets; else None.
        generator: Label of its generator; None without one.
        n_subjects: Number of target subjects, for ``transfer`` and ``scratch``.
        segmenter: Name of the segmenter: its plugin, or what the spec calls it.
        control: ``equal-steps`` when it is the control of transfer arms; None otherwise.
        dose: Synthetic patches as a multiple of the real ones; None without a dose curve.
        steps: Training length of the segmenter where it is not the spec's own; else None.
        trials: Keys of its trials, by seed.
        evaluate: Key of its ``evaluate`` job, by seed; empty when the arm only serves others.
        audit: Key of its generator's ``audit`` job, by seed.
        attack: Likewise of its ``attack`` job.
    """

    name: str
    base: str
    cohort: str
    regime: str
    segmenter: str
    generator: str | None = None
    n_subjects: int | None = None
    control: str | None = None
    dose: float | None = None
    steps: int | None = None
    place: str | None = None
    fold: int | None = None
    trials: dict[int, list[str]] = field(default_factory=dict)
    evaluate: dict[int, str] = field(default_factory=dict)
    audit: dict[int, str] = field(default_factory=dict)
    attack: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        row: Row,
        base: str,
        cohort: str,
        *,
        steps: int | None = None,
        place: str | None = None,
        fold: int | None = None,
    ) -> Arm:
        """Return a regime's arm, without jobs yet; ``steps`` where they are not the spec's own."""
        return cls(
            name=row.name,
            base=base,
            cohort=cohort,
            place=place,
            fold=fold,
            regime=row.regime,
            segmenter=row.segmenter.label,
            generator=row.generator,
            n_subjects=row.n_subjects,
            control=row.control,
            dose=row.dose,
            steps=steps,
        )

    @property
    def samples_of(self) -> str:
        """Name what its patches come from, such as ``wgan-gp`` or ``wgan-gp/x4``."""
        return self.name.partition("/")[2]

    def planned(self) -> PlannedArm:
        """Return what ``plan.json`` says of it."""
        return PlannedArm(
            arm=self.name,
            regime=self.regime,
            generator=self.generator,
            n_subjects=self.n_subjects,
            control=self.control,
            dose=self.dose,
            steps=self.steps,
            segmenter=self.segmenter,
            cohort=self.place,
            fold=self.fold,
            evaluate=self.evaluate,
            trials={seed: tuple(keys) for seed, keys in self.trials.items()},
            audit=self.audit or None,
            attack=self.attack or None,
        )
