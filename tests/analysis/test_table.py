"""The leaderboard in the terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
import re

import pytest
from fabricate import fabricate
from rich.console import Console

from vbench.analysis import build_leaderboard, render_table
from vbench.analysis.table import latex, markdown, to_csv
from vbench.analysis.wording import duration, legend, number, span
from vbench.latex import escape, table


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return build_leaderboard(fabricate(tmp_path_factory.mktemp("out")).folder)


def shown(board, width=140, metrics=None, ansi=False):
    console = Console(
        width=width,
        file=io.StringIO(),
        force_terminal=ansi,
        color_system="standard" if ansi else None,
    )
    console.print(render_table(board, metrics))
    return console.file.getvalue()


def best(board):
    return number(board["rows"][0]["metrics"]["dsc"]["mean"])


def test_arms_come_best_first_and_failed_ones_last_with_their_reason(board):
    text = shown(board)
    order = ["mixed/wgan-gp-sn", "real", "synthetic/wgan-gp ", "transfer/wgan-gp-sn/n4"]
    places = [text.index(f"   {name}") for name in [*order, "synthetic/broken"]]
    assert places == sorted(places)
    assert "diverged: loss is NaN at step 40" in text


def test_best_is_bold(board):
    lines = [line for line in shown(board, ansi=True).splitlines() if "mixed/wgan-gp-sn" in line]
    assert f"\x1b[1m{best(board)}" in lines[0]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_arm_is_folded(board, width):
    text = shown(board, width)
    assert all(row["arm"] in text for row in board["rows"])
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80])
def test_names_are_broken_before_numbers_are(board, width):
    rows = [row | {"arm": f"{row['arm']}@a-segmenter-of-a-very-long-name"} for row in board["rows"]]
    text = shown(board | {"rows": rows}, width)
    assert max(map(len, text.splitlines())) <= width
    for row in rows:
        if row["status"] == "ok":
            entry = row["metrics"]["dsc"]
            low, high = map(number, entry["ci95"])
            assert f"[{low}, {high}]" in text
            assert re.search(rf"\b{re.escape(number(entry['mean']))}(?!\d)", text)
            assert row["arm"][:10] in text
    for line in text.partition("mean over cases")[0].splitlines():
        assert line.count("[") == line.count("]")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 140, 200])
def test_all_metrics_of_the_spec_are_shown_and_no_cell_is_broken(board, width):
    text = shown(board, width)
    assert all(name in text for name in ("DSC", "HD95", "cldice", "fid", "nn-ratio"))
    for row in board["rows"]:
        for name in ("dsc", "cldice") if row["status"] == "ok" else ():
            entry = row["metrics"][name]
            assert number(entry["mean"]) in text
            low, high = map(number, entry["ci95"])
            assert f"[{low}, {high}]" in text
    for line in text.partition("mean over cases")[0].splitlines():
        assert line.count("[") == line.count("]")
    markdown_text = markdown(board)
    assert all(name in markdown_text for name in ("cldice", "fid", "membership-auc"))


@pytest.mark.parametrize("metrics", [["dsc", "hd95"], None])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_column_of_privacy_takes_no_interval_away(leaking, width, metrics):
    text = shown(leaking, width, metrics)
    assert "privacy" in text
    for row in leaking["rows"]:
        for name in metrics or leaking["metrics"]:
            assert span(row["metrics"][name]["ci95"]) in text


def test_a_narrow_terminal_says_what_it_leaves_out_and_what_shows_it(leaking):
    notes = [" ".join(shown(leaking, width).split()) for width in (80, 139, 140)]
    said = "left out here: ± sd, intervals of ratios, worst patient, time"
    assert [said in text for text in notes] == [True, True, False]
    assert "a terminal of 140 columns shows them, and so does vbench leaderboard" in notes[0]
    begun = {**leaking, "rows": [row for row in leaking["rows"] if row["status"] != "ok"]}
    assert "left out" not in shown(begun, 80), "nothing is, where nothing has run"


def test_csv_has_the_audits_in_lines_of_their_own(board):
    lines = list(csv.DictReader(io.StringIO(to_csv(board))))
    (line,) = (x for x in lines if x["arm"] == "synthetic/dcgan" and x["metric"] == "fid")
    row = next(row for row in board["rows"] if row["arm"] == "synthetic/dcgan")
    assert float(line["mean"]) == row["fidelity"]["fid"]["value"]
    assert (line["status"], line["rank"], line["n"]) == ("ok", "", "3")


def test_a_narrow_terminal_has_one_line_an_arm(board):
    lines = shown(board, 80).splitlines()
    at = next(i for i, line in enumerate(lines) if "mixed/wgan-gp-sn" in line)
    assert "real" in lines[at + 1]


def test_undefined_cases_are_shown_and_explained(board):
    text = shown(board)
    assert "] u1" in text
    assert "u undefined cases" in text


def test_signs_are_explained_when_they_occur(tmp_path):
    few = build_leaderboard(fabricate(tmp_path / "few", n_test=1).folder)
    many = build_leaderboard(fabricate(tmp_path / "many", n_test=11).folder)
    assert "differs from real" not in shown(few)
    assert "fewer than two test subjects: no interval, and nothing can be" in shown(few)
    assert "nothing can be significant" not in shown(many)
    text = shown(many)
    synthetic = next(row for row in many["rows"] if row["arm"] == "synthetic/wgan-gp-sn")
    assert f"{number(synthetic['metrics']['dsc']['mean'])}*" in text
    assert "* differs from real (p < 0.05, Holm-corrected over the table" in text
    assert "† differs from scratch" in text
    assert "≈ not told apart from the best" in text


@pytest.mark.parametrize(
    ("seeds", "claim", "words"),
    [
        ((0,), "networks", "one seed: intervals and signs are about these trained networks, not"),
        ((0, 1), "methods", "two seeds hardly tell how much trainings differ"),
        ((0, 1, 2), "methods", "95 % interval over new trainings and subjects"),
    ],
)
def test_the_legend_says_what_so_many_seeds_speak_of(tmp_path, seeds, claim, words):
    board = build_leaderboard(fabricate(tmp_path, seeds=seeds).folder)
    assert board["claim"] == claim
    assert words in shown(board, width=250)
    assert ("about these trained networks" in shown(board, width=250)) == (claim == "networks")


def test_a_table_in_which_one_arm_has_one_seed_says_so(tmp_path):
    made = fabricate(tmp_path)
    made.arm("real")["evaluate"].pop("1"), made.arm("real")["evaluate"].pop("2")
    made.rewrite()
    board = build_leaderboard(made.folder)
    claims = {row["arm"]: row["versus"]["real"]["dsc"]["claim"] for row in board["rows"]
              if "real" in row["versus"]}  # fmt: skip
    assert (board["claim"], set(claims.values())) == ("networks", {"networks"})
    text = shown(board, width=250)
    assert "arms with one seed, and what is compared with them: intervals and signs" in text
    assert "95 % interval over new trainings and subjects" in text


def test_hostile_names_are_text(board):
    hostile = {**board, "rows": [{**board["rows"][0], "arm": "[red]x[/red]|`<b>`"}]}
    assert "[red]x[/red]|`<b>`" in shown(hostile)
    assert r"[red]x[/red]\|\`\<b>\`" in markdown(hostile)


def test_markdown_tables_have_one_width(board):
    text = markdown(board)
    for block in text.split("###")[1:]:
        widths = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(widths) == 1
    assert f"| **{best(board)} ± " in text


def test_another_metric_can_be_shown(board):
    text = shown(board, metrics=["cldice"])
    assert "cldice ↑" in text
    assert "DSC" not in text.split("mean over")[0]


def test_csv_has_a_line_an_arm_and_metric_with_numbers_in_full(board):
    lines = list(csv.DictReader(io.StringIO(to_csv(board))))
    audited = sum(len(row["fidelity"]) + len(row["privacy"]) for row in board["rows"])
    assert len(lines) == len(board["rows"]) * 3 + audited
    line = next(r for r in lines if r["arm"] == "synthetic/wgan-gp-sn" and r["metric"] == "dsc")
    row = next(r for r in board["rows"] if r["arm"] == "synthetic/wgan-gp-sn")
    assert float(line["mean"]) == row["metrics"]["dsc"]["mean"]
    assert float(line["real_p"]) == row["versus"]["real"]["dsc"]["p"]
    assert float(line["ci95_low"]) == row["metrics"]["dsc"]["ci95"][0]
    assert line["scratch_p"] == ""
    assert (line["claim"], line["real_claim"]) == ("methods", "methods")


def test_an_unfinished_benchmark_says_so(tmp_path):
    board = build_leaderboard(fabricate(tmp_path, finished=False, failed=None).folder)
    text = shown(board)
    assert "(unfinished)" in text
    assert "has not run yet" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.8512, "0.851"),
        (1.234, "1.23"),
        (26.57, "26.6"),
        (155.2, "155"),
        (None, "–"),
        (-0.05, "-0.050"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_spans_and_durations():
    assert span([0.84, 0.86]) == "[0.840, 0.860]"
    assert span(None) == ""
    assert [duration(s) for s in (12, 200, 7600)] == ["12 s", "3 min", "2.1 h"]


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    truth = {"real": 0.9, "synthetic/copy": 0.88, "synthetic/gan": 0.8, "scratch/n1": 0.8}
    folder = tmp_path_factory.mktemp("out")
    made = fabricate(folder, truth=truth, seeds=(0,), n_test=2, failed=None)
    made.privacy("synthetic/copy")["nn-ratio"] |= {
        "alarm": True,
        "patients": [{"subject": 3, "value": 0.75, "ci95": [0.6, 0.9]}],
    }
    made.rewrite()
    return build_leaderboard(made.folder)


def test_a_verdict_stands_beside_the_score_of_each_arm(leaking):
    source, target, audits = markdown(leaking).split("###")[1:]
    assert audits.startswith(" synthetic patches")
    assert "ALARM" in audits
    beside = {
        cells[2]: cells[4:6]
        for line in source.splitlines()
        if len(cells := [cell.strip() for cell in line.split("|")]) > 6
    }
    assert {arm: cells for arm, cells in beside.items() if "-" not in arm} == {
        "arm": ["privacy", "worst patient"],
        "real": ["—", ""],
        "synthetic/copy": ["ALARM", "0.75 [0.60, 0.90]"],
        "synthetic/gan": ["no alarm", ""],
    }
    header = next(line for line in target.splitlines() if "DSC" in line)
    assert "privacy" not in header, "a table of arms that share nothing has no such column"


def test_a_narrow_terminal_has_the_verdict_and_explains_it(leaking):
    text = shown(leaking, 80)
    at = next(line for line in text.splitlines() if "synthetic/copy" in line)
    assert "ALARM" in at
    assert "worst patient" not in text.partition("mean over")[0]
    assert "no alarm (which is no proof)" in " ".join(text.split())


def test_csv_has_the_verdict_after_all_columns_that_were_there(leaking):
    lines = list(csv.DictReader(io.StringIO(to_csv(leaking))))
    assert list(lines[0])[-4:] == [
        "verdict", "worst_patient_risk", "worst_patient_risk_ci95_low",
        "worst_patient_risk_ci95_high",
    ]  # fmt: skip
    found = {line["arm"]: list(line.values())[-4:] for line in lines if line["metric"] == "dsc"}
    assert found["synthetic/copy"] == ["alarm", "0.75", "0.6", "0.9"]
    assert found["synthetic/gan"] == ["no alarm", "", "", ""]
    assert found["real"] == [""] * 4


def test_a_board_of_an_earlier_version_is_shown_without_verdicts(leaking):
    new = ("verdict", "verdicts", "alarms", "worst_patient", "flagged")
    rows = [{k: v for k, v in row.items() if k not in new} for row in leaking["rows"]]
    old = {**leaking, "rows": rows}
    assert "privacy" not in shown(old) + markdown(old)
    assert {line["verdict"] for line in csv.DictReader(io.StringIO(to_csv(old)))} == {""}


def test_latex_has_a_table_for_each_cohort_with_all_signs_as_latex(board):
    text = latex(board)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 4
    assert r"\textbf{0.9" in text
    assert "$^{*}$" in text
    assert text.count(r"\toprule") == 4
    bodies = re.findall(r"\\toprule\n(.*?)\\bottomrule", text, re.DOTALL)
    for body in bodies:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len({line.count(" & ") for line in rows}) == 1, "as many cells in each row"
    assert text.isascii()


@pytest.mark.parametrize(
    ("sizes", "unit"),
    [((None, None), "px"), ((0.01, None), "mm or px"), ((0.01, 0.02), "mm")],
    ids=["unknown", "one-of-two", "known"],
)
def test_distances_are_in_pixels_where_their_size_is_not_known(tmp_path, sizes, unit):
    made = fabricate(tmp_path)
    for role, size in zip(("source", "target"), sizes, strict=True):
        made.plan["data"][role]["params"] = {"pixel_size": size}
    made.rewrite()
    board = build_leaderboard(made.folder)
    assert board["metrics"]["hd95"]["unit"] == unit
    assert board["metrics"]["dsc"]["unit"] == ""
    note = "px: the size of a pixel is not known: distances count pixels"
    for text in (markdown(board), latex(board), shown(board, 200)):
        assert f"HD95 {unit} " in text
        assert (note in text) == (unit != "mm")
    assert {line["metric"] for line in csv.DictReader(io.StringIO(to_csv(board)))} >= {"hd95"}


def test_latex_keeps_text_that_means_something_to_it():
    assert escape(r"a_b & 50 % {x} \y #1 $2 ~ ^") == (
        r"a\_b \& 50 \% \{x\} \textbackslash{}y \#1 \$2 \textasciitilde{} \textasciicircum{}"
    )
    assert table(["a"], [["[0, 1]"]], "c")[7] == r"{}[0, 1] \\"


def test_the_legend_of_folds_speaks_of_folds_whatever_the_seeds(tmp_path):
    board = build_leaderboard(fabricate(tmp_path).folder)
    cohorts = list(board["cohorts"])
    of_folds = {**board, "folds": dict.fromkeys(cohorts, 5)}
    assert "95 % interval over folds and subjects]" in " ".join(legend(of_folds))
    for row in board["rows"]:
        row["seeds"] = 1
    text = " ".join(legend({**board, "folds": {cohorts[0]: 5}}))
    assert f"over folds and subjects ({cohorts[0]} data); test subjects, for these" in text
    assert "new trainings" not in text
