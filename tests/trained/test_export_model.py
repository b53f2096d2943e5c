"""A segmenter leaves as a MONAI bundle and as ONNX, and gives the same there."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from command_line import vbench as command
from datasets import save, scene
from toy_benchmark import TOYS, toy_spec

import vbench
from vbench import api, registry
from vbench.engine.weights import save_weights
from vbench.files import read_json, write_json
from vbench.testing.toys import names
from vbench.trained.arm import open_arm
from vbench.types import Portable, Setup

TURN = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [-0.2, 1, 0.15], [0.1, -0.15, 1]]))[0]
OBLIQUE = np.eye(4)
OBLIQUE[:3] = np.column_stack([TURN * [0.5, 0.6, 0.8], [20, -7, 3]])
FLIPPED = np.diag([-0.5, 0.6, -0.8, 1.0])

#: Runs a bundle where vbench cannot be imported.
ALONE = """
import sys
sys.modules["vbench"] = sys.modules["vbench_plugins"] = None
from monai.bundle import run
run(config_file="configs/inference.json", dataset_dir=sys.argv[1], mask_dir=sys.argv[2] or None)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for i, affine in enumerate((OBLIQUE, FLIPPED, OBLIQUE)):
        image, vessel, mask = scene(i)
        image[mask] += np.random.default_rng(i).normal(0, 40, mask.sum())
        save(folder / f"imagesTr/case{i}_0000.nii.gz", image, affine)
        save(folder / f"labelsTr/case{i}.nii.gz", vessel, affine)
        save(folder / f"masksTr/case{i}.nii.gz", mask, affine)
    return folder


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    folder = tmp_path_factory.mktemp("results")
    spec = toy_spec(
        data__source={
            "plugin": "nnunet",
            "path": str(data),
            "split": {"train": ["case0"], "val": ["case1"], "test": ["case2"]},
        },
        data__target={"plugin": "blobs", "split": {"train": 2, "val": 1, "test": 1}},
        segmenter={"plugin": "unet3d", "params": {"steps": 3, "width": 4}},
        patches__size=[8, 8, 8],
        regimes={"real": True, "baseline": True},
        plugins__paths=[TOYS],
    )
    api.run(spec, folder, tracking=False)
    return folder


@pytest.fixture(scope="module")
def bundle(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bundle"
    vbench.export_model("real", folder, benchmark="toys", out=out, licence="CC-BY-4.0")
    return folder


@pytest.mark.parametrize("masked", [True, False])
def test_a_bundle_predicts_as_vbench_does_and_without_it(
    data: Path, out: Path, bundle: Path, tmp_path: Path, masked: bool
) -> None:
    images, masks = data / "imagesTr", data / "masksTr" if masked else ""
    if not masked:  # beside no masks
        images = tmp_path / "scans"
        for path in (data / "imagesTr").iterdir():
            (images / path.name).parent.mkdir(exist_ok=True)
            (images / path.name).write_bytes(path.read_bytes())
    place = ["--output_dir", str(tmp_path / "masks")]
    code = ALONE.replace("dataset_dir=", f"output_dir={place[1]!r}, dataset_dir=")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(images), str(masks)],
        cwd=bundle, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    made = vbench.predict("real", images, tmp_path / "x", benchmark="toys", out=out)
    for path in made.files:
        ours, theirs = nib.load(path), nib.load(tmp_path / f"masks/{path.name[:5]}_0000.nii.gz")
        np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-6)
        assert np.asarray(ours.dataobj).any()


def test_a_bundles_metadata_is_what_monai_asks_for(bundle: Path, tmp_path: Path) -> None:
    about = json.loads((bundle / "configs/metadata.json").read_text())
    # The keys that MONAI's schema of 2024-07-25 requires; with a file there, nothing is downloaded.
    needed = ["schema", "version", "monai_version", "pytorch_version", "numpy_version",
              "required_packages_version", "task", "description", "authors", "copyright",
              "network_data_format"]  # fmt: skip
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": needed}))
    from monai.bundle import verify_metadata, verify_net_in_out

    verify_metadata(meta_file=str(bundle / "configs/metadata.json"), filepath=str(schema))
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(bundle / "configs/metadata.json"),
        config_file=str(bundle / "configs/inference.json"),
        device="cpu",
    )
    assert about["authors"] == "not stated"
    assert about["copyright"] == "CC-BY-4.0"


