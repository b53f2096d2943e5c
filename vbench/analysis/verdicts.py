"""The privacy verdict of an arm over its seeds, and the training patient most at risk."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vbench.analysis.audits import privacy_entries
from vbench.analysis.collapse import unusable
from vbench.analysis.folder import Arm, Results
from vbench.audit.verdict import PatientRisk, Verdict, Word, verdict
from vbench.records.judging import AttackInputs, AuditInputs
from vbench.records.parts import Repetition
from vbench.records.training import PrepareInputs

LOG = logging.getLogger(__name__)


def arm_verdict(results: Results, arm: Arm) -> dict[str, Any]:
    """Return ``verdict``, ``verdicts``, ``alarms``, ``worst_patient`` and ``flagged`` of a row.

    What the audit found counts, and what attacks on the generator found. An alarm in any seed is
    one; ``no alarm`` needs every seed to be judged, on patches that are of use. Arms that share no
    synthetic patches have none of these. See :class:`vbench.records.board.Row`.
    """
    if not arm.shares:
        return {}
    entries = privacy_entries(results, arm)
    by_seed = {seed: _of_seed(results, arm, seed, entries.get(seed, {})) for seed in arm.evaluate}
    words = {found.word for found in by_seed.values()}
    order: tuple[Word, ...] = ("alarm", "not judged", "not meaningful", "no alarm")
    worst = max(
        ((found.worst, seed) for seed, found in by_seed.items() if found.worst is not None),
        key=lambda each: (each[0].least, each[0].value),
        default=None,
    )
    return {
        "verdict": next((word for word in order if word in words), "not judged"),
        "verdicts": {str(seed): found.word for seed, found in by_seed.items()},
        "alarms": list(dict.fromkeys(name for v in by_seed.values() for name in v.alarms)),
        "worst_patient": None if worst is None else _named(results, arm, *worst),
        "flagged": max((len(found.flagged) for found in by_seed.values()), default=0),
    }


def _of_seed(
    results: Results, arm: Arm, seed: Repetition, entries: Mapping[str, Mapping[str, Any]]
) -> Verdict:
    useless = unusable(results.chosen(arm, seed)) is not None
    found = _readable(arm, seed, entries, useless)
    planned = [jobs[seed] for jobs in (arm.audit, arm.attack) if seed in jobs]
    failed = any(results.finished(key) is None for key in planned)
    return replace(found, word="not judged") if failed and found.word != "alarm" else found


def _readable(
    arm: Arm, seed: Repetition, entries: Mapping[str, Mapping[str, Any]], useless: bool
) -> Verdict:
    try:
        return verdict(entries, useless=useless)
    except (KeyError, TypeError, ValueError) as error:  # a plugin's details have another form
        LOG.warning(
            "%s, seed %s: `patients` or `flagged` of a privacy score cannot be read (%s: %s); its "
            "worst patient is left out",
            *(arm.name, seed, type(error).__name__, error),
        )
        plain = {name: _plain(entry) for name, entry in entries.items()}
        return verdict(plain, useless=useless)


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in ("value", "alarm")}


def _named(results: Results, arm: Arm, risk: PatientRisk, seed: Repetition) -> dict[str, Any]:
    return {
        "patient": _patient(results, arm, seed, risk.subject),
        "value": risk.value,
        "ci95": risk.interval,
        "metric": risk.metric,
        "seed": seed,
    }


def _patient(results: Results, arm: Arm, seed: Repetition, subject: int) -> str:
    """Return the name of a training patient, counted from 0 as audit and attack count them."""
    inputs: AuditInputs | AttackInputs
    audit = results.finished(arm.audit.get(seed))
    if audit is not None:
        inputs = audit.inputs_as(AuditInputs)
    else:
        inputs = results.records[arm.attack[seed]].inputs_as(AttackInputs)
    persons = (inputs.groups or {}).get("train")
    names = list(dict.fromkeys(persons)) if persons else [_name(results, k) for k in inputs.train]
    known = names[subject] if 0 <= subject < len(names) else None
    return known or f"training patient {subject + 1}"


def _name(results: Results, volume: str) -> str | None:
    record = results.records.get(volume)
    return None if record is None else record.inputs_as(PrepareInputs).subject
