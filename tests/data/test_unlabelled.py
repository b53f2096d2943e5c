"""A data set whose images have no labels is told in one line, with what it is good for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from datasets import bids, manifest, nnunet
from vbench_plugins.sources.bids import Bids
from vbench_plugins.sources.manifest import Manifest
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.folder import FolderSource
from vbench.errors import DataError


def without_labels(layout: str, folder: Path) -> FolderSource:
    """A data set of two images and no label."""
    if layout == "bids":
        shutil.rmtree(bids(folder) / "derivatives")
        return Bids(Bids.Params(path=folder))
    if layout == "manifest":
        file = manifest(folder)
        first, *rows = (line.split(",") for line in file.read_text().splitlines())
        lines = [first, *([*row[:2], "", *row[3:]] for row in rows)]
        file.write_text("\n".join(map(",".join, lines)))
        return Manifest(Manifest.Params(path=file))
    shutil.rmtree(nnunet(folder) / "labelsTr")
    if layout == "imagesTs":
        (folder / "imagesTr").rename(folder / "imagesTs")
    return NnUNet(NnUNet.Params(path=folder))


@pytest.mark.parametrize(
    ("layout", "what"),
    [
        ("bids", r"none of its images has a label \(2, such as sub-00_angio"),
        ("manifest", r"none of its images has a label \(2, such as .* line 2: no label"),
        ("nnunet", r"none of its images has a label \(2, such as case0_0000"),
        ("imagesTs", r"images to be predicted \(imagesTs\), and none with a label"),
    ],
)
def test_it_is_told_in_one_line_with_the_way_out(tmp_path: Path, layout: str, what: str) -> None:
    source = without_labels(layout, tmp_path)
    with pytest.raises(DataError, match=what) as error:
        source.subjects()
    assert "segment its scans with `vbench predict`" in str(error.value)
    assert "\n" not in str(error.value)


def test_where_some_image_has_a_label_the_others_are_named(tmp_path: Path) -> None:
    (nnunet(tmp_path) / "labelsTr" / "case1.nii.gz").unlink()
    source = NnUNet(NnUNet.Params(path=tmp_path))
    assert source.unlabelled() is None
    with pytest.raises(DataError, match="case1_0000"):
        source.subjects()
