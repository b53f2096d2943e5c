"""A method is told the voxel size of what it learns from, when it trains, samples and tests."""

from __future__ import annotations

from pathlib import Path

from toy_benchmark import TOYS, toy_spec

from vbench import api

# Registered under other names beside the toys; refuses to work without the blobs' spacing.
SPACED = (
    Path(TOYS).read_text().partition("@vbench.hookimpl")[0]
    + """

class Spaced:
    def __init__(self, params, setup):
        if tuple(setup.spacing or ()) != (1.0, 1.0, 2.0):
            raise ValueError(f"spacing {setup.spacing}")
        super().__init__(params, setup)


class SpacedGenerator(Spaced, ToyGenerator):
    name = "spaced-generator"


class SpacedSegmenter(Spaced, ToySegmenter):
    name = "spaced-segmenter"

    def features(self, patches):
        return patches[:, 0].reshape(len(patches), -1)


@vbench.hookimpl
def vbench_register_generators(register):
    register(SpacedGenerator)


@vbench.hookimpl
def vbench_register_segmenters(register):
    register(SpacedSegmenter)
"""
)


def test_every_stage_builds_a_method_with_the_spacing_of_its_training_volumes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "spaced.py"
    path.write_text(SPACED)
    spec = toy_spec(
        generators=[{"plugin": "spaced-generator"}],
        segmenter={"plugin": "spaced-segmenter"},
        regimes={
            "real": True,
            "synthetic": True,
            "mixed": True,
            "transfer": {"subjects": [1], "control": "none"},
        },
        metrics={"segmentation": ["dsc"], "fidelity": ["fid"]},
        plugins={"paths": [TOYS, str(path)]},
    )
    result = api.run(spec, tmp_path / "out", tracking=False)
    assert not result.failures
    assert result.ok
