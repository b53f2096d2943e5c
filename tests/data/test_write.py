import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from datasets import AFFINE, subject
from vbench_plugins.sources.bids import Bids
from vbench_plugins.sources.nnunet import NnUNet

from vbench.data.check import check_source
from vbench.data.folder import Fault, FolderSource
from vbench.data.write import write_dataset
from vbench.errors import DataError

ORIGIN = {"plugin": "toy", "params": {"seed": 3}}
READERS: dict[str, type[FolderSource]] = {"nnunet": NnUNet, "bids": Bids}


@pytest.mark.parametrize("layout", READERS)
def test_what_is_written_reads_back_sound_with_its_truth(tmp_path: Path, layout: str) -> None:
    truth = {"seed": [1, 2]}
    made = [subject(i, notes={"truth": truth}) for i in range(2)]
    write_dataset(tmp_path / "d", layout, iter(made), ORIGIN, lambda s: {".swc": s.id})
    reader = READERS[layout](READERS[layout].Params(path=tmp_path / "d"))
    assert not [found for found in check_source(reader) if isinstance(found, Fault)]
    assert reader.detect(tmp_path / "d")
    for name, expected in zip(reader.subjects(), made, strict=True):
        read = reader.load(name)
        np.testing.assert_array_equal(read.image, expected.image)
        np.testing.assert_array_equal(read.label, expected.label)
        np.testing.assert_array_equal(read.mask, expected.mask)
        assert read.spacing == pytest.approx(expected.spacing)
    truths = [json.loads(p.read_text()) for p in (tmp_path / "d").rglob("*.json")]
    assert truths.count(truth) == 2
    attached = sorted(path.read_text() for path in (tmp_path / "d").rglob("*.swc"))
    assert attached == [subject.id for subject in made]


def test_names_follow_the_layouts(tmp_path: Path) -> None:
    made = [subject(id="phantom-a-000")]
    write_dataset(tmp_path / "n", "nnunet", made, ORIGIN)
    write_dataset(tmp_path / "b", "bids", made, ORIGIN)
    assert (tmp_path / "n" / "imagesTr" / "phantom-a-000_0000.nii.gz").is_file()
    anat = tmp_path / "b" / "derivatives" / "vbench" / "sub-phantoma000" / "anat"
    assert (anat / "sub-phantoma000_label-vessel_mask.nii.gz").is_file()
    about = json.loads((tmp_path / "n" / "dataset.json").read_text())
    assert about["numTraining"] == 1
    assert about["vbench"]["params"] == {"seed": 3}
    assert (tmp_path / "b" / "participants.tsv").read_text() == "participant_id\nsub-phantoma000\n"


def test_headers_are_in_mm_and_whole_numbers_are_kept_small(tmp_path: Path) -> None:
    whole = np.rint(subject().image)
    write_dataset(tmp_path / "d", "nnunet", [subject(image=whole)], ORIGIN)
    image = nib.load(tmp_path / "d" / "imagesTr" / "case0_0000.nii.gz")
    assert image.get_data_dtype() == np.int16
    assert image.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(image.affine, AFFINE, atol=1e-6)
    label = nib.load(tmp_path / "d" / "labelsTr" / "case0.nii.gz")
    assert label.get_data_dtype() == np.uint8


def test_an_id_never_leads_out_of_the_folder(tmp_path: Path) -> None:
    for layout in READERS:
        with pytest.raises(DataError, match="cannot name a subject"):
            write_dataset(tmp_path / layout, layout, [subject(id="../../x")], ORIGIN)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="not an empty folder"):
        write_dataset(tmp_path / "d", "nnunet", [subject()], ORIGIN)
    twins = [subject(id="a-1"), subject(id="a1")]
    with pytest.raises(DataError, match="'a1' and 'a-1' share this name"):
        write_dataset(tmp_path / "e", "bids", twins, ORIGIN)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=r"file/d: cannot write here \(Not a directory\); name"):
        write_dataset(tmp_path / "file" / "d", "nnunet", [subject()], ORIGIN)
