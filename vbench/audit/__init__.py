"""How real synthetic patches look, and what they give away.

``scores.py`` fidelity and privacy on a scale · ``verdict.py`` what privacy scores say together ·
``features.py`` what patches are compared by · ``attacks.py``, ``risks.py`` and ``canaries.py`` what
attacks on the generator find · ``closeness.py`` how near images come, seen any way round.
A data set to share is written by :mod:`vbench.share`.
"""

from vbench.audit.scores import MOST, NoisePatches, Subset, audit_patches
from vbench.audit.verdict import Flag, PatientRisk, Verdict, verdict

__all__ = [
    "MOST",
    "Flag",
    "NoisePatches",
    "PatientRisk",
    "Subset",
    "Verdict",
    "audit_patches",
    "verdict",
]
