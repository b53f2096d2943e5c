"""Files that a method reads: their content is in its key, their place is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from toy_benchmark import TOYS, toy_table

import vbench
from vbench.engine.plan import Plan, make_plan
from vbench.engine.stages.common import stored_patches
from vbench.errors import DataError, SpecError
from vbench.files import read_json
from vbench.registry import for_paths
from vbench.spec import load_spec, parse_spec

#: Somebody's generator that needs a file.
READER = '''
from pathlib import Path
import numpy as np
import vbench
from vbench.layout import empty_patches, image_of, label_of


class ReaderParams(vbench.Params):
    level_path: Path = vbench.param(..., "a text file with one number")
    shift: float = vbench.param(0.0, "added to it")


class Reader(vbench.Generator):
    """Bars as bright as a file says."""

    name = "reader"
    Params = ReaderParams
    level = np.zeros(1)

    @classmethod
    def files(cls, params):
        return {"level": params.level_path}

    def fit(self, patches, *, seed):
        self.level = np.array([float(self.params.level_path.read_text()) + self.params.shift])
        yield vbench.Progress(1, 1)

    def sample(self, n, *, seed):
        made = empty_patches(n, self.setup.size)
        image_of(made)[:] = self.level[0]
        label_of(made)[:] = 1
        return made

    def weights(self):
        return {"level": self.level.copy()}

    def load_weights(self, weights):
        self.level = np.array(weights["level"])


@vbench.hookimpl
def vbench_register_generators(register):
    register(Reader)
'''


DECLARED = """    @classmethod
    def files(cls, params):
        return {"level": params.level_path}

"""


def plan_of(folder: Path, value: str = "0.25", code: str = READER) -> Plan:
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "reader.py").write_text(code)
    (folder / "level.txt").write_text(value)
    table = toy_table(
        plugins__paths=[TOYS, str(folder / "reader.py")],
        generators=[{"plugin": "reader", "params": {"level_path": str(folder / "level.txt")}}],
        regimes={"synthetic": True},
    )
    return make_plan(parse_spec(table), for_paths(tuple(table["plugins"]["paths"])))


def keys(plan: Plan) -> dict[str, str]:
    return {f"{job.stage} {job.label}": key for key, job in plan.jobs.items()}


def test_content_of_a_declared_file_is_in_the_key_and_its_place_is_not(tmp_path: Path) -> None:
    first, moved = keys(plan_of(tmp_path / "a")), keys(plan_of(tmp_path / "b"))
    changed = keys(plan_of(tmp_path / "b", "0.5"))
    assert first == moved
    others = {name for name in first if first[name] != changed[name]}
    assert "fit-generator reader · seed 0" in others
    assert not any(name.startswith("prepare") for name in others)


def test_content_is_in_the_key_where_the_author_declares_nothing(tmp_path: Path) -> None:
    code = READER.replace(DECLARED, "")
    assert "def files" not in code
    first, moved = (keys(plan_of(tmp_path / name, code=code)) for name in "ab")
    changed = keys(plan_of(tmp_path / "b", "0.5", code))
    assert first == moved
    assert "fit-generator reader · seed 0" in {n for n in first if first[n] != changed[n]}


def test_all_files_in_a_folder_are_declared_by_their_names_in_it(tmp_path: Path) -> None:
    class ReaderParams(vbench.Params):
        bank: Path = vbench.param(..., "a folder")
        level: Path | None = vbench.param(None, "a file")

    class Reader(vbench.Segmenter):
        """Reads."""

        name = "reader"
        Params = ReaderParams

    (tmp_path / "bank" / "in").mkdir(parents=True)
    for name in ("b.txt", "in/a.txt"):
        (tmp_path / "bank" / name).write_text(name)
    params = ReaderParams(bank=tmp_path / "bank", level=tmp_path / "none.txt")
    assert Reader.files(params) == {
        "bank/b.txt": tmp_path / "bank" / "b.txt",
        "bank/in/a.txt": tmp_path / "bank" / "in" / "a.txt",
    }


def test_a_missing_file_is_named_before_anything_runs(tmp_path: Path) -> None:
    plan_of(tmp_path)
    (tmp_path / "level.txt").unlink()
    table = toy_table(
        plugins__paths=[TOYS, str(tmp_path / "reader.py")],
        generators=[{"plugin": "reader", "params": {"level_path": str(tmp_path / "level.txt")}}],
    )
    with pytest.raises(DataError, match=r"level\.txt"):
        make_plan(parse_spec(table), for_paths(tuple(table["plugins"]["paths"])))


def spec_file(folder: Path, generator: str, more: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "spec.toml"
    path.write_text(
        f"""
