import csv
import io
from pathlib import Path

import numpy as np
import pytest
from command_line import vbench
from datasets import manifest, scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from searching import examples
from vbench_plugins.sources.manifest import Manifest

from vbench.errors import DataError
from vbench.testing import SourceSuite


class TestManifest(SourceSuite):
    plugin = Manifest


@pytest.fixture(scope="module", autouse=True)
def file(tmp_path_factory: pytest.TempPathFactory) -> None:
    TestManifest.params = {"path": manifest(tmp_path_factory.mktemp("manifest"))}


def source(path: Path) -> Manifest:
    return Manifest(Manifest.Params(path=path))


def test_absolute_and_relative_paths_are_read(tmp_path: Path) -> None:
    found = source(manifest(tmp_path))
    assert found.subjects() == ["case0", "case1"]
    image, vessel, mask = scene(1)
    read = found.load("case1")
    np.testing.assert_array_equal(read.image, image)
    np.testing.assert_array_equal(read.label, vessel)
    np.testing.assert_array_equal(read.mask, mask)
    assert source(tmp_path).subjects() == ["case0", "case1"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_spreadsheets_dialects_are_read(tmp_path: Path, separator: str) -> None:
    file = manifest(tmp_path)
    table = file.read_text().replace(",", separator).replace("subject", "Subject", 1)
    file.write_bytes(("\ufeff" + table.replace("\n", "\r\n") + "\r\n").encode())
    assert source(file).subjects() == ["case0", "case1"]


def test_masks_are_optional(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    rows = [line.rpartition(",")[0] for line in file.read_text().splitlines()]
    file.write_text("\n".join(rows))
    assert source(file).load("case0").mask is None
    file.write_text("\n".join([rows[0] + ",mask", rows[1] + ","]))
    assert source(file).load("case0").mask is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no column subject, image, label"),
        (b"a,b\n1,2\n", r"no column subject, image, label"),
        (b"subject,image\n", r"no column label"),
        (b"subject,image,label\n", r"no subjects"),
        (b"\xff\xfe\x00", r"not UTF-8 text"),
    ],
)
def test_what_is_no_manifest_is_said(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"m\.csv: {message}"):
        source(tmp_path / "m.csv").subjects()


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.csv: No such file"):
        source(tmp_path).subjects()


HEAD = "subject,image,label,mask"
ROWS = ["case0,0.nii,elsewhere/0.nii.gz,0-mask.nii.gz", "case1,1.nii,elsewhere/1.nii.gz,"]
TABLE = "\n".join([HEAD, *ROWS])


@pytest.mark.parametrize(
    "content",
    [
        TABLE.replace("\n", "\r\n").encode("utf-8-sig"),
        TABLE.replace(",", "\t").encode("utf-16"),
        ("sep=;\r\n" + TABLE.replace(",", ";")).encode(),
        ('"sep=\t"\n' + TABLE.replace(",", "\t")).encode(),
        TABLE.replace("\n", ",,,\n").encode(),
        ("\n".join([HEAD, "", *ROWS, ",,,", "", ""])).encode(),
        TABLE.replace("elsewhere/", "elsewhere\\").encode(),
        TABLE.replace("0.nii,", '"0.nii",').replace("case0", ' "case0"'.strip()).encode(),
        TABLE.replace("0.nii,e", "0.nii\u2028,e").encode(),
        TABLE.replace("\n", "\r").encode(),
    ],
    ids=[
        *("mark", "utf-16-tabs", "sep", "sep-tab", "empty-columns", "empty-lines"),
        *("backslashes", "quotes", "line-separator-at-the-end", "old-mac"),
    ],
)
def test_tables_are_read_as_excel_writes_them(tmp_path: Path, content: bytes) -> None:
    file = manifest(tmp_path)
    file.write_bytes(content)
    found = source(file)
    assert found.subjects() == ["case0", "case1"]
    assert found.load("case0").label.any()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.nii,", "a,b/0.nii,", "line 2: 5 cells, 4 columns"),
        ("mask\n", "label\n", "two columns are called label"),
        ("0.nii,", "a\0b,", "a NUL in line 2"),
        ("0.nii,", "a\u2028b,", "line 2: the path 'a\\u2028b' has the character U+2028"),
        ("0.nii,", '"a\nb",', "has the character U+000A"),
        ("0.nii,", "x" * 5000 + ",", "characters is too long"),
        ("0.nii,", "x" * 200_000 + ",", "field larger than field limit"),
        ("0.nii,", "~nobody-here/0.nii,", "begins with no user's name"),
        ("0.nii,", "C:\\scans\\0.nii,", "is a path of Windows"),
        ("case0", "c" * 5000, "cannot name a subject"),
        ("case0", "case\u20280", "'case\\u20280' cannot name a subject"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = manifest(tmp_path)
    file.write_text(TABLE.replace(old, new, 1), encoding="utf-8")
    answer = vbench("data", "check", file)
    assert answer.code == 2
    lines = [line for line in (answer.out + answer.err).splitlines() if message in line]
    assert len(lines) == 1


def test_a_table_of_another_code_page_names_the_line(tmp_path: Path) -> None:
    file = manifest(tmp_path)
    file.write_bytes(TABLE.replace("case1", "Müller").encode("cp1252"))
    answer = vbench("data", "check", file)
    assert answer.code == 2
    assert "not UTF-8 text (byte 0xfc in line 3); save it as 'CSV UTF-8'" in answer.err


@pytest.mark.parametrize("target", ["manifest.csv", "gone.csv"])
def test_a_table_behind_a_dead_link_is_said(tmp_path: Path, target: str) -> None:
    file = tmp_path / "manifest.csv"
    file.symlink_to(target)
    with pytest.raises(DataError, match=f"a broken link to {target}"):
        source(file).subjects()


CELLS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["0.nii", "case0", ""])


@settings(
    max_examples=examples(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(st.lists(CELLS, max_size=5), max_size=4),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    tail=st.text(st.characters(codec="utf-8"), max_size=8),
)
def test_any_table_is_read_or_said(
    tmp_path: Path, rows: list[list[str]], delimiter: str, quoting: int, tail: str
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerow(["subject", "image", "label", "mask"])
    writer.writerows(rows)
    file = tmp_path / "m.csv"
    file.write_text(text.getvalue() + tail, encoding="utf-8", newline="")
    with pytest.raises(DataError) as caught:
        source(file).subjects()
    assert len(str(caught.value).splitlines()) == 1