def test_nothing_in_a_bundle_is_pickled_or_names_a_subject(bundle: Path, data: Path) -> None:
    files = [path for path in bundle.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= {"", ".md", ".json", ".py", ".safetensors", ".onnx"}
    for path in files:
        content = path.read_bytes()
        assert b"case0" not in content
        assert str(data).encode() not in content
        if path.suffix == ".py":
            assert b"import vbench" not in content
    lines = (bundle / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert sums == {
        path.relative_to(bundle).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "SHA256SUMS"
    }


def test_the_card_has_the_fields_of_the_hub_and_the_scores(bundle: Path) -> None:
    yaml = pytest.importorskip("yaml")
    _, front, text = (bundle / "README.md").read_text().split("---\n", 2)
    fields = yaml.safe_load(front)
    assert fields["license"] == "cc-by-4.0"
    assert fields["library_name"] == "monai"
    (result,) = fields["model-index"][0]["results"]
    assert result["metrics"][0]["type"] == "dsc"
    assert 0 <= result["metrics"][0]["value"] <= 1
    for said in (
        "Tested on 1 patient",
        "Of this model: not stated.",
        "# toys real",
        "Trained on real patches of 1 patient of the source. "
        "Trial and threshold were chosen on 1 patient",
    ):
        assert said in text
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard((bundle / "README.md").read_text())
    assert card.data.eval_results[0].metric_type == "dsc"


@pytest.mark.parametrize(
    ("name", "params", "size"),
    [
        ("unet3d", {"width": 4, "depth": 3}, (8, 12, 4)),
        ("unet3d", {"width": 4, "norm": "group", "dropout": 0.1}, (8, 6)),
        ("unet3d", {"width": 4, "norm": "none", "upsampling": "nearest"}, (6, 6, 6)),
        ("unet3d", {"width": 4, "norm": "instance", "depth": 1}, (5, 5, 5)),
        ("monai:SegResNet", {"network": {"init_filters": 8}}, (8, 8, 8)),
        ("monai:DynUNet", {"network": {"filters": [4, 4, 4]}}, (8, 8)),
    ],
)
@pytest.mark.parametrize(("classes", "channels"), [(1, 1), (3, 2)])
def test_networks_are_the_same_in_monais_terms(
    name: str, params: dict[str, Any], size: tuple[int, ...], classes: int, channels: int
) -> None:
    import torch
    from monai.bundle import ConfigParser

    cls = registry.default().segmenter(name)
    labels, seen = names(classes, channels)
    segmenter = cls(cls.Params.model_validate(params), Setup(size, labels=labels, channels=seen))
    network = segmenter.model()  # type: ignore[attr-defined]
    with torch.no_grad():
        for buffer in network.buffers():
            if buffer.dtype.is_floating_point:
                buffer.uniform_(0.5, 1.5)
    found = segmenter.portable()
    assert isinstance(found, Portable)
    parser = ConfigParser()
    parser.update(json.loads(json.dumps(found.network)))
    other = parser.get_parsed_content("network_def").eval()
    other.load_state_dict(found.weights)
    images = torch.randn(2, channels, *size)
    with torch.no_grad():
        torch.testing.assert_close(other(images), network(images), atol=1e-5, rtol=1e-5)


def test_onnx_gives_the_same_probabilities(out: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    from vbench.trained.onnx_model import run_onnx

    said = command("export-model", "real", tmp_path / "x", "--out", out, "--format", "onnx")
    assert said.code == 0, said.err
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [
        "README.md", "SHA256SUMS", "model.json", "model.onnx"
    ]  # fmt: skip
    (segmenter,) = open_arm("real", benchmark="toys", out=out).segmenters("cpu")
    windows = np.random.default_rng(1).uniform(-1, 1, (5, 1, 8, 8, 8)).astype(np.float32)
    found = run_onnx(tmp_path / "x/model.onnx", windows)
    for window, probability in zip(windows[:, 0], found[:, 0], strict=True):
        expected = segmenter.predict(window, np.ones(window.shape, bool))
        np.testing.assert_allclose(probability, expected, atol=1e-4)


def test_without_the_extra_onnx_is_one_line(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.trained.onnx_model.LIBRARIES", ("no_such_library",))
    said = command("export-model", "real", tmp_path / "x", "--out", out, "--format", "onnx")
    assert said.code == 2
    assert "ONNX needs no_such_library; run `pip install 'vbench[onnx]'`" in said.err
    assert not any(tmp_path.iterdir())


def test_bad_input_is_one_line_and_nothing_is_written(out: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("keep")
    before = sorted(tmp_path.rglob("*"))
    new = tmp_path / "new" / "x"
    for arguments, message in [
        (["rael", new], "did you mean 'real'?"),
        (["real", full], "exists and is not empty"),
        (["real", new, "--seed", 4], "seed 4 has not finished"),
        (["real", new, "--licence", " "], "--licence: is empty"),
        (["real", new, "--cite", "after case0 of us"], "the name of a patient"),
        (["baseline/threshold", new], "'threshold' has no network that can leave"),
    ]:
        said = command("export-model", *arguments, "--out", out)
        assert (said.code, message in said.err) == (2, True), said.err
        assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture(scope="module")
def regimes(out: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An arm of each regime, and of given weights as a bundle and as a file."""
    folder = tmp_path_factory.mktemp("regimes")
    (segmenter,) = open_arm("real", benchmark="toys", out=out).segmenters("cpu")
    save_weights(folder / "ours/models/model.safetensors", segmenter.weights())
    write_json(folder / "ours/configs/metadata.json", read_json(bundle / "configs/metadata.json"))
    weights = {"ours": str(folder / "ours"), "file": str(folder / "ours/models/model.safetensors")}
    spec = toy_spec(
        data__source__split={"train": 3, "val": 1, "test": 2},
        segmenter={"plugin": "unet3d", "params": {"steps": 3, "width": 4}},
        patches__size=[8, 8, 8],
        regimes={
            "real": True,
            "synthetic": True,
            "mixed": True,
            "scratch": {"subjects": [1]},
            "transfer": {"subjects": [2], "pretrain": ["synthetic", "real"]},
            "pretrained": {"subjects": [0, 1], "weights": weights},
        },
    )
    api.run(spec, folder, tracking=False)
    return folder


GENERATOR = "The generator toy-generator learnt from: patches of 3 patients."
CARDS = {
    "real": ["Trained on real patches of 3 patients of the source."],
    "synthetic/toy-generator": [
        "Trained on 24 synthetic patches of toy-generator.",
        GENERATOR,
    ],
    "mixed/toy-generator": [
        "Trained on real patches of 3 patients of the source and 24 synthetic patches of toy-",
        GENERATOR,
    ],
    "scratch/n1": ["Trained on real patches of 1 patient of the target. Trial and threshold"],
    "transfer/toy-generator/n2": [
        "Pre-trained on 24 synthetic patches of toy-generator. "
        "Trained on real patches of 2 patients of the target.",
        GENERATOR,
    ],
    "transfer/real/n2": [
        "Pre-trained on real patches of 3 patients of the source. "
        "Trained on real patches of 2 patients of the target.",
    ],
    "pretrained/ours/n1": [
        "Started from the given weights 'ours', SHA-256 {digest}; toys real seed 0; "
        "licence or rights: CC-BY-4.0. Trained on real patches of 1 patient of the target.",
        "| `steps` | 3 |",
    ],
    "pretrained/ours/n0": [
        "Not trained here: no subject and no patch changed these weights. "
        "The threshold was chosen on 1 patient, and it is tested on 1 patient",
        "Voxels of validation",
    ],
    "pretrained/file/n0": ["SHA-256 {digest}; origin and licence: not stated. Not trained"],
}


@pytest.mark.parametrize("arm", CARDS)
def test_a_card_says_what_taught_the_arm(
    arm: str, regimes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.trained.onnx_model.LIBRARIES", ("no_such_library",))  # quicker
    vbench.export_model(arm, tmp_path / "x", benchmark="toys", out=regimes)
    text = (tmp_path / "x/README.md").read_text()
    weights = (regimes / "ours/models/model.safetensors").read_bytes()
    for said in CARDS[arm]:
        assert said.format(digest=hashlib.sha256(weights).hexdigest()) in text, text
    assert "for train" not in text
    assert str(regimes) not in text
    assert ("Pre-trained" in text) == arm.startswith("transfer")
    assert ("`steps`" in text) != arm.endswith("n0")


def test_a_card_of_folds_counts_trainings_and_their_subjects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vbench.trained.onnx_model.LIBRARIES", ("no_such_library",))  # quicker
    spec = toy_spec(
        data={"source": {"plugin": "blobs", "split": {"folds": 3, "val": 1, "subjects": 6}}},
        segmenter={
            "plugin": "monai:SegResNet",
            "params": {"steps": 2, "network": {"init_filters": 8, "norm": "INSTANCE"}},
        },
        patches__size=[8, 8, 8],
        regimes={"real": True},
        generators=[],
    )
    api.run(spec, tmp_path / "out", tracking=False)
    vbench.export_model("real", tmp_path / "x", benchmark="toys", out=tmp_path / "out")
    text = (tmp_path / "x/README.md").read_text()
    assert "The interval is over subjects and 3 trainings of the arm." in text
    (row,) = (line for line in text.splitlines() if line.startswith("| `dsc`"))
    cells = [cell.strip() for cell in row.split("|")]
    assert (cells[3], cells[5]) == ("2", "6")
    assert '| `network` | {"init\\_filters": 8' in text