[benchmark]
name = "open"
[data.source]
plugin = "blobs"
split = {{ train = 2, val = 1, test = 2 }}
[patches]
size = [4, 4, 4]
per_subject = 8
[[generators]]
{generator}
[segmenter]
plugin = "toy-segmenter"
[regimes]
synthetic = true
[metrics]
segmentation = ["dsc"]
privacy = ["near-copies"]
[compute]
threads = 1
[plugins]
paths = ["{TOYS}"]
{more}
"""
    )
    return path


def made(folder: Path, n: int = 20) -> Path:
    """A set that came from elsewhere."""
    rng = np.random.default_rng(0)
    labels = np.zeros((n, 4, 4, 4), np.uint8)
    labels[::2, 1:3, 1:3] = 1
    folder.mkdir(parents=True)
    np.save(folder / "images.npy", np.clip(rng.normal(-0.5, 0.2, labels.shape) + labels, -1, 1))
    np.save(folder / "labels.npy", labels)
    return folder


def test_paths_of_parameters_are_relative_to_their_file(tmp_path: Path) -> None:
    base = spec_file(tmp_path / "specs", 'plugin = "folder"\nparams = { path = "made" }')
    assert load_spec(base).generators[0].params["path"] == str(tmp_path / "specs" / "made")
    here = load_spec(base, ["generators.0.params.path=x", "segmenter.params={own_path='y'}"])
    assert here.generators[0].params["path"] == str(Path.cwd() / "x")
    assert here.segmenter.params["own_path"] == str(Path.cwd() / "y")
    with pytest.raises(SpecError, match=r"generators\.0\.params\.path"):
        load_spec(spec_file(tmp_path / "bad", 'plugin = "folder"\nparams = { path = "a\\u0007" }'))


def test_a_set_made_elsewhere_is_an_audited_arm(tmp_path: Path) -> None:
    made(tmp_path / "made")
    spec = spec_file(tmp_path, 'plugin = "folder"\nparams = { path = "made" }')
    vbench.run(spec, out=tmp_path / "out", workers=1, tracking=False)
    (row,) = read_json(tmp_path / "out" / "open" / "leaderboard.json")["rows"]
    assert row["arm"] == "synthetic/folder"
    assert row["verdict"] in ("no alarm", "alarm")
    assert any("20 patches of 4 × 4 × 4, as they are" in line for line in row["remarks"])
    store = tmp_path / "out" / "store"
    samples = next(
        stored_patches(folder)
        for folder in store.iterdir()
        if (folder / "images.npy").is_file() and (folder / "labels.npy").is_file()
    )
    assert len(samples) == 16
    # The set itself moves, and is still the same one.
    shutil.move(tmp_path / "made", tmp_path / "elsewhere" / "made")
    again = spec_file(tmp_path / "elsewhere", 'plugin = "folder"\nparams = { path = "made" }')
    assert not [job for job in vbench.plan(again, out=tmp_path / "out") if not job.cached]


def test_a_set_that_cannot_be_read_stops_a_run_before_training(tmp_path: Path) -> None:
    folder = made(tmp_path / "made")
    np.save(folder / "labels.npy", np.full((20, 4, 4, 4), 0.5))
    spec = spec_file(tmp_path, 'plugin = "folder"\nparams = { path = "made" }')
    with pytest.raises(DataError, match="threshold probabilities"):
        vbench.run(spec, out=tmp_path / "out", workers=1, tracking=False)
    assert not (tmp_path / "out" / "open" / "leaderboard.json").exists()


def test_shadows_are_not_made_of_what_cannot_be_made_again(tmp_path: Path) -> None:
    made(tmp_path / "made")
    spec = load_spec(
        spec_file(
            tmp_path,
            'plugin = "folder"\nparams = { path = "made" }',
            "[audit]\nshadows = 2\ncanaries = 8",
        )
    )
    plan = make_plan(spec, for_paths((TOYS,)))
    assert sum(job.stage == "fit-generator" for job in plan.jobs.values()) == 1
    assert sum(job.stage == "attack" for job in plan.jobs.values()) == 1
