"""Benchmarks whose answers are known, of ``fixtures/answers.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vbench.spec import Spec, parse_spec

ANSWERS = str(Path(__file__).parent / "fixtures" / "answers.py")


def answers(
    *, seed: int = 0, shuffled: bool = False, subjects: int = 6, seeds: int = 1, **changes: Any
) -> Spec:
    """Return the benchmark: ``copy`` and ``noise``, alone and mixed with real patches.

    Args:
        seed: Of the subjects.
        shuffled: Whether labels are those of other subjects.
        subjects: For the test.
        seeds: Repetitions.
        changes: Tables instead of these.
    """
    source = {"seed": seed, "shuffled": shuffled}
    split = {"train": 3, "val": 2, "test": subjects}
    return parse_spec(
        {
            "benchmark": {"name": "answers", "seeds": list(range(seeds))},
            "data": {"source": {"plugin": "bars", "split": split, **source}},
            "patches": {"size": [6, 6, 6], "per_subject": 40},
            "generators": [{"plugin": "copy"}, {"plugin": "noise"}],
            "segmenter": {"plugin": "linear"},
            "regimes": {"real": True, "synthetic": True, "mixed": True},
            "metrics": {"segmentation": ["dsc"]},
            "compute": {"threads": 1},
            "plugins": {"paths": [ANSWERS]},
            **changes,
        }
    )
