"""Folders that vbench wrote, or that say so: results, packs of them, sets to share, exports."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import zipfile
from pathlib import Path

from command_line import Answer, vbench
from fabricate import fabricate
from fuzzing.mutations import spoil_bytes, spoil_lines, spoil_tree, spoil_value
from fuzzing.target import Target, WrongError, strict_json
from patients import patients
from share_sets import arrays


class Results(Target):
    """Results folders of others: plan, records and artifacts."""

    share = 2.0
    writes = ("r",)

    def prepare(self, folder: Path) -> None:
        truth = {"real": 0.9, "synthetic/dcgan": 0.8, "transfer/dcgan/n2": 0.85}
        fabricate(folder / "r", n_test=3, seeds=(0,), trials=1, truth=truth, artifacts=True)

    def spoil(self, folder: Path, rng: random.Random) -> None:
        place = folder / "r" / "demo"
        kind = rng.randrange(6)
        if kind < 2:
            value = spoil_value(json.loads((place / "plan.json").read_bytes()), rng)
            (place / "plan.json").write_text(json.dumps(value), "utf-8")
        elif kind < 4:
            lines = (place / "records.jsonl").read_text("utf-8").splitlines()
            at = rng.randrange(len(lines))
            lines[at] = json.dumps(spoil_value(json.loads(lines[at]), rng))
            (place / "records.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
        elif kind < 5:
            path = place / rng.choice(("plan.json", "records.jsonl"))
            path.write_bytes(rng.choice((spoil_bytes, spoil_lines))(path.read_bytes(), rng))
        else:
            spoil_tree(folder / "r", rng)

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        form = rng.choice(("json", "csv", "md", "table"))
        if rng.random() < 0.06:
            return vbench("report", "demo", "--out", folder / "r")
        answer = vbench("leaderboard", "demo", "--out", folder / "r", "--format", form)
        if answer.code == 0 and form == "json":
            board = strict_json(answer.out)
            for row in board["rows"]:
                low, high = row["metrics"].get("dsc", {}).get("ci95") or [0, 0]
                if low > high:
                    raise WrongError(f"interval from {low} to {high}")
        if answer.code == 0 and form == "csv":
            widths = {len(row) for row in csv.reader(io.StringIO(answer.out))}
            if len(widths) > 1:
                raise WrongError(f"rows of {widths} cells")
        return answer


class Packs(Results):
    """The same, packed into one file: nothing in it leads elsewhere."""

    share = 1.0
    writes = ("packed", "bare")

    def prepare(self, folder: Path) -> None:
        super().prepare(folder)
        (folder / "packed").mkdir()
        # Without a store there are no pictures, which take most of the time.
        shutil.copytree(folder / "r" / "demo", folder / "bare" / "demo")

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        target = folder / "packed" / "p.zip"
        where = "r" if rng.random() < 0.15 else "bare"
        for name in ("plan.json", "records.jsonl") if where == "bare" else ():
            if (folder / "r" / "demo" / name).is_file():
                shutil.copy(folder / "r" / "demo" / name, folder / "bare" / "demo")
        answer = vbench("pack", "demo", "--out", folder / where, "--to", target)
        if answer.code == 0:
            with zipfile.ZipFile(target) as file:
                if file.testzip() is not None:
                    raise WrongError("a pack that cannot be read")
                for name in file.namelist():
                    if Path(name).is_absolute() or ".." in Path(name).parts:
                        raise WrongError(f"a pack with {name}")
                    if str(folder).encode() in file.read(name):
                        raise WrongError(f"a place on this disk in {name}")
                strict_json(file.read("demo/leaderboard.json").decode())
        elif any((folder / "packed").iterdir()):
            raise WrongError("refused, and written")
        return answer


class Shared(Target):
    """Sets of patches to be audited, as folders of arrays."""

    codes = (0, 1, 2)
    lines = 40

    def prepare(self, folder: Path) -> None:
        arrays(folder / "A", patients(3, 8, seed=0, size=(8, 8)), names=lambda i: f"a{i}")
        arrays(folder / "B", patients(3, 8, seed=1, size=(8, 8)), names=lambda i: f"b{i}")
        arrays(folder / "C", patients(4, 6, seed=2, size=(8, 8)))

    def spoil(self, folder: Path, rng: random.Random) -> None:
        if rng.random() < 0.3:
            spoil_tree(folder, rng)
            return
        path = rng.choice(sorted(folder.rglob("*.npy")))
        raw = path.read_bytes()
        # Mostly the header: what it claims decides what is read.
        cut = 128 if rng.random() < 0.8 else len(raw)
        path.write_bytes(spoil_bytes(raw[:cut], rng) + raw[cut:])

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        return vbench(
            "audit",
            "--synthetic",
            folder / "C",
            "--training",
            folder / "A",
            "--heldout",
            folder / "B",
            "--json",
        )


class Exports(Target):
    """Folders that say that `vbench export` wrote them."""

    codes = (0, 1, 2)
    writes = ("r",)

    def prepare(self, folder: Path) -> None:
        arrays(folder / "e", patients(3, 8, seed=0, size=(8, 8)))
        about = {"format": "vbench-dataset-2", "id": "0123456789abcdef" * 2, "patches": 24}
        (folder / "e" / "dataset.json").write_text(json.dumps(about))
        record = {
            "id": about["id"],
            "benchmark": "demo",
            "arm": "real",
            "seed": 0,
            "train": ["a"],
            "heldout": ["b"],
            "patients": ["x"],
            "numbers": [1],
        }
        home = folder / "r" / "exports" / str(about["id"])
        home.mkdir(parents=True)
        (home / "export.json").write_text(json.dumps(record))
        fabricate(folder / "r", n_test=2, seeds=(0,), trials=1, truth={"real": 0.9})

    def spoil(self, folder: Path, rng: random.Random) -> None:
        if rng.random() < 0.4:
            spoil_tree(folder, rng)
            return
        for path in rng.sample(sorted(folder.rglob("*.json")), 1):
            if rng.random() < 0.7:
                value = spoil_value(json.loads(path.read_bytes()), rng)
                path.write_text(json.dumps(value), "utf-8")
            else:
                path.write_bytes(spoil_bytes(path.read_bytes(), rng))

    def feed(self, folder: Path, rng: random.Random) -> Answer:
        return vbench("audit", folder / "e", "--out", folder / "r", "--json")
