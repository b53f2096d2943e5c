"""Averages an arm's fidelity and privacy audits over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vbench.analysis.folder import Arm, Results
from vbench.records.judging import AttackResult, AuditResult
from vbench.records.parts import Repetition

#: Details about single patients and patches, which the verdict is made of.
_OWN = ("patients", "flagged")
#: Longer lists are of single patches or patients: the records have them.
_LONGEST = 64


def audit_summary(results: Results, arm: Arm) -> dict[str, dict[str, Any]]:
    """Return ``fidelity`` and ``privacy``: by metric, each field over seeds.

    Numbers (``value``, ``floor``, ``ceiling``, …) and lists of numbers are averaged; a flag such as
    ``alarm`` is True when any seed raised it, and ``defined`` only when all are. ``sd`` is of the
    values between seeds, ``n`` counts seeds, ``n_undefined`` those without a defined value.
    What is said of single patches or patients (``flagged``, ``patients``, any long list) is left
    to the records.
    """
    found = [results.result(key, AuditResult) for key in arm.audit.values()]
    audits = [audit for audit in found if audit is not None]
    families: dict[str, Sequence[Mapping[str, Mapping[str, Any]]]] = {
        "fidelity": [audit.fidelity for audit in audits],
        "privacy": list(privacy_entries(results, arm).values()),
    }
    return {
        family: {
            metric: _average([scores[metric] for scores in seeds if metric in scores])
            for metric in dict.fromkeys(name for scores in seeds for name in scores)
        }
        for family, seeds in families.items()
    }


def privacy_entries(results: Results, arm: Arm) -> dict[Repetition, dict[str, Mapping[str, Any]]]:
    """Return by seed what an arm's audit and the attacks on its generator say of privacy."""
    found: dict[Repetition, dict[str, Mapping[str, Any]]] = {}
    for seed in sorted({*arm.audit, *arm.attack}):
        audit = results.result(arm.audit.get(seed), AuditResult)
        attack = results.result(arm.attack.get(seed), AttackResult)
        entries = [part.privacy for part in (audit, attack) if part is not None]
        if entries:
            found[seed] = {name: entry for part in entries for name, entry in part.items()}
    return found


def _average(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in dict.fromkeys(field for table in tables for field in table):
        if name in _OWN:
            continue
        there = [table[name] for table in tables if table.get(name) is not None]
        values = [value for value in there if _is_short(value)]
        if values or not there:
            out[name] = _field(name, values)
    values = [table["value"] for table in tables if _is_number(table.get("value"))]
    out["sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
    out["n"] = len(tables)
    out["n_undefined"] = sum(not table.get("defined", True) for table in tables)
    return out


def _field(name: str, values: list[Any]) -> Any:
    if not values:
        return None
    if all(isinstance(value, bool) for value in values):
        return all(values) if name == "defined" else any(values)
    if all(map(_is_number, values)):
        return float(np.mean(values))
    if all(_is_numbers(value) and len(value) == len(values[0]) for value in values):
        return [float(mean) for mean in np.mean(values, axis=0)]
    return values[0] if all(value == values[0] for value in values) else values


def _is_short(value: Any) -> bool:
    """Whether a field is about the set as a whole: a plain value, or a few of them."""
    parts = list(value.values()) if isinstance(value, Mapping) else value
    if not isinstance(parts, list | tuple):
        return True
    plain = all(part is None or isinstance(part, int | float | str) for part in parts)
    return plain and len(parts) <= _LONGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_number, value))
