"""Shows trials in a shared Optuna storage, for Optuna's own dashboards and for other tools.

Only a view: what a trial tries is decided from the store (:mod:`vbench.engine.tuning`), so a
storage that cannot be reached is a warning, and costs no job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from vbench.engine.job import Job
from vbench.engine.keys import digest
from vbench.engine.tuning import distributions, within
from vbench.log import gently
from vbench.records.parts import Params
from vbench.records.training import FitSegmenterInputs

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)


class TrialView:
    """One trial in the storage; does nothing when there is no storage or it cannot be reached."""

    def __init__(self, storage: optuna.storages.BaseStorage | None, trial_id: int) -> None:
        """Show a trial that was made in the storage."""
        self._storage = storage
        self._id = trial_id

    def report(self, step: int, score: float) -> None:
        """Show a validation score."""
        storage = self._storage
        if storage is not None and not _gently(
            lambda: storage.set_trial_intermediate_value(self._id, step, score)
        ):
            self._storage = None  # once is enough: each try may wait for a network

    def close(self, score: float | None, pruned: bool) -> None:
        """Show how the trial ended."""
        storage = self._storage
        if storage is None:
            return
        import optuna

        states = optuna.trial.TrialState
        state = states.PRUNED if pruned else states.COMPLETE
        if score is None:
            state = states.FAIL
        values = None if score is None else [score]
        _gently(lambda: storage.set_trial_state_values(self._id, state, values))
        _gently(lambda: disconnect(storage))


def open_trial(job: Job, tuned: Params, store: Path) -> TrialView:
    """Show a trial that starts, in the storage that the job names (``extra["study"]``).

    Args:
        job: The job.
        tuned: The trial's value on every axis.
        store: The store that it runs for; its next run closes the trial should this one be killed.
    """
    target = job.extra.get("study")
    if not target:
        return TrialView(None, -1)
    made: list[TrialView] = []

    def make() -> None:
        import optuna

        storage = _storage(target)
        spec = job.inputs_as(FitSegmenterInputs).trial_spec
        # Another space is another study: Optuna refuses to mix them.
        name = f"{job.benchmark}/{job.arm}/seed {job.seed}/{digest(spec.to_json()['space'])[:6]}"
        optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize" if spec.higher_is_better else "minimize",
            load_if_exists=True,
        )
        axes = distributions(spec.space)
        known = {axis: v for axis, v in tuned.items() if within(spec.space[axis], v)}
        frozen = optuna.trial.create_trial(
            params=known,
            distributions={axis: axes[axis] for axis in known},
            user_attrs={"job": job.key, "trial": spec.trial, "store": str(store)},
            state=optuna.trial.TrialState.RUNNING,
        )
        study_id = storage.get_study_id_from_name(name)
        made.append(TrialView(storage, storage.create_new_trial(study_id, frozen)))

    _gently(make)
    return made[0] if made else TrialView(None, -1)


def close_orphans(target: str, store: Path, alive: Callable[[str], bool]) -> int:
    """Close trials that a killed run on this store left running; other stores' are their own.

    Args:
        target: Storage URL, or path of the journal file.
        store: The store.
        alive: Whether somebody is doing the job of this key.

    Returns:
        How many were closed.
    """
    if "://" not in target and not Path(target).exists():
        return 0
    import optuna

    closed = 0
    storage = _storage(target)
    running = (optuna.trial.TrialState.RUNNING,)
    try:
        for study in storage.get_all_studies():
            for trial in storage.get_all_trials(study._study_id, deepcopy=False, states=running):
                attributes = trial.user_attrs
                if attributes.get("store") == str(store) and not alive(attributes["job"]):
                    storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.FAIL)
                    closed += 1
    finally:
        disconnect(storage)
    return closed


def disconnect(storage: optuna.storages.BaseStorage) -> None:
    """Close a storage's connections to its database, when it has one."""
    engine = getattr(getattr(storage, "_backend", storage), "engine", None)
    if engine is not None:
        storage.remove_session()
        engine.dispose()


def _storage(target: str) -> optuna.storages.BaseStorage:
    """Open an Optuna storage: a URL of any kind that Optuna knows, or a journal file."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if "://" in target:
        return optuna.storages.get_storage(target)
    backend = JournalFileBackend(target)
    return optuna.storages.JournalStorage(backend)


def _gently(act: Callable[[], object]) -> bool:
    """Do it; a failure is a warning and False."""
    return gently(act, "the Optuna storage did not take a trial", logger)
