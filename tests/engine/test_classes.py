"""A benchmark whose labels have several classes, and whose images have several channels."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from vbench_plugins.generators.folder import Folder

import vbench
from vbench import api, registry
from vbench.analysis import table
from vbench.analysis.folder import read_results
from vbench.analysis.leaderboard import build_leaderboard, leaderboard
from vbench.colours import class_legend, css
from vbench.engine.plan import make_plan
from vbench.engine.store import Store
from vbench.errors import DataError, SpecError, StoreError
from vbench.records.judging import EvaluateResult
from vbench.records.training import FitSegmenterResult, PrepareResult
from vbench.report.words import summary
from vbench.scoring.score import score_files
from vbench.spec import parse_spec
from vbench.testing.toys import ToyPatches

pytestmark = pytest.mark.usefixtures("forked_workers")

NAMED = str(Path(__file__).parents[1] / "fixtures" / "named.py")
CLASSES = ("artery", "vein", "aneurysm")


def spec(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "benchmark": {"name": "named", "seeds": [0]},
        "data": {
            "source": {
                "plugin": "bars",
                "split": {
                    "train": ["bars-1", "bars-2"],
                    "val": ["bars-3"],
                    "test": ["bars-0", "bars-4"],
                },
                "labels": {"artery": 4, "vein": 7, "aneurysm": 9},
                "channels": ["TOF", "T1"],
            }
        },
        "patches": {"size": [4, 4, 4], "per_subject": 30},
        "generators": [{"plugin": "again"}],
        "segmenter": {"plugin": "nearest"},
        "regimes": {"real": True, "synthetic": True},
        "metrics": {"segmentation": ["dsc", "hd95"], "fidelity": ["kid"], "privacy": ["nn-ratio"]},
        "compute": {"threads": 1},
        "plugins": {"paths": [NAMED]},
    }
    for key, value in changes.items():
        *above, last = key.split("__")
        place = given
        for part in above:
            place = place[part]
        place[last] = value
    return parse_spec(given)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("named")
    changed = {"data__source__only": "artery", "data__source__unlabelled": True}
    labels = {"artery": 4, "vein": 7, "aneurysm": 9, "ignore": 255}
    changed |= {"data__source__labels": labels, "audit": {"shadows": 2, "patches": 10}}
    result = api.run(spec(**changed), out, tracking=False, workers=1)
    assert result.ok, result.failures
    return out


def cases(out: Path) -> list[dict[str, str]]:
    with (out / "named" / "cases.csv").open() as file:
        return list(csv.DictReader(file))


def test_the_mean_of_a_subject_is_that_of_its_classes(done: Path) -> None:
    rows = [row for row in cases(done) if (row["arm"], row["metric"]) == ("real", "dsc")]
    for subject in ("bars-0", "bars-4"):
        own = {row["class"]: float(row["value"]) for row in rows if row["subject"] == subject}
        whole = own.pop("")
        assert whole == pytest.approx(np.mean(list(own.values())))
        assert own["artery"] > 0
        assert subject == "bars-0" or whole > 0.7
    assert {row["class"] for row in rows if row["subject"] == "bars-4"} == {"", *CLASSES}


def test_a_class_in_one_map_only_has_the_worst_value(done: Path) -> None:
    rows = [r for r in cases(done) if r["subject"] == "bars-0" and r["class"] not in ("", "artery")]
    for row in rows:  # the subject has arteries only: what is found of others is wrong
        if row["metric"] == "dsc":
            assert float(row["value"]) == 0
        else:
            assert row["status"] == "undefined"


def test_predictions_have_the_values_of_the_input(done: Path) -> None:
    store = Store(done / "store")
    plan = make_plan(spec(), registry.for_paths((NAMED,)))
    for path in (done / "store").glob("*/predictions/bars-4.nii.gz"):
        found = np.unique(np.asarray(nib.load(path).dataobj))
        assert set(found) == {0, 4, 7, 9}
    assert store is not None
    assert plan.spec.data.source.label_map is not None


def test_vbench_score_agrees_with_the_run(done: Path, tmp_path: Path) -> None:
    """The same numbers from the files alone, class by class."""
    source = registry.for_paths((NAMED,)).source("bars")
    made = source(source.Params(only="artery", unlabelled=True))
    made.label_map = made.known_labels()
    truth, pred = tmp_path / "truth", tmp_path / "pred"
    for folder in (truth, pred):
        folder.mkdir()
    arms = {row["arm"] for row in cases(done)}
    assert arms == {"real", "synthetic/again"}
    board = build_leaderboard(done / "named")
    assert board["rows"][0]["classes"]
    for subject in ("bars-0", "bars-4"):
        loaded = made.load(subject)
        nib.save(nib.Nifti1Image(loaded.values, loaded.affine), truth / f"{subject}.nii.gz")
    results = [p.parents[1] for p in (done / "store").glob("*/predictions/bars-0.nii.gz")]
    for folder in results:
        for subject in ("bars-0", "bars-4"):
            found = nib.load(folder / "predictions" / f"{subject}.nii.gz")
            nib.save(found, pred / f"{subject}.nii.gz")
        evaluated = Store(done / "store").result(folder.name, EvaluateResult)
        names = dict(zip((4, 7, 9), CLASSES, strict=True))
        own = {(c.subject, c.label, c.metric): c.value for c in evaluated.cases}
        scored = score_files(pred, truth, ["dsc", "hd95"], classes=True, ignore=255)
        by = {(c.subject, names[c.label], c.metric): c.value for c in scored.cases}
        alone = {key: value for key, value in own.items() if key[1] is not None}
        assert alone == {key: pytest.approx(by[key]) for key in alone}
        assert len(alone) >= 8
        # By name, the rows of cases.csv: those classes that are there, and their mean; where a
        # reference has a class by several values, too.
        for subject in ("bars-0", "bars-4"):
            path = truth / f"{subject}.nii.gz"
            values = np.array(nib.load(path).dataobj)
            values[::2][values[::2] == 4] = 3
            values[0, 0, :1] = 254
            nib.save(nib.Nifti1Image(values, nib.load(path).affine), tmp_path / path.name)
            (tmp_path / path.name).replace(path)
        groups = {"artery": [4, 3], "vein": 7, "aneurysm": 9}
        named = score_files(pred, truth, ["dsc", "hd95"], classes=groups, ignore=[254, 255])
        assert {(c.subject, c.label, c.metric): c.value for c in named.cases} == {
            key: pytest.approx(value) for key, value in own.items()
        }
        assert named.labels == [None, *CLASSES]
        for subject in ("bars-0", "bars-4"):
            loaded = made.load(subject)
            nib.save(nib.Nifti1Image(loaded.values, loaded.affine), truth / f"{subject}.nii.gz")


def test_the_table_by_class_is_in_every_form(done: Path) -> None:
    board = build_leaderboard(done / "named")
    assert board["rows"][0]["metrics"]["dsc"]["n"] == 2
    classes = board["rows"][0]["classes"]
    assert list(classes) == list(CLASSES)
    assert classes["artery"]["dsc"]["n"] == 2
    for text in (table.markdown(board, classes=True), table.latex(board, classes=True)):
        for name in CLASSES:
            assert name in text
        assert "DSC" in text
    assert "by class" not in table.markdown(board)
    lines = table.classes_csv(board).splitlines()
    assert len(lines) >= 1 + 2 * 2 * 2
    assert lines[0].startswith("arm,cohort,class,metric,mean")


def test_validation_takes_the_most_probable_class(done: Path) -> None:
    found = [
        Store(done / "store").result(path.parent.name, FitSegmenterResult)
        for path in (done / "store").glob("*/weights.safetensors")
    ]
    assert found
    for result in found:
        assert result.threshold is None
        assert result.score > 0.7


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"segmenter": {"plugin": "threshold"}},
            "segmenter.plugin: segmenter 'threshold' takes 1 class, and data.source.labels names "
            "3; several are taken by",
        ),
        (
            {"data__source__labels": {"vessel": 1}, "segmenter": {"plugin": "threshold"}},
            "segmenter.plugin: segmenter 'threshold' takes 1 channel, and data.source.channels "
            "names 2; several are taken by",
        ),
        (
            {"audit": {"canaries": 8}},
            "audit.canaries: made-up patients have one class and one channel, and several classes "
            "are named; take canaries out",
        ),
        (
            {"generators": [{"plugin": "dp-wgan"}]},
            "generators.0.plugin: generator 'dp-wgan' takes 1 class",
        ),
        (
            {"data__source__plugin": "tubes-of-one"},
            "data.source.plugin: no source is called 'tubes-of-one'",
        ),
    ],
)
def test_what_a_plugin_does_not_take_is_refused_in_one_line(changes: Any, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        make_plan(spec(**changes), registry.for_paths((NAMED,)))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(fault)
    if "several are" in fault:
        assert "nearest" in line
        assert "unet3d" in line


def test_a_data_set_names_its_classes_itself() -> None:
    plugins = registry.for_paths((NAMED,))
    asked = make_plan(spec(data__source__labels="dataset"), plugins)
    written = make_plan(spec(), plugins)
    assert set(asked.jobs) == set(written.jobs)


def test_the_order_of_the_classes_is_part_of_the_keys() -> None:
    plugins = registry.for_paths((NAMED,))
    other = spec(data__source__labels={"vein": 7, "artery": 4, "aneurysm": 9})
    assert not set(make_plan(other, plugins).jobs) & set(make_plan(spec(), plugins).jobs)


def test_the_target_names_the_same_classes_in_any_order() -> None:
    plugins = registry.for_paths((NAMED,))
    target = {
        "plugin": "bars",
        "split": {"train": 2, "val": 1, "test": 1},
        "labels": {"vein": 7, "aneurysm": 9, "artery": 4},
        "channels": ["TOF", "T1"],
    }
    regimes = {"real": True, "scratch": {"subjects": [1]}}
    plan = make_plan(spec(data__target=target, regimes=regimes), plugins)
    assert plan.spec.data.target is not None
    assert plan.spec.data.target.label_map == plan.spec.data.source.label_map
    for labels in ({"artery": 4, "vein": 7}, {"vessel": 1}):
        with pytest.raises(SpecError, match=r"data\.target\.labels: names the classes"):
            make_plan(spec(data__target={**target, "labels": labels}, regimes=regimes), plugins)
    with pytest.raises(SpecError, match=r"data\.target\.channels"):
        make_plan(
            spec(data__target={**target, "channels": ["T1", "TOF"]}, regimes=regimes), plugins
        )


def test_the_report_shows_classes_by_name_and_colour(done: Path) -> None:
    page = (done / "named" / "report.html").read_text()
    assert "DSC ↑ by class, source data: 2 test subjects" in page
    for name in CLASSES:
        assert f"</span>{name}" in page
    viewer = (done / "named" / "viewer.html").read_text()
    for name, colour in class_legend(CLASSES).items():
        assert f'style="background:{css(colour)}"></span>{name}</li>' in viewer
    found = re.search(r'id="scenes">(.*?)</script>', viewer, re.DOTALL)
    assert found is not None
    for volume in json.loads(found[1])[0]["volumes"][1:]:  # by the index of the class
        read = nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(volume["data"])))
        assert set(np.unique(np.asarray(read.dataobj))) <= {0, 1, 2, 3}
        assert volume["kind"] == "prediction" or 1 in np.asarray(read.dataobj)


def test_a_class_that_no_training_subject_has_is_said(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all(row.get("unseen") is None for row in build_leaderboard(done / "named")["rows"])
    results = read_results(done / "named")
    for key, record in results.records.items():
        if record.stage == "prepare":
            shares = {"artery": 0.1, "vein": 0.0, "aneurysm": 0.0}
            result = record.result_as(PrepareResult).model_copy(update={"classes": shares})
            monkeypatch.setitem(results.records, key, record.model_copy(update={"result": result}))
    board = leaderboard(results)
    assert [row["unseen"] for row in board["rows"]] == [["vein", "aneurysm"]] * 2
    said = "no training subject has a voxel of vein, aneurysm, which cannot be learnt from them"
    assert said in table.markdown(board)
    assert any(said[1:] in line for line in summary(board))


def loaded(subject: str) -> Any:
    source = registry.for_paths((NAMED,)).source("bars")
    made = source(source.Params(only="artery", unlabelled=True))
    made.label_map, made.channel_names = made.known_labels(), ("TOF", "T1")
    return made.load(subject)


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0)])
def test_new_scans_are_predicted_as_the_test_subjects(
    done: Path, tmp_path: Path, numbers: tuple[int, int]
) -> None:
    read = loaded("bars-4")
    for number, channel in zip(numbers, read.image, strict=True):
        path = tmp_path / "imagesTs" / f"bars-4_{number:04d}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nib.save(nib.Nifti1Image(channel, read.affine), path)
    (tmp_path / "masksTs").mkdir()
    whole = nib.Nifti1Image(np.ones(read.label.shape, np.uint8), read.affine)
    nib.save(whole, tmp_path / "masksTs" / "bars-4.nii.gz")
    (tmp_path / "labels").mkdir()
    nib.save(nib.Nifti1Image(read.values, read.affine), tmp_path / "labels" / "bars-4.nii.gz")
    known = {str(n): name for n, name in zip(numbers, ("TOF", "T1"), strict=True)}
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": known}))
    made = vbench.predict(
        "real",
        tmp_path / "imagesTs",
        tmp_path / "out",
        benchmark="named",
        out=done,
        probabilities=True,
        score=tmp_path / "labels",
    )
    found = np.asarray(nib.load(made.files[0]).dataobj)
    assert set(np.unique(found)) == {0, 4, 7, 9}
    (key,) = {r["key"] for r in records(done) if r["stage"] == "evaluate" and r["arm"] == "real"}
    own = nib.load(done / "store" / key / "predictions" / "bars-4.nii.gz")
    np.testing.assert_array_equal(found, np.asarray(own.dataobj))
    assert made.about.made.threshold is None
    maps = [tmp_path / "out" / "probability" / f"bars-4_{value}.nii.gz" for value in (0, 4, 7, 9)]
    total = sum(np.asarray(nib.load(path).dataobj) for path in maps)
    np.testing.assert_allclose(total, 1, atol=1e-3)
    assert made.scores is not None
    assert {case.label for case in made.scores.cases} == {None, *CLASSES}


def test_a_scan_without_its_second_channel_is_refused(done: Path, tmp_path: Path) -> None:
    read = loaded("bars-4")
    nib.save(nib.Nifti1Image(read.image[0], read.affine), tmp_path / "x_0000.nii.gz")
    with pytest.raises(DataError, match=r"no x_0001\.nii\.gz beside it, the channel T1"):
        vbench.predict("real", tmp_path, tmp_path / "out", benchmark="named", out=done)
    (tmp_path / "x_0000.nii.gz").rename(tmp_path / "x.nii.gz")
    with pytest.raises(DataError, match="trained on the channels TOF, T1"):
        vbench.predict("real", tmp_path / "x.nii.gz", tmp_path / "out", benchmark="named", out=done)


def test_samples_have_all_channels_and_classes(done: Path, tmp_path: Path) -> None:
    drawn = vbench.sample("synthetic/again", 6, benchmark="named", out=done)
    assert drawn.shape == (6, 3, 4, 4, 4)
    vbench.write_samples(
        "synthetic/again", 3, tmp_path / "s", benchmark="named", out=done, nifti=True
    )
    about = json.loads((tmp_path / "s" / "dataset.json").read_text())
    assert about["labels"] == {"background": 0, "artery": 1, "vein": 2, "aneurysm": 3}
    assert about["channel_names"] == {"0": "TOF", "1": "T1"}
    assert len(list((tmp_path / "s" / "imagesTr").iterdir())) == 6


def test_generators_of_several_classes_are_attacked(done: Path) -> None:
    (row,) = (row for row in build_leaderboard(done / "named")["rows"] if row["generator"])
    assert row["privacy"]["label-inference-segmenter"]["value"] is not None
    assert "are too few" in row["privacy"]["shadow-mia"]["fault"]  # and nothing else is wrong


def test_an_export_has_the_values_of_the_files_and_is_read_back_as_it_is(
    done: Path, tmp_path: Path
) -> None:
    folder = vbench.export(
        "synthetic/again", tmp_path / "e", benchmark="named", out=done, nifti=True,
        accept_risk="a test",
    )  # fmt: skip
    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    assert images.shape == (len(labels), 2, 4, 4, 4)
    assert set(np.unique(labels)) == {0, 4, 7, 9}
    sheet = json.loads((folder / "dataset.json").read_text())
    assert sheet["labels"] == {"background": 0, "artery": 4, "vein": 7, "aneurysm": 9}
    assert sheet["channel_names"] == {"0": "TOF", "1": "T1"}
    assert sheet["class_fractions"]["vein"] == pytest.approx((labels == 7).mean())
    assert sheet["vessel_fraction"] == pytest.approx((labels > 0).mean())
    case = nib.load(folder / "nnunet" / "labelsTr" / "synthetic_000003.nii.gz")
    np.testing.assert_array_equal(np.asarray(case.dataobj), labels[3])
    about = json.loads((folder / "nnunet" / "dataset.json").read_text())
    assert (about["labels"], about["channel_names"]) == (sheet["labels"], sheet["channel_names"])
    described = json.loads((folder / "croissant.json").read_text())
    patch, named = described["recordSet"]
    assert [field["arrayShape"] for field in patch["field"]] == ["2,4,4,4", "4,4,4"]
    assert {"class/value": 7, "class/name": "vein"} in named["data"]
    for page in ("DATASHEET.md", "DATASHEET.html", "README.md"):
        assert "vein" in (folder / page).read_text()
    setup = vbench.Setup((4, 4, 4), labels=CLASSES, channels=("TOF", "T1"))
    index = np.searchsorted([0, 4, 7, 9], labels)
    for place, named in ((folder, None), (folder / "nnunet", ["TOF", "T1"])):
        method = Folder(Folder.Params(path=place, channels=named, intensities="as-is"), setup)
        Folder.check(method.params, setup)
        list(method.fit(ToyPatches(setup.size, classes=3, channels=2), seed=0))
        kept = method.weights()
        np.testing.assert_allclose(kept["images"], images, atol=1e-3)
        np.testing.assert_array_equal(kept["labels"], index)
    assert vbench.audit_export(folder, out=done)["privacy"]["nn-ratio"]["value"] is not None
    np.save(folder / "labels.npy", np.where(labels == 7, 8, labels))
    with pytest.raises(StoreError, match="has the value 8"):
        vbench.audit_export(folder, out=done)


def test_a_model_leaves_with_its_classes_and_channels(done: Path, tmp_path: Path) -> None:
    """Run by MONAI from its own files, the bundle writes what `vbench predict` does."""
    made = vbench.export_model("real", tmp_path / "m", benchmark="named", out=done)
    assert made.difference < 1e-5
    about = json.loads((tmp_path / "m" / "configs" / "metadata.json").read_text())
    assert about["pred_classes"] == "0: background, 4: artery, 7: vein, 9: aneurysm"
    ends = about["network_data_format"]
    assert ends["inputs"]["image"]["channel_def"] == {"0": "TOF", "1": "T1"}
    assert ends["outputs"]["pred"]["channel_def"]["2"] == "logit of vein"
    assert ends["outputs"]["pred"]["num_channels"] == 4
    card = (tmp_path / "m" / "README.md").read_text()
    assert "softmax" in card
    assert "`NAME_0001.nii.gz` is T1" in card
    read = loaded("bars-4")
    scans = tmp_path / "m" / "images"
    scans.mkdir()
    for number, channel in enumerate(read.image):
        nib.save(nib.Nifti1Image(channel, read.affine), scans / f"bars-4_{number:04d}.nii.gz")
    run_bundle(tmp_path / "m")
    found = nib.load(tmp_path / "m" / "masks" / "bars-4_0000.nii.gz")
    predicted = vbench.predict("real", scans, tmp_path / "p", benchmark="named", out=done).files[0]
    np.testing.assert_array_equal(
        np.asarray(found.dataobj), np.asarray(nib.load(predicted).dataobj)
    )
    assert set(np.unique(np.asarray(found.dataobj))) == {0, 4, 7, 9}


def run_bundle(folder: Path) -> None:
    """Run a bundle as ``python -m monai.bundle run`` does."""
    import os
    import sys

    from monai.bundle import run

    before, known = Path.cwd(), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        run(config_file="configs/inference.json", device="cpu")
    finally:
        os.chdir(before)
        sys.path.remove(str(folder))
        for name in set(sys.modules) - known:
            if name.partition(".")[0] == "scripts":
                del sys.modules[name]


def records(out: Path) -> list[dict[str, Any]]:
    lines = (out / "named" / "records.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
