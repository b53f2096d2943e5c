from pathlib import Path

import pytest

from vbench.data.patterns import Names, Pattern


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def found(
    folder: Path, image: str, label: str, mask: str | None = None, *, skip: bool = False
) -> dict[str, list[str]]:
    listing = Names.read(image, label, mask).pair(folder, skip=skip)
    assert not [fault for fault in listing.faults if fault.serious], listing.faults
    return {
        files.id: [path.relative_to(folder).as_posix() for path in files.paths()]
        for files in listing.subjects
    }


def told(folder: Path, image: str, label: str, mask: str | None = None, **how: bool) -> list[str]:
    faults = Names.read(image, label, mask).pair(folder, **how).faults
    return [str(fault).removeprefix(f"{folder}/") for fault in faults]


def test_fields_may_stand_in_folders_and_twice_and_letters_may_be_capital(tmp_path: Path) -> None:
    made(
        tmp_path,
        "Normal-002/MRA/Normal002-MRA.MHA",
        "Normal-002/Aux/Net.tre",
        "Normal-003/MRA/Normal004-MRA.mha",
        "Normal-004/MRA/.Normal004-MRA.mha",
    )
    images, labels = "Normal-{n}/MRA/Normal{n}-MRA.mha", "Normal-{n}/Aux/*.tre"
    assert found(tmp_path, images, labels) == {
        "002": ["Normal-002/MRA/Normal002-MRA.MHA", "Normal-002/Aux/Net.tre"]
    }


def test_several_fields_name_a_subject_together(tmp_path: Path) -> None:
    for part in ("train", "test"):
        made(tmp_path, f"{part}/img/01.tif", f"{part}/gt/01.tif")
    assert sorted(found(tmp_path, "{part}/img/{eye}.tif", "{part}/gt/{eye}.tif")) == [
        "test-01",
        "train-01",
    ]


def test_anything_may_follow_a_name_and_longer_names_are_not_confused(tmp_path: Path) -> None:
    made(tmp_path, *(f"x/{name}_raw.tif" for name in ("a_b", "a", "a_bc")))
    made(tmp_path, "y/a_label_v1.tif", "y/a_b_labels.tif", "y/a_bc_manual_label.tif")
    paired = found(tmp_path, "x/{s}_raw.tif", "y/{s}_*label*.tif")
    assert {name: files[1] for name, files in paired.items()} == {
        "a": "y/a_label_v1.tif",
        "a_b": "y/a_b_labels.tif",
        "a_bc": "y/a_bc_manual_label.tif",
    }


def test_one_of_several_words_may_stand_in_a_name(tmp_path: Path) -> None:
    for part in ("train", "validate"):
        made(tmp_path, f"{part}/{part}1.nii.gz", f"{part}_label/{part}1.nii")
        made(tmp_path, f"{part}_other/{part}1.nii.gz")
    images, labels = "{train,validate}/{s}.nii.gz", "{train,validate}_label/{s}.nii"
    assert list(found(tmp_path, images, labels)) == ["train1", "validate1"]


def test_a_label_beside_its_image_is_no_image(tmp_path: Path) -> None:
    made(tmp_path, "1.pgm", "1_gt.pgm", "1_mask.pgm", "2.pgm", "2_gt.pgm")
    assert found(tmp_path, "{n}.pgm", "{n}_gt.pgm", "{n}_mask.pgm") == {
        "1": ["1.pgm", "1_gt.pgm", "1_mask.pgm"],
        "2": ["2.pgm", "2_gt.pgm"],
    }


def test_images_without_a_label_are_refused_or_passed_over(tmp_path: Path) -> None:
    made(tmp_path, "i/1.nii", "i/2.nii", "i/3.nii", "l/2.nii")
    names = ("i/{n}.nii", "l/{n}.nii")
    assert told(tmp_path, *names) == [
        "i/1.nii: has no label l/1.nii, nor has 1 other; "
        "add it, correct label = 'l/{n}.nii', or leave such files out: unpaired = 'skip'"
    ]
    assert told(tmp_path, *names, skip=True) == [
        "i/1.nii: has no label l/1.nii, nor has 1 other; passed over"
    ]
    assert found(tmp_path, *names, skip=True) == {"2": ["i/2.nii", "l/2.nii"]}


