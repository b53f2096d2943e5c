"""How real synthetic patches look, and what they give away.

``scores.py`` fidelity and privacy on a scale · ``features.py`` what patches are compared by.
A data set to share is written by :mod:`vbench.share`.
"""

from vbench.audit.scores import MOST, NoisePatches, Subset, audit_patches

__all__ = ["MOST", "NoisePatches", "Subset", "audit_patches"]
