"""What comes from others does no harm; docs/explanation/security.md names these tests by threat."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pickle
import re
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import nnunet, save, scene
from fabricate import fabricate

from vbench.analysis.folder import read_results
from vbench.cli.streams import Harmless
from vbench.data.arrays import read_stacks
from vbench.data.pictures import opened
from vbench.data.stacks import read_stack
from vbench.engine.weights import load_weights
from vbench.errors import DataError, StoreError
from vbench.files import atomic_write, csv_text
from vbench.report import write_report

ROOT = Path(__file__).parents[1]
CODE = sorted((ROOT / "vbench").rglob("*.py")) + sorted((ROOT / "plugins").rglob("*.py"))
ESCAPE = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
ONE = {"real": 0.9, "synthetic/dcgan": 0.8}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def bomb(tmp_path: Path):
    place = tmp_path / "went-off"
    yield Bomb(place)
    assert not place.exists()


def uses(pattern: str) -> set[str]:
    """Return the files of the code that have a pattern."""
    found = (path for path in CODE if re.search(pattern, path.read_text("utf-8")))
    return {path.relative_to(ROOT).as_posix() for path in found}


# --- code hidden in data -------------------------------------------------------------------


def test_nothing_is_unpickled_but_what_the_same_process_pickled() -> None:
    # The conformance kit hands a plugin's own parameters to a new process of its own.
    assert uses(r"\bpickle\.load|\bimport (dill|joblib|shelve|marshal)") <= {
        "vbench/testing/sources.py"
    }
    # Weights that a spec names, as tensors only.
    assert uses(r"torch\.load\(") == {"vbench/engine/given.py"}
    assert "weights_only=True" in (ROOT / "vbench/engine/given.py").read_text("utf-8")
    assert uses(r"allow_pickle=True|weights_only=False|read_pickle") == set()
    assert uses(r"\b(eval|exec)\((?!\))|yaml\.(unsafe_)?load\(|shell=True") <= {
        "vbench/registry/local_file.py"
    }


def test_arrays_with_objects_are_refused(tmp_path: Path, bomb: Bomb) -> None:
    for name in ("images.npy", "labels.npy", "subjects.npy"):
        folder = tmp_path / name
        folder.mkdir()
        for other in ("images.npy", "labels.npy"):
            np.save(folder / other, np.zeros((3, 4, 4), np.float32))
        np.save(folder / name, np.array([bomb, bomb, bomb], dtype=object), allow_pickle=True)
        answer = vbench("audit", "--synthetic", folder, "--training", folder, "--heldout", folder)
        assert answer.code == 2
        assert name in answer.err
        assert len(answer.err.splitlines()) == 1


def test_a_store_with_pickles_is_reported_without_them(tmp_path: Path, bomb: Bomb) -> None:
    made = fabricate(tmp_path / "r", truth=ONE, seeds=(0,), trials=1, artifacts=True)
    for path in (tmp_path / "r" / "store").rglob("*"):
        if path.suffix in (".npy", ".safetensors"):
            path.write_bytes(pickle.dumps(bomb))
    answer = vbench("report", made.folder.name, "--out", tmp_path / "r")
    assert answer.code in (0, 2), answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[1000000,1000000]}}'.ljust(60),
        struct.pack("<Q", 80)
        + b'{"a":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}'.ljust(80),
        pickle.dumps({"a": 1}),
    ],
    ids=["empty", "long header", "a list", "no offsets", "too short", "pickle"],
)
def test_weights_are_read_or_refused_in_a_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not readable as weights") as refused:
        load_weights(path)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("place", ["evil.py", "demo/evil.py", "store/evil.py", "demo/link.py"])
def test_results_of_others_bring_no_code(tmp_path: Path, monkeypatch, place: str) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    file = tmp_path / place
    file.parent.mkdir(exist_ok=True)
    if place == "demo/link.py":
        (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
        file.symlink_to("../evil.py")
        place = "./demo/../demo/link.py"
    else:
        file.write_text("raise SystemExit('it ran')")
    relative = place in ("evil.py", "./demo/../demo/link.py")
    made.plan["spec"]["plugins"] = {"paths": [place if relative else str(file)]}
    made.plan["metrics"] = {}  # which would be asked of the plugins
    made.rewrite()
    monkeypatch.chdir(tmp_path)
    for command in ("leaderboard", "report"):
        answer = vbench(command, "demo", "--out", tmp_path)
        assert answer.code == 2
        assert "comes with the results" in answer.err


def test_a_picture_is_no_program(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)  # Ghostscript, by way of Pillow
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match="not a picture"), opened(path):
        pass


# --- paths that leave ----------------------------------------------------------------------


@pytest.mark.parametrize("key", ["../../secret", "/etc", "..", "a/b", ""])
def test_keys_cannot_lead_out_of_the_store(tmp_path: Path, key: str) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.arm("real")["evaluate"]["0"] = key
    made.rewrite()
    with pytest.raises(StoreError, match=r"arms\.0\.evaluate"):
        read_results(made.folder)
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.records[0]["key"] = key
    made.rewrite()
    with pytest.raises(StoreError, match=r"records\.jsonl:1: key"):
        read_results(made.folder)


def test_subjects_cannot_lead_out_of_the_store(tmp_path: Path, monkeypatch) -> None:
    made = fabricate(tmp_path, truth={"real": 0.9}, seeds=(0,), trials=1, artifacts=True)
    away = "../" * 8 + "secret/x"
    for record in made.records:
        for case in (record["result"] or {}).get("cases", []):
            case["subject"] = away
    made.plan["data"]["source"]["subjects"]["test"] = [away]
    made.rewrite()
    opened = []
    for module in ("vbench.data.nifti.read_image", "numpy.load"):
        monkeypatch.setattr(module, lambda path, *_, **__: opened.append(str(path)))
    vbench("report", "demo", "--out", tmp_path)
    assert not [path for path in opened if "secret" in path]


def test_links_in_a_data_set_are_read_as_data_only(tmp_path: Path) -> None:
    folder = nnunet(tmp_path / "d")
    label = folder / "labelsTr" / "case0.nii.gz"
    label.unlink()
    label.symlink_to("/etc/passwd")
    answer = vbench("data", "check", folder)
    assert answer.code == 2
    assert "case0.nii.gz" in answer.out


def test_a_pack_leads_nowhere_when_it_is_unpacked(tmp_path: Path) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.plan["benchmark"] = "../../out"
    made.rewrite()
    answer = vbench("pack", "demo", "--out", tmp_path, "--to", tmp_path / "a.zip")
    if answer.code == 0:
        with zipfile.ZipFile(tmp_path / "a.zip") as file:
            assert {name.partition("/")[0] for name in file.namelist()} == {"demo"}
    else:
        assert not (tmp_path / "a.zip").exists()


# --- bombs ---------------------------------------------------------------------------------


def test_a_header_of_a_million_voxels_an_axis_takes_no_memory(tmp_path: Path) -> None:
    import tracemalloc

    import nibabel as nib

    folder = nnunet(tmp_path / "d")
    label = folder / "labelsTr" / "case0.nii.gz"
    nib.save(nib.Nifti2Image(scene()[1].astype(np.uint8), np.eye(4)), label)
    raw = bytearray(gzip.decompress(label.read_bytes()))
    for shape in ((10**6, 10**6, 10**6), (10**6, 1000, 2)):
        struct.pack_into("<3q", raw, 24, *shape)
        # The second claims 2 GB, and zeros that fill it up take 2 MB.
        fill = bytes(300_000_000) if shape[2] == 2 else b""
        label.write_bytes(gzip.compress(bytes(raw) + fill, 9))
        tracemalloc.start()
        answer = vbench("data", "check", folder)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.code == 2
        assert "case0.nii.gz" in answer.out
        if not fill:
            assert most < 20e6


def test_a_stack_of_pages_that_are_one_is_refused(tmp_path: Path, monkeypatch) -> None:
    from PIL import Image

    class Free:
        available = 1000

    page = Image.fromarray(np.zeros((9, 9), np.uint8))
    page.save(tmp_path / "a.tif", save_all=True, append_images=[page, page])
    monkeypatch.setattr("psutil.virtual_memory", Free)
    with pytest.raises(DataError, match=r"\(9, 9, 3\) voxels need"):
        read_stack(tmp_path / "a.tif", (1, 1, 1))


def test_an_array_that_claims_more_than_its_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((2, 4, 4), np.float32))
    raw = (tmp_path / "images.npy").read_bytes()
    (tmp_path / "images.npy").write_bytes(raw.replace(b"(2, 4, 4), ", b"(2000000000, 4, 4), ", 1))
    with pytest.raises(Exception, match=r"images\.npy"):
        read_stacks(tmp_path)


# --- names that are read as something else -------------------------------------------------


@pytest.mark.parametrize("name", ["=1+2", "+1+2", "-1+2", "@sum(a1)", "\t=1", "＝1+2"])
def test_no_cell_of_a_table_is_a_formula(name: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text([["subject", "dsc"], [name, -0.5]]))))
    assert rows[1][0] == f"'{name}"
    assert rows[1][1] == "-0.5"


def test_no_cell_begins_a_line_of_its_own() -> None:
    assert csv_text([["a\r=1+2", "b"]]) == "a\\u000d=1+2,b\n"


def test_numbers_and_names_stay_as_they_are() -> None:
    text = csv_text([["a-1", "-1.5e-3", -2, None, "+3", "nan", "-inf", "a=b"]])
    assert text == "a-1,-1.5e-3,-2,,+3,nan,-inf,a=b\n"


def test_every_table_is_written_by_the_one_function() -> None:
    assert uses(r"csv\.(Dict)?[wW]riter|DictWriter|\.to_csv\([^l]") == {"vbench/files.py"}


def test_formulas_in_file_names_and_results_are_text(tmp_path: Path) -> None:
    for folder in ("p", "t"):
        save(tmp_path / folder / "=cmd|'calc'!A0.nii", scene()[1])
    made = fabricate(tmp_path / "r", truth={"real": 0.9}, seeds=(0,), trials=1, failed=None)
    made.arm("real")["arm"] = "=1+2"
    made.rewrite()
    table = tmp_path / "scores.csv"
    scored = vbench(
        *("score", "--pred", tmp_path / "p", "--truth", tmp_path / "t"),
        *("--metric", "dsc", "--csv", table),
    )
    assert scored.code == 0, scored.err
    board = vbench("leaderboard", "demo", "--out", tmp_path / "r", "--format", "csv")
    for text in (table.read_text("utf-8"), board.out):
        assert next(csv.reader(io.StringIO(text.partition("\n")[2])))[0].startswith("'=")


def test_what_is_printed_cannot_steer_the_terminal(tmp_path: Path) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    made.arm("real")["arm"] = f"real{ESCAPE}[bold]"
    for record in made.records:
        if record["failure"]:
            record["failure"]["message"] = ESCAPE
    made.rewrite()
    (tmp_path / "s.toml").write_text('[benchmark]\nname = "a"\n"\\u001b7\\u007f" = 1\n')
    (tmp_path / "m.csv").write_text("subject,image,label\n\x1b[2J,a\x1b[2J.nii,b.nii\n")
    save(tmp_path / "p" / "\x1b[2Ja.nii", scene()[1])
    answers = [
        *(vbench("leaderboard", "demo", "--out", tmp_path, "--format", form)
          for form in ("table", "md", "csv", "json")),
        vbench("validate", tmp_path / "s.toml"),
        vbench("data", "check", tmp_path / "m.csv"),
        vbench("score", "--pred", tmp_path / "p", "--truth", tmp_path / "p", "--metric", "dsc"),
        vbench("plan", "\x1b[2J.toml"),
    ]  # fmt: skip
    for answer in answers:
        assert not set(ESCAPE) & {"\x1b", "\x07", "\x9b", "\u202e"} & set(answer.out + answer.err)
        assert "Traceback" not in answer.err
    assert "\\u001b7" in answers[4].err
    assert "\\u001b]0;owned" in answers[0].out
    json.loads(answers[3].out)


def test_tables_go_through_the_one_console() -> None:
    assert uses(r"from rich\.console import.*\bConsole\b(?!Options)|rich\.print") <= {
        "vbench/analysis/table.py"  # for its types
    }


def test_a_stream_escapes_what_is_no_text() -> None:
    stream = io.StringIO()
    Harmless(stream).write("a\tb\x1b[0m\u2028\r\n")
    assert stream.getvalue() == "a\tb\\u001b[0m\\u2028\\u000d\n"


def test_a_link_in_results_is_an_address_of_the_web_or_none(tmp_path: Path) -> None:
    made = fabricate(tmp_path, truth=ONE, seeds=(0,), trials=1)
    published = {"citation": "x", "note": "", "values": {"real": {"dsc": 0.9}}}
    made.plan["spec"]["reference"] = {**published, "url": "javascript:alert(1)"}
    made.rewrite()
    with pytest.raises(StoreError, match=r"spec: reference\.url"):
        write_report(made.folder)


# --- what lies about -----------------------------------------------------------------------


def test_temporary_files_are_private(tmp_path: Path) -> None:
    # Named by chance beside their target, or made by tempfile, which makes them 0700 and 0600.
    assert uses(r"tempfile\.mktemp|[\"']/tmp") == set()
    old = os.umask(0o077)
    try:
        with atomic_write(tmp_path / "new" / "a.txt") as path:
            path.write_text("x")
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(old)


def test_servers_listen_on_this_machine_only() -> None:
    assert uses(r"0\.0\.0\.0|socketserver|HTTPServer\(\(\"\"") == set()
    assert uses(r"HTTPServer\(|make_server|\"--host\"") == {"plugins/vbench_plugins/tracking/ui.py"}
