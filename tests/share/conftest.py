"""A finished benchmark whose synthetic arms can be exported."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_benchmark import LEAKY, TOYS, toy_spec

from vbench import api
from vbench.share import rerun


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    spec = toy_spec(
        generators=[
            {"plugin": "leaky"},
            {"plugin": "copy"},
            {"plugin": "geometric", "name": "drawn"},
        ],
        data__source={"plugin": "ward", "split": {"train": 2, "val": 1, "test": 3}},
        data__target={"plugin": "ward", "split": {"train": 2, "val": 1, "test": 1}},
        patches__per_subject=40,
        metrics={"segmentation": ["dsc"], "fidelity": ["mmd"], "privacy": ["verbatim"]},
        plugins__paths=[TOYS, LEAKY],
    )
    api.run(spec, folder, tracking=False)
    return folder


@pytest.fixture(autouse=True)
def _one_score(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audit with the spec's scores only: what is raised by which is known."""
    if "out" in request.fixturenames:
        monkeypatch.setattr(rerun, "_defaults", lambda plugins, family: ())
