from pathlib import Path

import numpy as np
import pytest
from datasets import manifest, scene
from vbench_plugins.sources.manifest import Manifest

from vbench.errors import DataError
from vbench.testing import SourceSuite


class TestManifest(SourceSuite):
    plugin = Manifest


@pytest.fixture(scope="module", autouse=True)
def file(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestManifest.params = {"path": manifest(tmp_path_factory.mktemp("manifest"))}


def source(path: Path) -> Manifest:
    return Manifest(Manifest.Params(path=path))


def test_absolute_and_relative_paths_are_read(tmp_path: Path) -> None:
    found = source(manifest(tmp_path))
    assert found.subjects() == ["case0", "case1"]
    image, vessel, mask = scene(1)
    read = found.load("case1")
    np.testing.assert_array_equal(read.image, image)
    np.testing.assert_array_equal(read.label, vessel)
    np.testing.assert_array_equal(read.mask, mask)
    assert source(tmp_path).subjects() == ["case0", "case1"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_spreadsheets_dialects_are_read(tmp_path: Path, separator: str) -> None:
    file = manifest(tmp_path)
    table = file.read_text().replace(",", separator).replace("subject", "Subject", 1)
    file.write_bytes(("\ufeff" + table.replace("\n", "\r\n") + "\r\n").encode())
    assert source(file).subjects() == ["case0", "case1"]


def test_masks_are_optional(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    rows = [line.rpartition(",")[0] for line in file.read_text().splitlines()]
    file.write_text("\n".join(rows))
    assert source(file).load("case0").mask is None
    file.write_text("\n".join([rows[0] + ",mask", rows[1] + ","]))
    assert source(file).load("case0").mask is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no column subject, image, label"),
        (b"a,b\n1,2\n", r"no column subject, image, label"),
        (b"subject,image\n", r"no column label"),
        (b"subject,image,label\n", r"no subjects"),
        (b"\xff\xfe\x00", r"not UTF-8 text"),
    ],
)
def test_what_is_no_manifest_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"m\.csv: {message}"):
        source(tmp_path / "m.csv").subjects()


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.csv: No such file"):
        source(tmp_path).subjects()
