"""The regimes: what a segmenter may be trained on, one file each.

To add one, write its file and list it here.
"""

from __future__ import annotations

from typing import Any

from vbench.errors import VbenchError, did_you_mean
from vbench.regimes.base import FewSubjects, Generators, Regime
from vbench.regimes.baseline import BASELINE
from vbench.regimes.mixed import MIXED
from vbench.regimes.planner import Row
from vbench.regimes.pretrained import PRETRAINED
from vbench.regimes.real import REAL
from vbench.regimes.reference import Reference
from vbench.regimes.scratch import SCRATCH
from vbench.regimes.synthetic import SYNTHETIC
from vbench.regimes.transfer import TRANSFER

__all__ = [
    "EXTRA_REFERENCES",
    "MAIN_REFERENCES",
    "REFERENCES",
    "REGIMES",
    "FewSubjects",
    "Generators",
    "Reference",
    "Regime",
    "Row",
    "named",
]

#: By name, in the order in which arms are planned and compared.
REGIMES = {r.name: r for r in (BASELINE, REAL, SYNTHETIC, MIXED, SCRATCH, TRANSFER, PRETRAINED)}

#: What arms are compared with, by the name that ``versus`` has for it.
REFERENCES = {r.name: r for regime in REGIMES.values() for r in regime.references}

#: Those with their own column, of which a table shows the first that it has.
MAIN_REFERENCES = tuple(name for name, r in REFERENCES.items() if not r.extra)
EXTRA_REFERENCES = tuple(name for name, r in REFERENCES.items() if r.extra)


def named(name: str) -> Regime[Any]:
    """Return a regime.

    Raises:
        VbenchError: When there is none of this name, as in results of a later version.
    """
    if name not in REGIMES:
        raise VbenchError(
            f"regime '{name}' is unknown{did_you_mean(name, REGIMES)}; "
            "results of a later vbench need that version"
        )
    return REGIMES[name]
