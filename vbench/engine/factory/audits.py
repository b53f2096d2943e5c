"""The jobs that look into generators: audits, and attacks with shadows and canaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vbench.audit.features import offers_features
from vbench.engine.arm import Arm
from vbench.engine.factory.generators import GeneratorJobs
from vbench.engine.factory.jobs import Jobs, learns_elsewhere
from vbench.engine.job import identity
from vbench.engine.shadows import canary_jobs, shadow_members
from vbench.records.judging import AttackInputs, AuditInputs, CanaryGame, Game, Lender
from vbench.records.parts import Key
from vbench.records.training import FitSegmenterInputs
from vbench.spec.audit import Audit
from vbench.spec.model import GeneratorUse, PluginUse

Groups = dict[str, tuple[str, ...]]


class AuditJobs:
    """Makes audits of generators and attacks on them."""

    def __init__(self, jobs: Jobs, generators: GeneratorJobs) -> None:
        """Add to these jobs; trainings of an attack are made by ``generators``."""
        self._jobs = jobs
        self._generators = generators
        self._audited: dict[Key, Arm] = {}

    def audited_before(self, arm: Arm, seed: int) -> bool:
        """Take the audits of another arm that has no choice but the same synthetic patches.

        So have arms of one generator with several segmenters, where nothing of it is tuned.
        """
        samples = self._samples_of(arm.trials[seed])
        if len(samples) > 1:
            return False
        other = self._audited.setdefault(samples[0], arm)
        if other is arm:
            return False
        for mine, theirs in ((arm.audit, other.audit), (arm.attack, other.attack)):
            if seed in theirs:
                mine[seed] = theirs[seed]
        return True

    def _audited_name(self, arm: Arm, seed: int) -> str:
        """Name what an audit is of: without the segmenter where all of them share the patches."""
        shared = len(self._samples_of(arm.trials[seed])) == 1
        return arm.samples_of.removesuffix(f"@{arm.segmenter}") if shared else arm.samples_of

    def audit(self, arm: Arm, seed: int, real: Arm | None) -> None:
        """Plan fidelity and privacy scores of a generator; none when the spec lists none.

        Args:
            arm: The generator's synthetic arm.
            seed: The repetition.
            real: The arm whose segmenter may lend its features; None when there is none.
        """
        jobs = self._jobs
        metrics = {family: jobs.metrics(family) for family in ("fidelity", "privacy")}
        if not any(metrics.values()):
            return
        train, heldout, groups = self._compared()
        trials = tuple(arm.trials[seed])
        lent = tuple(real.trials[seed]) if real is not None and metrics["fidelity"] else ()
        lender = self._lender(lent)
        arm.audit[seed] = jobs.add(
            arm,
            seed,
            f"{self._audited_name(arm, seed)} · {jobs.repetition('source', seed)}",
            AuditInputs(
                trials=trials,
                train=train,
                heldout=heldout,
                patches=jobs.patches("source"),
                metrics=metrics,
                higher_is_better=jobs.higher,
                features=lender,
                seed=jobs.seed("source", seed, "audit"),
                groups=groups,
            ),
            (
                *trials,
                *(lender.trials if lender else ()),
                *train,
                *heldout,
                *self._samples_of(trials),
            ),
        )

    def attack(self, arm: Arm, seed: int, use: GeneratorUse) -> None:
        """Plan the attacks on a generator; none when the spec has no table ``[audit]``.

        Shadows and the training with canaries depend on no seed of the benchmark: all share them.

        Args:
            arm: The generator's synthetic arm.
            seed: The repetition.
            use: The generator.
        """
        jobs, table = self._jobs, self._jobs.spec.audit
        if table is None:
            return
        entry = jobs.registry.get("generator", use.plugin)
        train, heldout, groups = self._compared()
        trials = tuple(arm.trials[seed])
        # What was made before cannot be made again without a patient.
        again = not learns_elsewhere(entry) and not use.from_
        members = shadow_members(
            jobs.data["source"], table.shadows if again else 0, jobs.spec.data.seed
        )
        shadows = tuple(
            Game(samples=self._generators.again(arm, use, f"shadow {k + 1}", own), members=own)
            for k, own in enumerate(members)
        )
        canaries = self._canaries(arm, use, table) if table.canaries and again else None
        games = [game.samples for game in shadows]
        if canaries is not None:
            games += [canaries.samples, *canaries.volumes]
        arm.attack[seed] = jobs.add(
            arm,
            seed,
            f"{arm.samples_of} · {jobs.repetition('source', seed)}",
            AttackInputs(
                plugin=identity(entry),
                trials=trials,
                train=train,
                heldout=heldout,
                shadows=shadows,
                canaries=canaries,
                patches=jobs.patches("source"),
                per_person=table.patches,
                higher_is_better=jobs.higher,
                seed=jobs.seed("source", seed, "attack"),
                groups=groups,
            ),
            tuple(dict.fromkeys((*trials, *self._samples_of(trials), *games, *train, *heldout))),
            at_work=entry,
        )

    def _compared(
        self,
    ) -> tuple[tuple[Key, ...], tuple[Key, ...], Groups | None]:
        """Return the training volumes, those never seen, and the person of each, by part.

        No persons where each volume is of a different one.
        """
        source = self._jobs.data["source"]
        # The candidate was chosen on the validation subjects, so they are not unseen.
        train, heldout = tuple(source.keys("train")), tuple(source.keys("test"))
        groups = {"train": source.person_of(train), "heldout": source.person_of(heldout)}
        return train, heldout, groups if source.people else None

    def _lender(self, trials: tuple[Key, ...]) -> Lender | None:
        """Return the trials whose segmenter lends its features; None when it cannot, or none is."""
        if not trials:
            return None
        name = self._jobs.table[trials[0]].inputs_as(FitSegmenterInputs).plugin.name
        entry = self._jobs.registry.get("segmenter", name)
        return Lender(plugin=identity(entry), trials=trials) if offers_features(entry.cls) else None

    def _canaries(self, arm: Arm, use: PluginUse, table: Audit) -> CanaryGame:
        """Plan one more training, in which made-up patients are planted or not by a coin."""
        jobs = self._jobs
        made = canary_jobs(jobs.spec, jobs.registry, table)
        jobs.table |= {job.key: job for job in made if job.key not in jobs.table}
        volumes = tuple(job.key for job in made)
        coins = jobs.seed("source", jobs.spec.data.seed, "canaries", use.label)
        rng = np.random.default_rng(coins)
        planted = tuple(bool(coin) for coin in rng.integers(2, size=len(volumes)))
        there = (key for key, coin in zip(volumes, planted, strict=True) if coin)
        train = (*jobs.data["source"].keys("train"), *there)
        samples = self._generators.again(arm, use, "canaries", train)
        return CanaryGame(samples=samples, volumes=volumes, planted=planted)

    def _samples_of(self, trials: Sequence[Key]) -> list[Key]:
        """Return the keys of the samples that trials choose from."""
        read = (self._jobs.table[trial].inputs_as(FitSegmenterInputs) for trial in trials)
        return list(dict.fromkeys(key for inputs in read for key in inputs.synthetic))
