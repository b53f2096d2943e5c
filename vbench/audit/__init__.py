"""How real synthetic patches look, what they give away, and how they leave the house.

``scores.py`` fidelity and privacy on a scale · ``features.py`` what patches are compared by ·
``export.py`` a data set to share · ``rerun.py`` its audit · ``datasheet.py`` its description.
"""

from vbench.audit.scores import MOST, NoisePatches, Subset, audit_patches

__all__ = ["MOST", "NoisePatches", "Subset", "audit_patches"]
