"""Source: found by `make fuzz`. A bundle with a negative standard deviation was taken as it was."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from vbench.engine.given import find
from vbench.errors import DataError
from vbench.regimes.planner import Start


def bundle(folder: Path, mean: float, sd: float) -> Path:
    for name in ("models", "configs"):
        (folder / name).mkdir(parents=True)
    save_file({"w": np.ones(2, np.float32)}, folder / "models" / "model.safetensors")
    network = json.dumps({"network": {"mean": mean, "sd": sd}})
    (folder / "configs" / "inference.json").write_text(network)
    return folder


@pytest.mark.parametrize(
    ("mean", "sd"), [(0.0, -1.0), (0.0, 0.0), (math.inf, 1.0), (math.nan, 1.0), (0.0, 1e300)]
)
def test_moments_that_standardise_nothing_are_refused(
    tmp_path: Path, mean: float, sd: float
) -> None:
    place = bundle(tmp_path / "b", mean, sd)
    with pytest.raises(DataError, match=r"inference\.json: network\.mean and network\.sd") as found:
        find(Start(str(place), None, "k"))
    assert "\n" not in str(found.value)


def test_so_are_those_of_a_range_without_end(tmp_path: Path) -> None:
    place = bundle(tmp_path / "b", 0.25, 2.0)
    assert (find(Start(str(place), None, "k"))[1]).sd == 2.0
    with pytest.raises(DataError, match=r"k\.range"):
        find(Start(str(place), (-math.inf, math.inf), "k"))
