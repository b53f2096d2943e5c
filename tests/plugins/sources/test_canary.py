from __future__ import annotations

import numpy as np
import pytest
from vbench_plugins.sources.canary import Canary

from vbench.audit.closeness import closest
from vbench.errors import DataError
from vbench.testing import SourceSuite
from vbench.types import Array


class TestCanary(SourceSuite):
    plugin = Canary


del SourceSuite


def canary(**params: object) -> Canary:
    return Canary(Canary.Params(**{"shape": (32, 32, 32), **params}))


def corners(image: Array, edge: int = 12) -> Array:
    return np.stack([image[x : x + edge, y : y + edge, :edge] for x in (0, 9, 20) for y in (0, 17)])


def test_no_two_are_alike() -> None:
    source = canary()
    volumes = [source.load(name).image for name in source.subjects(4)]
    flat = np.corrcoef([volume.ravel() for volume in volumes])
    assert np.abs(flat - np.eye(4)).max() < 0.2
    assert len({source.fingerprint(name) for name in source.subjects(4)}) == 4
    assert source.fingerprint("canary-000") != canary(seed=1).fingerprint("canary-000")
    assert source.fingerprint("canary-000") == canary(subjects=3).fingerprint("canary-000")


def test_patches_of_one_resemble_each_other_more_than_those_of_another() -> None:
    first, second = (corners(canary().load(f"canary-00{i}").image) for i in (0, 1))
    own = closest(first[:3, None], first[3:, None]).similarity.mean()
    other = closest(first[:3, None], second[:, None]).similarity.mean()
    assert own > other + 0.1


@pytest.mark.parametrize("name", ["phantom-a-000", "canary-1", "../canary-000"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(DataError, match="expected a name such as canary-000"):
        canary().load(name)
