"""Files and folders that commands are given: volumes, data sets, specs, plugins."""

from __future__ import annotations

import gzip
import json
import math
import platform
import random
import shutil
import struct
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from unittest.mock import patch

import datasets
import nibabel as nib
import numpy as np
from command_line import Answer, vbench
from fuzzing.mutations import spoil_bytes, spoil_lines, spoil_tree, spoil_value
from fuzzing.target import Target, WrongError, strict_json
from installing import Installer
from test_any_bytes import FIELDS
from toml_text import write_toml

from vbench.data.nifti import read_image
from vbench.errors import DataError
from vbench.spec import load_spec, parse_spec

ROOT = Path(__file__).resolve().parents[2]


class Volumes(Target):
    """Headers and payloads of NIfTI files; what is accepted is compared with nibabel."""

    share = 2.0

    def prepare(self, folder: Path) -> None:
        label = datasets.scene()[1]
        for name in ("a.nii", "a.nii.gz"):
            datasets.save(folder / name, label.astype(np.int16))
        affine = np.diag([2.0, 3, 4, 1])
        nib.save(nib.Nifti2Image(label.astype(np.float32), affine), folder / "b.nii")

    def spoil(self, folder: Path, rng: random.Random) -> None:
        path = folder / rng.choice(("a.nii", "a.nii.gz", "b.nii"))
        raw = path.read_bytes()
        packed = path.suffix == ".gz"
        if packed and rng.random() < 0.7:
            raw = gzip.decompress(raw)
        if path.name != "b.nii" and raw[:2] != b"\x1f\x8b" and rng.random() < 0.6:
            changed = bytearray(raw)
            for name in rng.sample(sorted(FIELDS), rng.choice((1, 1, 2, 3))):
                offset, layout = FIELDS[name]
                limits = {"<h": (-(2**15), 2**15 - 1), "<B": (0, 255), "<I": (0, 2**32 - 1)}
                odd: tuple[float, ...] = (0.0, -1.0, 1e-38, 3e38, math.nan, math.inf, 352.0)
                low, high = limits.get(layout, (0, 0))
                value = (
                    rng.choice(odd)
                    if layout == "<f"
                    else rng.choice(
                        (max(low, -1), 0, 1, 2, 3, 4, 7, 8, 16, 64, high, rng.randint(low, high))
                    )
                )
                struct.pack_into(layout, changed, offset, value)
            raw = bytes(changed)
        elif path.name == "b.nii" and rng.random() < 0.5:
            changed = bytearray(raw)
            at = rng.choice((16, 24, 32, 40, 104, 112, 168, 176))
            struct.pack_into("<q", changed, at, rng.choice((10**6, -1, 0, 1, 2**40, 2**62)))
            raw = bytes(changed)
        else:
            raw = spoil_bytes(raw, rng)
        path.write_bytes(gzip.compress(raw, 1) if packed and raw[:2] != b"\x1f\x8b" else raw)

    def feed(self, folder: Path, rng: random.Random) -> Answer | None:
        found = None
        for path in sorted(folder.glob("*.nii*")):
            try:
                image = read_image(path, integer=True)
            except DataError as error:
                if len(str(error).splitlines()) != 1:
                    raise WrongError(f"not one line: {error}") from error
                continue
            other = nib.load(path)
            expected = np.asarray(other.dataobj)
            # With no offset given, nibabel takes the header itself for voxels.
            if image.placed and float(image.header["vox_offset"]):
                expected = np.asarray(nib.as_closest_canonical(other).dataobj)
                if expected.ndim == 2:
                    expected = expected[..., None]
                expected = expected.reshape(expected.shape[:3])
                if not np.array_equal(image.array, expected.astype(image.array.dtype), True):
                    raise WrongError("the voxels differ from nibabel's")
        if rng.random() < 0.05:
            return vbench(
                "score",
                "--pred",
                folder / "a.nii",
                "--truth",
                folder / "a.nii.gz",
                "--metric",
                "dsc",
            )
        return found


