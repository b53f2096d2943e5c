from pathlib import Path

import numpy as np
import pytest
from datasets import bids, save, scene
from vbench_plugins.sources.bids import Bids

from vbench.errors import DataError
from vbench.testing import SourceSuite


class TestBids(SourceSuite):
    plugin = Bids


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestBids.params = {"path": bids(tmp_path_factory.mktemp("bids"))}


def source(path: Path, **params: object) -> Bids:
    return Bids(Bids.Params(path=path, **params))


def test_images_find_labels_and_masks_among_the_derivatives(tmp_path: Path) -> None:
    found = source(bids(tmp_path))
    assert found.subjects() == ["sub-00", "sub-01"]
    image, vessel, mask = scene(1)
    read = found.load("sub-01")
    np.testing.assert_array_equal(read.image, image)
    np.testing.assert_array_equal(read.label, vessel)
    np.testing.assert_array_equal(read.mask, mask)


def test_masks_are_optional_and_may_be_in_another_pipeline(tmp_path: Path) -> None:
    folder = bids(tmp_path)
    derived = folder / "derivatives" / "manual" / "sub-00" / "anat"
    mask = derived / "sub-00_desc-brain_mask.nii.gz"
    other = folder / "derivatives" / "bet" / "sub-00" / mask.name
    other.parent.mkdir(parents=True)
    mask.rename(other)
    assert source(folder).files("sub-00").mask == other
    other.unlink()
    assert source(folder).load("sub-00").mask is None


def test_of_several_sessions_the_first_is_used_with_its_own_label(tmp_path: Path) -> None:
    image, vessel, _ = scene(0)
    for session in ("1", "2"):
        name = f"sub-07_ses-{session}"
        place = Path("sub-07") / f"ses-{session}" / "anat"
        save(tmp_path / place / f"{name}_angio.nii.gz", image + int(session))
        save(tmp_path / "derivatives/v" / place / f"{name}_label-vessel_mask.nii.gz", vessel)
    found = source(tmp_path)
    assert found.subjects() == ["sub-07"]
    assert found.files("sub-07").label.name == "sub-07_ses-1_label-vessel_mask.nii.gz"
    np.testing.assert_array_equal(found.load("sub-07").image, image + 1)
    remarks = [str(fault) for fault in found.listing.faults]
    assert any("not used: sub-07_ses-2_angio.nii.gz" in remark for remark in remarks)


def test_patterns_choose_between_labels(tmp_path: Path) -> None:
    folder = bids(tmp_path, n=1)
    other = folder / "derivatives" / "auto" / "sub-00" / "anat"
    save(other / "sub-00_label-vessel_desc-auto_mask.nii.gz", scene(3)[1])
    with pytest.raises(DataError, match=r"several files may be its label: .*; set 'label'"):
        source(folder).subjects()
    chosen = source(folder, label="*desc-auto_mask").load("sub-00")
    np.testing.assert_array_equal(chosen.label, scene(3)[1])


def test_the_suffix_is_chosen(tmp_path: Path) -> None:
    folder = bids(tmp_path, n=1)
    image = folder / "sub-00" / "anat" / "sub-00_angio.nii.gz"
    image.rename(image.with_name("sub-00_T1w.nii.gz"))
    with pytest.raises(DataError, match=r"no \*_angio\.nii\.gz; .*set 'suffix'"):
        source(folder).subjects()
    assert source(folder, suffix="T1w").subjects() == ["sub-00"]


def test_a_missing_label_names_what_was_looked_for(tmp_path: Path) -> None:
    folder = bids(tmp_path, n=1)
    (folder / "derivatives/manual/sub-00/anat/sub-00_label-vessel_mask.nii.gz").unlink()
    with pytest.raises(DataError, match=r"sub-00_angio\.nii\.gz: no label \(\*label-vessel\*"):
        source(folder).subjects()


def test_layouts_tell_themselves_apart(tmp_path: Path) -> None:
    assert Bids.detect(bids(tmp_path / "b"))
    assert not Bids.detect(tmp_path)
