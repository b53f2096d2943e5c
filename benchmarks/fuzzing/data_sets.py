"""Data sets with classes and channels, with tables of subgroups, of pictures, and predictions."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import datasets
import nibabel as nib
import numpy as np
from command_line import Answer, vbench
from fuzzing.commands import Trees
from fuzzing.mutations import spoil_bytes, spoil_lines, spoil_tree, spoil_value
from fuzzing.target import Target, WrongError, one_line, strict_json
from PIL import Image

from vbench import registry
from vbench.data.columns import subgroups
from vbench.data.layouts import layouts
from vbench.data.prepare import prepare_subject
from vbench.errors import VbenchError
from vbench.spec.check import build_params
from vbench.spec.labels import open_source, with_classes
from vbench.spec.load import parse_spec

SHAPE = (8, 8, 6)


def label_map(seed: int) -> np.ndarray[Any, Any]:
    """Return a map with the values 0 to 3, and some voxels of 255."""
    values = np.random.default_rng(seed).choice([0, 0, 0, 0, 1, 2, 3], SHAPE).astype(np.uint8)
    values[0, 0, :2] = 255
    return values


class Classes(Target):
    """Tables of labels and channels, those of a spec and those of dataset.json with its regions."""

    lines = 40

    def prepare(self, folder: Path) -> None:
        for i in range(2):
            for channel in range(2):
                image = np.random.default_rng(9 * i + channel).normal(100, 9, SHAPE)
                datasets.save(folder / "d" / "imagesTr" / f"c{i}_000{channel}.nii", image)
            datasets.save(folder / "d" / "labelsTr" / f"c{i}.nii", label_map(i))
        about = {
            "channel_names": {"0": "TOF", "1": "T1"},
            "labels": {
                "background": 0,
                "whole": [1, 2, 3],
                "core": [2, 3],
                "tip": 3,
                "ignore": 255,
            },
            "regions_class_order": [1, 2, 3],
            "numTraining": 2,
            "file_ending": ".nii",
        }
        (folder / "d" / "dataset.json").write_text(json.dumps(about))
        table: dict[str, Any] = {
            "labels": {"artery": [1, 2], "vein": 3, "ignore": 255, "background": [9]},
            "channels": ["TOF", "T1"],
        }
        (folder / "spec.json").write_text(json.dumps(table))

    def spoil(self, folder: Path, rng: random.Random) -> None:
        own, about = folder / "spec.json", folder / "d" / "dataset.json"
        if rng.random() < 0.6:
            table = json.loads(own.read_bytes())
            table["labels"] = "dataset"
            own.write_text(json.dumps(table))
            if rng.random() < 0.15:
                about.write_bytes(rng.choice((spoil_bytes, spoil_lines))(about.read_bytes(), rng))
                return
            own = about
        own.write_text(json.dumps(spoil_value(json.loads(own.read_bytes()), rng)), "utf-8")

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        table = json.loads((folder / "spec.json").read_bytes())
        if not isinstance(table, dict):
            return None
        source = {"plugin": "nnunet", "path": str(folder / "d"), **table}
        if rng.random() < 0.1:
            return vbench("data", "check", folder / "d")
        try:
            spec = parse_spec(
                {
                    "benchmark": {"name": "x"},
                    "data": {"source": source},
                    "segmenter": {"plugin": "unet3d"},
                    "regimes": {"real": True},
                }
            )
            data = with_classes(spec, registry.default()).data.source
            cls = registry.default().source(data.plugin)
            opened = open_source(cls, build_params(cls.Params, data.params, "data.source"), data)
            found = data.label_map
            for name in opened.subjects():
                subject = opened.load(name)
                prepare_subject(
                    subject,
                    folder / "prepared",
                    labels=found,
                    channels=tuple(data.channels),
                )
                if found is not None:
                    raw = np.asarray(nib.load(opened.files(name).label).dataobj)
                    made = np.load(folder / "prepared" / "label.npy")
                    for index, values in enumerate(found.values, start=1):
                        if not np.array_equal(made == index, np.isin(raw, values)):
                            raise WrongError(f"class {index} is not where {values} are")
        except VbenchError as error:
            one_line(error, self.lines)
        return None

    writes = ("prepared",)


class Columns(Target):
    """``participants.tsv``, the columns of a manifest, and those that a spec names."""

    def prepare(self, folder: Path) -> None:
        rows = ["participant_id\tscanner\tsex\tage"]
        names = []
        for i in range(6):
            rows.append(f"sub-{i}\t{'AB'[i % 2]}\t{('f', 'm', 'n/a')[i % 3]}\t{30 + i}")
            names.append(f"sub-{i},{i}.nii,{i}-label.nii,{'AB'[i % 2]},f,30")
        for layout in ("tsv", "csv"):
            for i in range(6):
                image, label = folder / layout / f"{i}.nii", folder / layout / f"{i}-label.nii"
                if layout == "tsv":
                    image = folder / layout / "imagesTr" / f"sub-{i}_0000.nii"
                    label = folder / layout / "labelsTr" / f"sub-{i}.nii"
                image.parent.mkdir(parents=True, exist_ok=True)
                label.parent.mkdir(parents=True, exist_ok=True)
                image.write_bytes(b"not read")
                label.write_bytes(b"not read")
        (folder / "tsv" / "participants.tsv").write_text("\n".join(rows) + "\n")
        head = "subject,image,label,scanner,sex,age\n"
        (folder / "csv" / "manifest.csv").write_text(head + "\n".join(names) + "\n")

    def spoil(self, folder: Path, rng: random.Random) -> None:
        for path in (folder / "tsv" / "participants.tsv", folder / "csv" / "manifest.csv"):
            raw = path.read_bytes()
            if rng.random() < 0.1:
                raw = raw.decode().encode(rng.choice(("utf-16", "utf-16-le", "utf-8-sig")))
            path.write_bytes(rng.choice((spoil_bytes, spoil_lines, spoil_lines))(raw, rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        for layout, place in (("nnunet", folder / "tsv"), ("manifest", folder / "csv")):
            cls = layouts()[layout]
            if layout == "manifest" and rng.random() < 0.2:
                return vbench("data", "check", place / "manifest.csv", "--layout", "manifest")
            try:
                source = cls(cls.Params.model_validate({"path": place}))
                names = source.subjects()
                wanted = rng.choice((["scanner", "sex"], ["Scanner"], ["age"], ["", "x"]))
                for column, groups in subgroups(source, wanted, names).items():
                    for name, group in groups.items():
                        if name not in names or not group.strip() or len(group.splitlines()) > 1:
                            raise WrongError(f"{name!r} is in {group!r} of {column!r}")
            except VbenchError as error:
                one_line(error)
        return None


class Pictures(Trees):
    """Folders of 2D pictures: PNG, TIFF, JPEG, GIF, BMP, PNM."""

    def __init__(self) -> None:
        super().__init__("images")

    def prepare(self, folder: Path) -> None:
        rng = np.random.default_rng(0)
        for i, ending in enumerate(("png", "tif", "bmp", "gif", "jpg", "ppm")):
            label = np.zeros((24, 20), np.uint8)
            label[4:18, 5 + i : 8 + i] = 255
            image = rng.normal(80, 9, label.shape) + label * 0.4
            for kind, array in (("images", image), ("labels", label)):
                (folder / "d" / kind).mkdir(parents=True, exist_ok=True)
                ending = "png" if (kind, ending) == ("labels", "jpg") else ending
                picture = Image.fromarray(array.astype(np.uint8))
                picture = picture.convert("RGB") if ending == "ppm" else picture
                more = {"compression": "tiff_lzw"} if ending == "tif" and i else {}
                picture.save(folder / "d" / kind / f"p{i}.{ending}", **more)

    def spoil(self, folder: Path, rng: random.Random) -> None:
        if rng.random() < 0.25:
            spoil_tree(folder / "d", rng)
            return
        for path in rng.sample(sorted((folder / "d").rglob("*.*")), 3):
            raw = path.read_bytes()
            # Mostly the header: what it claims decides what is read.
            cut = rng.choice((30, 100, 200, len(raw)))
            path.write_bytes(spoil_bytes(raw[:cut], rng) + raw[cut:])


class Predictions(Target):
    """Predicted label maps of several classes, their truths, names, and the classes' names."""

    codes = (0, 1, 2)
    lines = 3
    writes = ("out",)

    def prepare(self, folder: Path) -> None:
        for i in range(3):
            datasets.save(folder / "labelsTr" / f"c{i}.nii", label_map(i))
            made = label_map(i)
            made[made == 255] = 0
            made[:2] = 1
            datasets.save(folder / "pred" / f"c{i}.nii", made)
        labels = {"background": 0, "artery": 1, "vein": 2, "tip": 3, "ignore": 255}
        (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
        (folder / "out").mkdir()

    def spoil(self, folder: Path, rng: random.Random) -> None:
        kind = rng.random()
        if kind < 0.3:
            spoil_tree(folder / rng.choice(("labelsTr", "pred")), rng)
        elif kind < 0.5:
            about = json.loads((folder / "dataset.json").read_bytes())
            text = json.dumps(spoil_value(about, rng))
            (folder / "dataset.json").write_bytes(
                text.encode("utf-8") if rng.random() < 0.6 else spoil_bytes(text.encode(), rng)
            )
        else:
            path = rng.choice(sorted(folder.rglob("*.nii")))
            raw = path.read_bytes()
            cut = 352 if rng.random() < 0.3 else len(raw)
            path.write_bytes(spoil_bytes(raw[:cut], rng) + raw[cut:])

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        classes = [["--class", "artery=1", "--class", "vein=2,3"], ["--classes"], []]
        how = rng.choice(classes)
        if rng.random() < 0.15:
            word = spoil_bytes(b"artery=1,2", rng).decode("utf-8", "replace").replace("\0", "")
            how = ["--class", word]
        answer = vbench(
            "score", "--pred", folder / "pred", "--truth", folder / "labelsTr", "--metric", "dsc",
            "--json", "--csv", folder / "out" / "s.csv", *how,
        )  # fmt: skip
        if answer.code == 0:
            for case in strict_json(answer.out)["cases"]:
                self._check(folder, case, how)
        return answer

    def _check(self, folder: Path, case: dict[str, Any], how: list[str]) -> None:
        """Compute a DSC by hand, where no name was changed."""
        value, name = case["value"], f"{case['subject']}.nii"
        if value is not None and not 0 <= value <= 1:
            raise WrongError(f"DSC {value}")
        pair = [folder / "pred" / name, folder / "labelsTr" / name]
        if value is None or how != [] or not all(path.is_file() for path in pair):
            return
        ours, truth = (np.asarray(nib.load(path).dataobj) for path in pair)
        said = json.loads((folder / "dataset.json").read_bytes())
        if not isinstance(said, dict) or said.get("labels", {}) != {
            "background": 0, "artery": 1, "vein": 2, "tip": 3, "ignore": 255
        }:  # fmt: skip
            return
        counted = truth != 255
        both = ((ours > 0) & (truth > 0) & counted).sum()
        size = ((ours > 0) & counted).sum() + ((truth > 0) & counted).sum()
        if size and abs(value - 2 * both / size) > 1e-6:
            raise WrongError(f"DSC {value}, by hand {2 * both / size}")