class Trees(Target):
    """Data sets of one layout: the files that describe them, names, links, pipes, rubbish."""

    def __init__(self, layout: str) -> None:
        self.layout = layout

    def prepare(self, folder: Path) -> None:
        make = {"nnunet": datasets.nnunet, "bids": datasets.bids, "manifest": datasets.manifest}
        made = make[self.layout](folder / "d", 2)
        if self.layout == "manifest":
            made.write_text(made.read_text().replace(str(folder / "d") + "/", ""))

    def spoil(self, folder: Path, rng: random.Random) -> None:
        tables = sorted((folder / "d").glob("*.json")) + sorted((folder / "d").glob("*.csv"))
        if not tables or rng.random() < 0.5:
            for _ in range(rng.choice((1, 1, 2))):
                spoil_tree(folder / "d", rng)
            return
        path = tables[0]
        if path.suffix == ".json" and rng.random() < 0.7:
            about = spoil_value(json.loads(path.read_bytes()), rng)
            path.write_text(json.dumps(about), "utf-8")
        else:
            spoil = rng.choice((spoil_bytes, spoil_lines))
            path.write_bytes(spoil(path.read_bytes(), rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        place = folder / "d" / "manifest.csv" if self.layout == "manifest" else folder / "d"
        answer = vbench("data", "check", place, "--layout", self.layout)
        if answer.code == 0 and rng.random() < 0.3:
            shown = vbench("data", "show", place, "--layout", self.layout, "--json")
            if shown.code:
                raise WrongError(f"sound, but not shown: {shown.err}")
            rows = strict_json(shown.out)["subjects"]
            if f" {len(rows)} subjects, sound" not in answer.out:
                raise WrongError(f"{len(rows)} subjects shown, but: {answer.out[-200:]}")
            if len({row["id"] for row in rows}) < len(rows):
                raise WrongError("a subject twice")
        return answer


class Specs(Target):
    """Specs, their text and their values, and what is set on the command line."""

    lines = 40

    def prepare(self, folder: Path) -> None:
        for path in ("smoke.toml", "paper.toml", "privacy.toml"):
            shutil.copy(ROOT / "benchmarks" / path, folder)
        shutil.copy(folder / "smoke.toml", folder / "s.toml")
        platform.processor()  # which Python asks of the program `uname`, once a process

    def spoil(self, folder: Path, rng: random.Random) -> None:
        path = folder / rng.choice(("smoke.toml", "smoke.toml", "paper.toml", "privacy.toml"))
        kind = rng.random()
        if kind < 0.6:
            table = spoil_value(tomllib.loads(path.read_text("utf-8")), rng)
            if isinstance(table, dict):
                try:
                    write_toml(folder / "s.toml", table)
                except UnicodeEncodeError:
                    (folder / "s.toml").write_bytes(path.read_bytes())
        else:
            spoil = rng.choice((spoil_bytes, spoil_lines))
            (folder / "s.toml").write_bytes(spoil(path.read_bytes(), rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        path = folder / "s.toml"
        more: list[object] = []
        if rng.random() < 0.2:
            word = spoil_bytes(b"tune.trials=2", rng).decode("utf-8", "replace")
            more = ["--set", word.replace("\0", "")]
        answer = vbench("plan", path, "--json", "--out", folder / "out", *more)
        if (folder / "out").exists():
            raise WrongError("`vbench plan` wrote something")
        if answer.code == 0:
            jobs = strict_json(answer.out)
            if not jobs:
                raise WrongError("a plan of nothing")
            if not more:
                spec = load_spec(path)
                if parse_spec(spec.model_dump(mode="json", exclude_none=True)) != spec:
                    raise WrongError("the spec as resolved is another spec")
        return answer


class CentreLines(Target):
    """SWC files; lengths of what is accepted are finite."""

    def prepare(self, folder: Path) -> None:
        rows = ["# made up"]
        rows += [
            f"{i + 1} 3 {i % 7} {i * 0.5:.2f} {math.sin(i):.3f} 0.6 {i or -1}" for i in range(30)
        ]
        (folder / "a.swc").write_text("\n".join(rows) + "\n")

    def spoil(self, folder: Path, rng: random.Random) -> None:
        path = folder / "a.swc"
        path.write_bytes(rng.choice((spoil_bytes, spoil_lines))(path.read_bytes(), rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        answer = vbench("data", "morphology", folder / "a.swc", "--json")
        if answer.code == 0:
            strict_json(answer.out)
        return answer


class Metadata(Target):
    """What an installed distribution says of itself, and of its plugins."""

    share = 0.5
    writes = ("site",)

    def prepare(self, folder: Path) -> None:
        info = folder / "site" / "vbench_fine-1.0.dist-info"
        info.mkdir(parents=True)
        text = "Metadata-Version: 2.1\nName: vbench-fine\nVersion: 1.0\n"
        (info / "METADATA").write_text(text)
        (info / "entry_points.txt").write_text("[vbench]\nfine = fine\n")
        # vbench's own alone: reading that of each installed distribution takes most of the time.
        own = metadata.distribution("vbench")
        for file in ("METADATA", "entry_points.txt"):
            place = folder / "own" / "vbench-1.dist-info" / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(own.read_text(file) or "")

    def spoil(self, folder: Path, rng: random.Random) -> None:
        path = rng.choice(sorted((folder / "site").rglob("*")))
        if path.is_file():
            path.write_bytes(rng.choice((spoil_bytes, spoil_lines))(path.read_bytes(), rng))
        else:
            spoil_tree(folder / "site", rng)

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        install = Installer(folder / "site")
        paths = [str(folder / "site"), str(folder / "own")]
        try:
            with patch.object(sys, "path", paths if rng.random() < 0.95 else sys.path):
                answer = vbench("plugins", *rng.choice(([], ["--json"])))
        finally:
            install.uninstall()
        if answer.code == 0 and "wgan-gp-sn" not in answer.out:
            raise WrongError("a built-in plugin is missing")
        return answer
