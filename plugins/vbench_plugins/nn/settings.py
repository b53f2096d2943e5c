"""Parameters of how a network is computed, the same for every built-in method; without torch.

The defaults are the same on every machine. ``auto`` measures instead, when a run is planned, and
what it finds is in the jobs' parameters (:meth:`~vbench.interfaces.Fitted.settle`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

Precision = Annotated[
    Literal["float32", "bfloat16", "auto"],
    Field(
        description="Number format of convolutions; bfloat16 is slow on processors without units "
        "for it; auto: the faster one where the run is planned"
    ),
]
MemoryFormat = Annotated[
    Literal["channels_last", "contiguous", "auto"],
    Field(description="Memory layout; auto: the faster one where the run is planned"),
]
Threads = Annotated[int, Field(description="Threads; 0: the job's", ge=0)]

#: How tests compute.
TINY: dict[str, Any] = {"precision": "float32", "memory_format": "contiguous"}
