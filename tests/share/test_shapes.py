"""What leaves is described as others read it: Croissant, a table, the hub's card."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench import api
from vbench.share.table import TABLE, write_table


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, folder = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("x") / "shared"
    spec = toy_spec(
        generators=[{"plugin": "geometric"}],
        regimes={"synthetic": True},
        patches__per_subject=20,
        plugins__paths=[TOYS],
    )
    api.run(spec, out, tracking=False)
    vbench.export(
        "synthetic/geometric", folder, benchmark="toys", out=out, nifti=True,
        accept_risk="a test", licence="CC-BY-4.0", citation="We 2026",
    )  # fmt: skip
    return folder


def described(shared: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shared / "croissant.json").read_text())
    return found


def test_every_file_is_described_with_its_checksum(shared: Path) -> None:
    files = {each["contentUrl"]: each for each in described(shared)["distribution"]}
    there = {path.relative_to(shared).as_posix() for path in shared.rglob("*") if path.is_file()}
    copies = {name for name in there if name.startswith("nnunet/")}
    assert set(files) == there - copies - {"croissant.json", "SHA256SUMS"}
    for name, about in files.items():
        content = (shared / name).read_bytes()
        assert about["sha256"] == hashlib.sha256(content).hexdigest()
        assert about["contentSize"] == f"{len(content)} B"
    sums = (shared / "SHA256SUMS").read_text()
    assert all(name in sums for name in (*copies, "croissant.json", "README.md", TABLE))


def test_what_was_said_is_in_it_and_what_is_known(shared: Path) -> None:
    about = described(shared)
    assert (about["license"], about["citeAs"]) == ("CC-BY-4.0", "We 2026")
    for field in (
        "dataCollection", "dataAnnotationProtocol", "dataLimitations", "dataUseCases",
        "personalSensitiveInformation", "dataPreprocessingProtocol",
    ):  # fmt: skip
        assert about[f"rai:{field}"], field
    assert "learnt from nobody" in " ".join(about["rai:personalSensitiveInformation"]) or (
        "nobody" in about["rai:dataCollection"]
    )
    assert "datePublished" not in about
    assert json.loads((shared / "dataset.json").read_text())["citation"] == "We 2026"


def test_mlcroissant_validates_and_reads_it(shared: Path) -> None:
    mlc = pytest.importorskip("mlcroissant")
    found = mlc.Dataset(jsonld=shared / "croissant.json")
    assert not found.metadata.ctx.issues.errors
    record = next(iter(found.records("patch")))
    np.testing.assert_array_equal(
        np.asarray(record["patch/image"], np.float16).reshape(4, 4, 4),
        np.load(shared / "images.npy")[0],
    )


#: In a process of its own: here `datasets` is the tests' own module.
ONE_LINE = """
import importlib.util, sys
if importlib.util.find_spec("datasets") is None:
    sys.exit(77)
import numpy as np
from datasets import load_dataset
folder, cache = sys.argv[1:]
rows = load_dataset(folder, split="train", cache_dir=cache).with_format("numpy")[:]
for column, name in (("image", "images"), ("label", "labels")):
    np.testing.assert_array_equal(rows[column], np.load(f"{folder}/{name}.npy"))
"""


def test_datasets_loads_the_folder_in_one_line(shared: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_LINE, str(shared), str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, timeout=200,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )  # fmt: skip
    if done.returncode == 77:
        pytest.skip("the library datasets is not installed")
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_card_names_the_table_for_the_hub(shared: Path) -> None:
    yaml = pytest.importorskip("yaml")
    _, front, text = (shared / "README.md").read_text().split("---\n", 2)
    fields = yaml.safe_load(front)
    assert fields["license"] == "cc-by-4.0"
    assert fields["configs"][0]["data_files"] == [{"split": "train", "path": TABLE}]
    assert "Citation: We 2026." in text


@pytest.mark.parametrize("shape", [(1, 3, 2), (700, 2, 2, 3)])
def test_a_table_holds_all_patches_in_their_order(tmp_path: Path, shape: tuple[int, ...]) -> None:
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=shape).astype(np.float16), rng.integers(0, 2, shape)
    write_table(tmp_path / "a" / "x.parquet", images, labels)
    table = parquet.read_table(tmp_path / "a" / "x.parquet").to_pydict()
    np.testing.assert_array_equal(np.asarray(table["image"], np.float16), images)
    np.testing.assert_array_equal(np.asarray(table["label"]), labels)
