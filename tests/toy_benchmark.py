"""Small benchmarks of toy plugins, for tests of the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vbench.engine.plan import Plan, make_plan
from vbench.registry import for_paths
from vbench.spec import Spec, parse_spec

TOYS = str(Path(__file__).parent / "fixtures" / "toys.py")
LENDING = str(Path(__file__).parent / "fixtures" / "lending.py")
LEAKY = str(Path(__file__).parent / "fixtures" / "leaky.py")
ATTACKED = str(Path(__file__).parent / "fixtures" / "attacked.py")
FAULTY = str(Path(__file__).parent / "fixtures" / "faulty.py")


def toy_table(**changes: Any) -> dict[str, Any]:
    """A small benchmark of toys; ``changes`` are dotted keys, with ``__`` for the dots."""
    table: dict[str, Any] = {
        "benchmark": {"name": "toys", "seeds": [0]},
        "data": {
            "source": {"plugin": "blobs", "split": {"train": 2, "val": 1, "test": 2}},
            "target": {"plugin": "blobs", "split": {"train": 2, "val": 1, "test": 1}},
        },
        "patches": {"size": [4, 4, 4], "per_subject": 8},
        "generators": [{"plugin": "toy-generator"}],
        "segmenter": {"plugin": "toy-segmenter"},
        "regimes": {"real": True, "synthetic": True},
        "metrics": {"segmentation": ["dsc"]},
        "compute": {"threads": 1},
        "plugins": {"paths": [TOYS]},
    }
    for key, value in changes.items():
        *above, last = key.split("__")
        place: Any = table
        for part in above:
            place = place[int(part)] if isinstance(place, list) else place.setdefault(part, {})
        place[last] = value
    return table


def toy_spec(**changes: Any) -> Spec:
    return parse_spec(toy_table(**changes))


def toy_plan(**changes: Any) -> Plan:
    return make_plan(toy_spec(**changes), for_paths((TOYS,)))
