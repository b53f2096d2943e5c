"""A plan of any size whose jobs do nothing: planned, explained, run and noted.

The store holds fabricated records, and a stub executor does each job at once, so that all that is
measured is the harness. Seconds for each job should stay the same as the plan grows.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vbench.engine import results
from vbench.engine.claims import Claims
from vbench.engine.costs import Costs, training_lengths
from vbench.engine.executors import Executor, Slots
from vbench.engine.explain import reasons
from vbench.engine.job import Job
from vbench.engine.plan import Plan, make_plan
from vbench.engine.process import Outcome
from vbench.engine.runner import Runner, Settings
from vbench.engine.store import RECORD, Store
from vbench.engine.teller import Teller
from vbench.engine.worker import Task
from vbench.records.job import JobRecord
from vbench.records.model import Result
from vbench.records.stages import STAGES
from vbench.registry import Registry, default
from vbench.spec import parse_spec

#: A result of each stage.
FOUND: Mapping[str, Mapping[str, Any]] = {
    "prepare": {"shape": [64, 64, 32], "spacing": [0.5, 0.5, 0.7], "label_fraction": 0.01},
    "fit-generator": {"candidates": []},
    "synthesise": {"n": 8, "checkpoint": 0, "vessel_fraction": 0.1, "empty_share": 0.0},
    "fit-segmenter": {"trial": 0, "score": 0.8, "threshold": 0.5, "best_step": 1},
    "evaluate": {"trial": 0, "threshold": 0.5, "validation_score": 0.8, "cases": []},
    "audit": {"checkpoint": 0},
    "attack": {"checkpoint": 0},
}


def planned(jobs: int, registry: Registry) -> Plan:
    """Plan a benchmark of about so many jobs: more seeds, the same arms."""
    table = {
        "benchmark": {"name": "scale", "seeds": list(range(jobs // 25))},
        "data": {"source": {"plugin": "phantom", "split": {"train": 2, "val": 1, "test": 1}}},
        "patches": {"size": [16, 16, 16], "per_subject": 8},
        "generators": [{"plugin": "wgan-gp-sn"}, {"plugin": "dcgan"}],
        "segmenter": {"plugin": "unet3d"},
        "regimes": {"real": True, "synthetic": True, "mixed": True},
        "metrics": {"segmentation": ["dsc"], "fidelity": ["fid"]},
        "tune": {"trials": 3},
    }
    return make_plan(parse_spec(table), registry)


def record_of(job: Job, **changed: Any) -> JobRecord:
    """Fabricate the record of a finished job."""
    model: type[Result] = STAGES[job.stage][1]
    about = {**job.about(), "benchmark": job.benchmark, "started": "2026-01-01T00:00:00+00:00"}
    found = model.model_validate(FOUND[job.stage])
    return JobRecord(
        **{**about, **changed}, status="ok", seconds=1.0, inputs=job.inputs, result=found
    )


def place(store: Store, record: JobRecord) -> None:
    """Put a record in the store, without the flushes to disk that the disk would be timed by."""
    folder = store.folder(record.key)
    folder.mkdir()
    (folder / RECORD).write_text(json.dumps(record.to_json()))


class Stub(Executor):
    """Finishes each job at once."""

    def __init__(self, plan: Plan, store: Store) -> None:
        """Take what to do."""
        super().__init__()
        self._plan, self._store = plan, store

    @property
    def slots(self) -> Slots:
        """As many as a large machine has."""
        return Slots(total=16, cpu=16)

    def submit(self, key: str, task: Task) -> None:
        """Write the job's record."""
        from vbench.engine.executors import Event

        record = record_of(self._plan.jobs[key])
        place(self._store, record)
        self.events.put(Event(key, outcome=Outcome(record=record)))

    def close(self) -> None:
        """Do nothing."""


def measure(jobs: int) -> tuple[int, dict[str, float]]:
    """Return how many jobs there are, and the seconds of each part."""
    registry, spent = default(), {}
    begun = time.process_time()

    def lap(name: str) -> None:
        nonlocal begun
        now = time.process_time()
        spent[name] = now - begun
        begun = now

    plan = planned(jobs, registry)
    lap("plan")
    with tempfile.TemporaryDirectory() as out:
        store, folder = Store(Path(out) / "store"), Path(out) / "scale"
        store.create()
        for job in plan.jobs.values():  # done before, with other code: all are to be explained
            place(store, record_of(job, key=f"old-{job.key}"))
        begun = time.process_time()
        assert len(reasons(plan, store)) == len(plan.jobs)
        lap("explain")
        results.write_plan(results.plan_file(plan), folder)
        results.write_records(plan, store, folder)
        told = Teller(store, folder, registry, None)
        claims = Claims(store.root / "claims")
        costs = Costs((), training_lengths(registry))
        begun = time.process_time()
        Runner(plan, store, Stub(plan, store), claims, Settings(), told, costs).run()
        lap("run")
        claims.close()
        assert told.ran == len(plan.jobs)
        begun = time.process_time()
        results.write_records(plan, store, folder)
        lap("note")
    return len(plan.jobs), spent
