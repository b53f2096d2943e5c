"""What leaves the house: complete, audited, described; and only that."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner, Result

import vbench
from vbench.analysis.folder import read_results
from vbench.cli import main
from vbench.cli.audit import command as audit_command
from vbench.cli.export import command as export_command
from vbench.engine.seals import SEAL, sealed
from vbench.errors import AlarmError, StoreError
from vbench.files import sha256
from vbench.share import rerun

LEAK, COPY, DRAWN = "synthetic/leaky", "synthetic/copy", "synthetic/drawn"
NAME = "MUELLER-1957-03-10"


def _export(*arguments: str | Path, out: Path) -> Result:
    return CliRunner().invoke(export_command, [*map(str, arguments), "--out", str(out)])


def _tree(*folders: Path) -> set[Path]:
    return {path for folder in folders for path in folder.rglob("*")}


def _sheets(folder: Path) -> list[str]:
    """Return the datasheet in its three forms, as plain text."""
    sheet = (folder / "DATASHEET.md").read_text().replace("\\", "")
    return [sheet, (folder / "DATASHEET.html").read_text(), (folder / "dataset.json").read_text()]


def test_an_export_is_complete_and_audited(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "share"
    made = _export(DRAWN, folder, "--nifti", "--licence", "CC-BY-4.0 <b>", out=out)
    assert made.exit_code == 0, made.output
    images, labels = np.load(folder / "images.npy"), np.load(folder / "labels.npy")
    assert images.shape == labels.shape == (80, 4, 4, 4)
    sheet = json.loads((folder / "dataset.json").read_text())
    assert (sheet["patches"], sheet["verdict"], sheet["removed"]) == (80, "no alarm", 0)
    assert sheet["vessel_fraction"] == pytest.approx(labels.mean())
    assert sheet["utility"][0]["real"] is not None
    assert (sheet["generator"], sheet["generator_name"]) == ("geometric", "drawn")
    assert "\n# toys drawn\n" in (folder / "README.md").read_text()
    audit = json.loads((folder / "audit.json").read_text())
    assert audit["privacy"]["verbatim"]["value"] == 0
    assert audit["fidelity"]["mmd"]["ceiling"] > 0
    for text in _sheets(folder):
        for said in ("verbatim", "No score raised an alarm", "geometric", "nobody: the generator"):
            assert said in text
        assert "is a patient's" not in text
    assert "CC-BY-4.0 &lt;b&gt;" in _sheets(folder)[1]
    seven = [each["name"] for each in sheet["criteria"]]
    assert seven == [
        "Congruence", "Coverage", "Constraint", "Completeness", "Compliance", "Comprehension",
        "Consistency",
    ]  # fmt: skip
    case = nib.load(folder / "nnunet/imagesTr/synthetic_000000_0000.nii.gz")
    assert case.header.get_zooms() == (1.0, 1.0, 2.0)
    np.testing.assert_allclose(case.get_fdata(), images[0], atol=1e-3)


def test_every_file_has_a_checksum(out: Path, tmp_path: Path) -> None:
    folder = vbench.export(DRAWN, tmp_path / "x", benchmark="toys", out=out, nifti=True)
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = [p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS"]
    assert set(sums) == {p.relative_to(folder).as_posix() for p in files}
    assert sums == {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def test_an_alarm_keeps_everything_in(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _tree(out, tmp_path)
    words = ["vbench", "export", COPY, str(tmp_path / "a" / "b"), "--out", str(out)]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert "raised an alarm (verbatim) and 80 patches are flagged" in said
    assert len(said.splitlines()) == 1
    assert _tree(out, tmp_path) == before


def test_a_reason_lets_it_out_and_is_in_the_datasheet(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    why = "all patients\nconsented, *see* <file 7>"
    assert _export(COPY, folder, "--accept-risk", why, out=out).exit_code == 0
    assert "Reason given: all patients consented, *see* <file 7>" in _sheets(folder)[0]
    assert "Reason given: all patients consented, *see* &lt;file 7&gt;" in _sheets(folder)[1]
    sheet = json.loads((folder / "dataset.json").read_text())
    assert sheet["accepted"] == "all patients consented, *see* <file 7>"
    assert (sheet["verdict"], sheet["alarms"], sheet["flagged"]) == ("alarm", ["verbatim"], 80)
    assert "<img" not in _sheets(folder)[1]  # each would be a patient's patch
    again = CliRunner().invoke(audit_command, [str(folder), "--out", str(out)])
    assert any("verbatim" in row and "ALARM" in row for row in again.output.splitlines())


@pytest.mark.parametrize("why", ["", "  ", "\n\t", "...", "\u200b"])
def test_a_reason_says_something(out: Path, tmp_path: Path, why: str) -> None:
    with pytest.raises(StoreError, match="--accept-risk: is empty"):
        vbench.export(COPY, tmp_path / "x", benchmark="toys", out=out, accept_risk=why)
    assert not (tmp_path / "x").exists()


def test_a_reason_for_nothing_is_not_written(out: Path, tmp_path: Path) -> None:
    made = _export(DRAWN, tmp_path / "x", "--accept-risk", "to be sure", out=out)
    assert "was not needed" in made.output
    assert not any("to be sure" in text for text in _sheets(tmp_path / "x"))


def test_flagged_patches_are_dropped_and_the_rest_is_audited(out: Path, tmp_path: Path) -> None:
    assert _export(LEAK, tmp_path / "x", out=out).exit_code == 1
    cleaned = _export(LEAK, tmp_path / "x", "--drop-flagged", out=out)
    assert cleaned.exit_code == 0, cleaned.output
    sheet = json.loads((tmp_path / "x" / "dataset.json").read_text())
    assert (sheet["patches"], sheet["removed"], sheet["flagged"]) == (60, 20, 0)
    assert sheet["verdict"] == "no alarm"
    assert all("20 patches that the audit flagged" in text for text in _sheets(tmp_path / "x"))
    record = _record(out, sheet["id"])
    assert record["removed"] == list(range(0, 80, 4))
    samples = np.load(out / "store" / record["samples"] / "images.npy")
    kept = [i for i in range(80) if i % 4]
    np.testing.assert_array_equal(np.load(tmp_path / "x" / "images.npy"), samples[kept])


def test_a_set_of_flagged_patches_only_is_not_exported(out: Path, tmp_path: Path) -> None:
    before = _tree(out, tmp_path)
    refused = _export(COPY, tmp_path / "x", "--drop-flagged", out=out)
    assert refused.exit_code == 1
    assert "80 of 80 patches are flagged" in refused.output
    assert _tree(out, tmp_path) == before


def test_an_alarm_that_no_patch_explains_stays_one(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"fidelity": {}, "privacy": {"any": {"value": 1.0, "alarm": True}}}
    monkeypatch.setattr(rerun.Audit, "of", lambda self, patches: found)
    with pytest.raises(AlarmError, match=r"raised an alarm \(any\); nothing"):
        vbench.export(DRAWN, tmp_path / "x", benchmark="toys", out=out, drop_flagged=True)
    found["privacy"]["any"] = {"value": None, "fault": "OSError: /data/Mueller"}
    with pytest.raises(StoreError, match=r"could not be judged \(not computed: any\)"):
        vbench.export(DRAWN, tmp_path / "x", benchmark="toys", out=out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["images", "labels"])
def test_a_collapsed_set_is_not_exported(out: Path, tmp_path: Path, file: str) -> None:
    copied = tmp_path / "out"
    shutil.copytree(out, copied)
    results = read_results(out / "toys")
    arm = next(arm for arm in results.arms if arm.name == DRAWN)
    samples = results.chosen(arm, 0).samples  # type: ignore[union-attr]
    assert samples is not None
    path = copied / "store" / samples.key / f"{file}.npy"
    np.save(path, np.zeros_like(np.load(path)))
    record = path.with_name("record.json")
    value = {n: v for n, v in json.loads(record.read_text()).items() if n not in SEAL}
    sums = {name: sha256(path.with_name(name)) for name in ("images.npy", "labels.npy")}
    record.write_text(json.dumps(sealed(value, sums)))
    before = _tree(copied)
    with pytest.raises(StoreError, match=r"none of 80 .* is meaningless"):
        vbench.export(
            DRAWN, tmp_path / "x", benchmark="toys", out=copied, accept_risk="all the same"
        )
    assert _tree(copied) == before
    assert not (tmp_path / "x").exists()


def test_what_is_stopped_half_way_leaves_nothing(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _tree(out, tmp_path)
    for place in ("audited", "build", "write_sums", "write_review"):
        with monkeypatch.context() as patch:

            def stop(*_: Any, **__: Any) -> None:
                raise KeyboardInterrupt

            patch.setattr(f"vbench.share.export.{place}", stop)
            with pytest.raises(KeyboardInterrupt):
                vbench.export(DRAWN, tmp_path / "a" / "b", benchmark="toys", out=out)
        assert _tree(out, tmp_path) == before


def test_nothing_of_a_patient_leaves(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    assert _export(LEAK, folder, "--nifti", "--accept-risk", "a test", out=out).exit_code == 0
    records = read_results(out / "toys").records
    secret = [str(out), str(tmp_path), "ward", "Mueller", "cache", *records]
    patterns = [rb"(19|20)\d\d-\d\d-\d\d", rb"(?<![\w.<])/(data|scratch|home|tmp|root|work|usr)/"]
    patterns += [re.escape(word.encode()) for word in secret]
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".gz":
            assert content[3:8] == bytes(5)  # neither name nor time
            content = gzip.decompress(content)
        for pattern in patterns:
            name = str(path.relative_to(folder)).encode()
            assert not re.search(pattern, name + b"\n" + content), (path, pattern)
    about = json.loads((folder / "dataset.json").read_text())
    assert about["params"] == {"every": 4}
    shared = json.loads((folder / "audit.json").read_text())
    assert not {"flagged", "patients"} & set(shared["privacy"]["verbatim"])


def test_the_house_keeps_who_is_who(out: Path, tmp_path: Path) -> None:
    folder = tmp_path / "x"
    vbench.export(LEAK, folder, benchmark="toys", out=out, accept_risk="a test")
    sheet = json.loads((folder / "dataset.json").read_text())
    home = out / "exports" / sheet["id"]
    assert {path.name for path in home.iterdir()} == {
        "REVIEW.html", "audit.json", "flagged.csv", "patients.csv", "record.json",
    }  # fmt: skip
    names = _record(out, sheet["id"])["patients"]
    audit = json.loads((home / "audit.json").read_text())["privacy"]["verbatim"]
    worst = max(audit["patients"], key=lambda patient: patient["value"])
    prepared = [f"Mueller-1957-03-{10 + i}" for i in range(6)]
    assert set(names) < set(prepared)
    named = names[sheet["worst"]["number"] - 1]
    flags = [line.split(",") for line in (home / "flagged.csv").read_text().splitlines()[1:]]
    assert len(flags) == 20
    of = [name for _, _, name, *_ in flags]
    assert of.count(named) == max(map(of.count, names))
    assert sheet["worst"]["value"] == worst["value"]
    page = (home / "REVIEW.html").read_text()
    assert named in page
    assert page.count("<img") == 12
    assert "<script" not in page + (folder / "DATASHEET.html").read_text()


def test_a_review_can_be_had_of_what_is_refused(out: Path, tmp_path: Path) -> None:
    refused = _export(COPY, tmp_path / "x", "--review", tmp_path / "look", out=out)
    assert refused.exit_code == 1
    assert (tmp_path / "look" / "REVIEW.html").exists()
    assert not (tmp_path / "x").exists()
    for wrong in ("x", "x/look", "."):
        with pytest.raises(StoreError, match="must not lie in the folder to share"):
            vbench.export(COPY, tmp_path / "x", benchmark="toys", out=out, review=tmp_path / wrong)


def test_a_name_of_a_patient_is_not_shared_in_other_words(out: Path, tmp_path: Path) -> None:
    for words in (
        {"accept_risk": "asked mueller-1957-03-12 (yes)"},
        {"licence": "MUELLER-1957-03-10"},
    ):
        with pytest.raises(StoreError, match="the name of a patient"):
            vbench.export(COPY, tmp_path / "x", benchmark="toys", out=out, **words)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_exported_is_said_and_nothing_is_overwritten(
    out: Path, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="did you mean 'synthetic/copy'"):
        vbench.export("synthetic/cpy", tmp_path / "x", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="no synthetic arm is called 'real'"):
        vbench.export("real", tmp_path / "x", benchmark="toys", out=out)
    with pytest.raises(StoreError, match="seed 7 has not finished"):
        vbench.export(COPY, tmp_path / "x", benchmark="toys", out=out, seed=7)
    assert not (tmp_path / "x").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(StoreError, match="not empty"):
        vbench.export(COPY, tmp_path / "full", benchmark="toys", out=out)


def _record(out: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((out / "exports" / name / "record.json").read_text())
    return record
