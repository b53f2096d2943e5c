"""A fault of data names the key of the spec, wherever it is found."""

import pytest

import vbench
from vbench.errors import DataError

SPEC = """
[benchmark]
name = "keys"
[data.source]
plugin = "phantom"
shape = [16, 16, 16]
split = { train = 2, val = 1, test = 1 }
[data.target]
plugin = "nnunet"
path = "nowhere"
split = { train = 1, val = 1, test = 1 }
[segmenter]
plugin = "threshold"
[regimes]
baseline = true
scratch = { subjects = [1] }
[metrics]
segmentation = ["dsc"]
"""


def test_a_folder_that_is_missing_is_named_with_its_key(tmp_path):
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC)
    with pytest.raises(DataError, match=r"^data\.target: \S+nowhere: no such file or folder"):
        vbench.plan(spec, out=tmp_path / "out")
    assert vbench.validate(spec)[0].startswith("data.target: ")