def test_masks_that_are_asked_for_have_to_be_there(tmp_path: Path) -> None:
    made(tmp_path, "i/1.nii", "l/1.nii")
    names = ("i/{n}.nii", "l/{n}.nii", "m/{n}.nii")
    assert "no mask is named m/{n}.nii; correct `mask`" in told(tmp_path, *names)[0]
    assert told(tmp_path, *names, masked=False) == []


def test_what_is_amiss_is_named_with_its_mend(tmp_path: Path) -> None:
    made(tmp_path, "i/1.nii", "i/1.nii.gz", "l/1.nii", "l/1_b.nii", "l/2.nii")
    assert told(tmp_path, "i/{n}.nii.gz", "l/{n}.nii") == [
        "l/1_b.nii: has no image i/1_b.nii.gz, nor has 1 other; "
        "add it, correct image = 'i/{n}.nii.gz', or leave such files out: unpaired = 'skip'"
    ]
    assert told(tmp_path, "i/{n}.nii*", "l/{n}.nii") == [
        f"i/1.nii.gz: a second image of '1' beside {tmp_path}/i/1.nii; make `image` more exact"
    ]
    assert told(tmp_path, "i/{n}.nii", "l/{n}*.nii") == [
        "i/1.nii: several files may be its label: 1.nii, 1_b.nii; make `label` more exact"
    ]
    assert told(tmp_path, "j/{n}.nii", "k/{n}.nii") == [
        f"{tmp_path}: no image is named j/{{n}}.nii; "
        "set `path` to the folder above it, or correct `image`"
    ]


def test_a_folder_where_nothing_pairs_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "i/1.nii", "l/2.nii")
    faults = Names.read("i/{n}.nii", "l/{n}.nii").pair(tmp_path, skip=True).faults
    assert [fault.serious for fault in faults] == [True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raw/*.nii", "names no subject; write {subject}"),
        ("../raw/{n}.nii", "leads out of the folder"),
        ("/raw/{n}.nii", "leads out of the folder"),
        ("raw/{n}}.nii", "a brace that is no field"),
        ("raw/{n!r}_{n}.nii", "a brace that is no field"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pattern(text)


def test_patterns_have_the_same_fields_and_are_not_the_same() -> None:
    with pytest.raises(ValueError, match=r"\{eye\} stands in one of image and label only"):
        Names.read("{n}_{eye}.tif", "{n}.png")
    with pytest.raises(ValueError, match="are the same pattern"):
        Names.read("{n}.tif", "{n}.tif")


ENDINGS = [".png", ".tif"]


def test_labels_of_another_ending_get_a_pattern_that_finds_them(tmp_path: Path) -> None:
    made(tmp_path, *(f"images/p{n}.png" for n in (1, 2, 12)))
    made(tmp_path, *(f"labels/seg_p{n}_v1.png" for n in (1, 2, 12)))
    first, second = Names.read("images/{s}", "labels/{s}", endings=ENDINGS).pair(tmp_path).faults
    assert str(first).removeprefix(f"{tmp_path}/") == (
        "images/p1.png: has no label labels/p1.*, nor have 2 others; "
        "label = 'labels/seg_{s}_v1' finds one for each"
    )
    assert "has no image images/seg_p12_v1.*" in second.message
    assert len(found(tmp_path, "images/{s}.png", "labels/seg_{s}_v1.png")) == 3
    made(tmp_path, "images/q.png")
    first, *_ = Names.read("images/{s}", "labels/{s}", endings=ENDINGS).pair(tmp_path).faults
    assert "add it, correct label = 'labels/{s}', or leave" in first.mend
