"""Single scores beside panoptica, which runs in an environment of its own (``make panoptica``)."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from harness import Found, NotInstalledError, fine_seconds, line
from lines.scores import CASE, COUNTED, edges, ours
from mask_cases import CASES, Case

PYTHON = Path(__file__).resolve().parents[3] / ".venv-panoptica" / "bin" / "python"
SERVER = Path(__file__).resolve().parents[1] / "apart.py"
#: Ours, panoptica's name, how near they are.
LINES = (
    ("dsc", "DSC", 1e-6),
    ("hd", "HD", 1e-6),
    ("hd95-pooled", "HD95", 1e-6),
    ("assd", "ASSD", 0.01),
    ("cldice", "clDSC", 0.05),
)
ROUNDS = 3


@contextmanager
def panoptica(case: Case) -> Iterator[subprocess.Popen[str]]:
    """Start panoptica on a pair of masks.

    Raises:
        NotInstalledError: When its environment was not made.
    """
    if not PYTHON.exists():
        raise NotInstalledError("panoptica (`make panoptica`)")
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("truth.npy", "prediction.npy")]
        for place, mask in zip(places, (case.truth, case.prediction), strict=True):
            np.save(place, mask)
        spacing = ",".join(map(str, edges(case)))
        with subprocess.Popen(
            [PYTHON, SERVER, *places, spacing],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as server:  # fmt: skip
            yield server


def answer(server: subprocess.Popen[str], question: str = "") -> dict[str, Any]:
    """Ask panoptica for a score; what it says of itself comes unasked."""
    assert server.stdin
    assert server.stdout
    if question:
        server.stdin.write(question + "\n")
        server.stdin.flush()
    found: dict[str, Any] = json.loads(server.stdout.readline())
    return found


def _add(metric: str, theirs: str, near: float) -> None:
    why = COUNTED if metric == "dsc" else ""

    @line(f"{metric} beside panoptica", peer="panoptica", rounds=ROUNDS, goal=1, why=why)
    def measure(rounds: int) -> Found:
        case = CASES[CASE]()
        with panoptica(case) as server:
            version = answer(server)["version"]
            value, mine = answer(server, theirs)["value"], ours(metric, case)
            apart = abs(mine - value) / max(abs(value), 1e-12)
            assert apart <= near, (mine, value)
            taken, other = [], []
            for _ in range(rounds):
                taken.append(fine_seconds(lambda: ours(metric, case)))
                other.append(answer(server, theirs)["seconds"])
        equal = f"equal to {max(apart, 1e-9):.0e}"
        if near > 1e-3:
            equal = f"{mine:.3f} and {value:.3f}: another definition"
        return Found(case.inputs, f"{equal}; panoptica {version}", taken, other)


for _row in LINES:
    _add(*_row)
