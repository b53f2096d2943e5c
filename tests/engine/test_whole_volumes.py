"""A generator that asks for whole volumes gets those of the training subjects, read only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy_benchmark import TOYS, toy_spec

from vbench import api

PLUGIN = """
import json
from pathlib import Path

import numpy as np
import vbench
from vbench.layout import empty_patches, image_of, label_of


class Wants(vbench.Generator):
    \"\"\"Samples bars as bright as the vessels of whole volumes.\"\"\"

    name = "wants"

    class Params(vbench.Params):
        note: str = vbench.param("", "File to tell what was seen")

    def fit(self, patches, *, seed):
        seen = []
        for volume in patches.volumes:
            try:
                volume.image[0] = 0
                written = True
            except ValueError:
                written = False
            seen.append([volume.id, list(volume.shape), int(volume.label.sum()), written])
        Path(self.params.note).write_text(json.dumps(seen))
        self.level = np.mean([v.image[v.label > 0].mean(dtype=float) for v in patches.volumes])
        yield vbench.Progress(1, 1)

    def sample(self, n, *, seed):
        made = empty_patches(n, self.setup.size)
        label_of(made)[:] = 0
        label_of(made)[:, 1:3] = 1
        noise = np.random.default_rng(seed).normal(0, 0.1, image_of(made).shape)
        image_of(made)[:] = np.where(label_of(made) > 0, self.level, -0.5) + noise
        return np.clip(made, -1, 1)

    def weights(self):
        return {"level": np.array([self.level])}

    def load_weights(self, weights):
        self.level = float(weights["level"][0])


@vbench.hookimpl
def vbench_register_generators(register):
    register(Wants)
"""


@pytest.mark.usefixtures("forked_workers")
def test_it_sees_the_training_subjects_and_its_budget_is_not_known(tmp_path: Path) -> None:
    plugin, note = tmp_path / "wants.py", tmp_path / "seen.json"
    plugin.write_text(PLUGIN)
    spec = toy_spec(
        generators=[{"plugin": "wants", "params": {"note": str(note)}}],
        regimes={"synthetic": True},
        plugins__paths=[TOYS, str(plugin)],
    )
    result = api.run(spec, tmp_path / "out", tracking=False)
    assert result.ok
    seen = json.loads(note.read_text())
    records = [json.loads(r) for r in (result.folder / "records.jsonl").read_text().splitlines()]
    (fit,) = [record for record in records if record["stage"] == "fit-generator"]
    prepared = {r["key"]: r["label"] for r in records if r["stage"] == "prepare"}
    trained = [prepared[key].split(" · ")[-1] for key in fit["inputs"]["train"]]
    assert [name for name, *_ in seen] == trained
    assert len(trained) == 2
    for _, shape, vessel, written in seen:
        assert shape == [12, 12, 12]
        assert vessel > 0
        assert not written
    assert fit["result"]["budget"] == {"steps": 1, "patches": None}
