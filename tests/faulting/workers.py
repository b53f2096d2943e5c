"""What a job may do to its own process: its arms fail with the reason, the others complete."""

from __future__ import annotations

from functools import partial

from faulting.ground import STAGES, Case, Ground
from vbench.result import RunResult

#: The fault, the limit that ends it, and the reason and words that are told.
FAULTS = {
    "exception": ({}, "error", "RuntimeError: it broke"),
    "hang": ({"seconds": 15.0}, "timeout", "took longer than 15 s"),
    "exit": ({}, "killed", "exit code 7"),
    "SIGSEGV": ({}, "killed", "SIGSEGV"),
    "killed worker": ({}, "killed", "SIGKILL (out of memory?)"),
    "memory": ({"memory_gb": 0.5}, "memory", "0.5 are allowed"),
}
#: The arms that need a stage's first job; a source that fails here is that of the second data set.
HURT = {
    "prepare": {"scratch/n1"},
    "fit-generator": {"synthetic/tripped-generator"},
    "synthesise": {"synthetic/tripped-generator"},
    "fit-segmenter": {"real", "scratch/n1", "synthetic/tripped-generator"},
    "evaluate": {"real", "scratch/n1", "synthetic/tripped-generator"},
    "audit": set[str](),
}


def breaks(fault: str, stage: str, ground: Ground) -> str:
    """Run into a fault, then without it."""
    limits, reason, words = FAULTS[fault]
    ground.changes = {"limits": limits}
    with ground.tripping(stage, "SIGKILL" if fault == "killed worker" else fault):
        result = ground.run()
    if (fault, stage) == ("exception", "audit"):
        return _costs_its_score(ground, result)
    assert not result.ok
    failures = {name: f for name, f in result.failures.items() if f.reason != "upstream"}
    assert failures
    for name, failure in failures.items():
        assert name.startswith(stage), name
        assert (failure.reason, words in failure.message) == (reason, True), failure
    failed = {row["arm"] for row in result.board["rows"] if row["status"] == "failed"}
    assert failed == HURT[stage]
    ground.changes = {}
    ground.resumes()
    hurt = "its arms failed" if failed else "the audit failed, no arm did"
    return f"{hurt} ({words}), the others completed"


def _costs_its_score(ground: Ground, result: RunResult) -> str:
    """A metric that raises is a result: its value is missing, and the reason is told."""
    (row,) = (row for row in result.board["rows"] if row["regime"] == "synthetic")
    assert row["fidelity"]["tripped-fidelity"]["value"] is None
    assert "it broke" in row["fidelity"]["tripped-fidelity"]["fault"]
    kept = {key: at for key, at in ground.finished().items() if key != ground.job("audit")}
    ground.resumes(kept, force=["audit"])
    return "its score is missing, with the reason, until `--force audit`; all else stands"


def some() -> list[Case]:
    """Return each fault at one stage, each stage with some fault."""
    pairs = set(zip(FAULTS, STAGES, strict=True))
    return [case for case in CASES if (case.fault, case.stage) in pairs]


CASES = [Case(fault, stage, partial(breaks, fault, stage)) for fault in FAULTS for stage in STAGES]
