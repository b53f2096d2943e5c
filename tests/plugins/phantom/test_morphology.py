from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vbench_plugins.phantom.morphology import BRAVA, Percentiles, branches, markdown, measure
from vbench_plugins.phantom.swc import Tree, read_swc, swc_text

from vbench.errors import DataError


def tree(points: list[tuple[float, float, float]], parent: list[int], radius: list[float]) -> Tree:
    return Tree(
        np.asarray(points, float), np.asarray(radius), np.asarray(parent), np.full(len(parent), 3)
    )


def fork(turn: float, other: float, radii: tuple[float, float, float] = (1.0, 0.8, 0.6)) -> Tree:
    """A vessel of 10 mm along z that splits, in a plane, into two of 10 mm each."""
    points, parent, radius = (
        [(0.0, 0.0, float(z)) for z in range(11)],
        list(range(-1, 10)),
        [radii[0]] * 11,
    )
    for angle, sign, r in ((turn, 1, radii[1]), (other, -1, radii[2])):
        x, z = sign * np.sin(np.radians(angle)), np.cos(np.radians(angle))
        for step in range(1, 11):
            parent.append(10 if step == 1 else len(points) - 1)
            points.append((step * x, 0.0, 10 + step * z))
            radius.append(r)
    return tree(points, parent, radius)


def test_a_fork_measures_as_it_was_drawn() -> None:
    table = {name: row.p50 for name, row in measure([fork(30, 50)]).items()}
    assert table["smaller parent-child angle (deg)"] == pytest.approx(30, abs=1e-4)
    assert table["larger parent-child angle (deg)"] == pytest.approx(50, abs=1e-4)
    assert table["angle between children (deg)"] == pytest.approx(80, abs=1e-4)
    assert table["child radius ratio"] == pytest.approx(0.6 / 0.8)
    assert table["Murray ratio"] == pytest.approx(0.8**3 + 0.6**3)
    assert table["total length per brain (mm)"] == pytest.approx(30)
    assert table["branch length (mm)"] == pytest.approx(10)
    assert table["tortuosity"] == pytest.approx(1)
    assert (table["bifurcations per brain"], table["tips per brain"]) == (1, 2)
    assert table["depth of a tip (branches)"] == 2


def test_a_quarter_circle_has_the_tortuosity_of_one() -> None:
    angle = np.linspace(0, np.pi / 2, 200)
    points = np.stack([20 * np.cos(angle), 20 * np.sin(angle), 0 * angle], axis=1)
    bent = Tree(points, np.full(200, 0.5), np.arange(-1, 199), np.zeros(200))
    row = measure([bent])["tortuosity"]
    assert row.p50 == pytest.approx(np.pi / 2 / np.sqrt(2), rel=1e-3)
    assert measure([bent])["branch length / radius"].p50 == pytest.approx(
        10 * np.pi / 0.5, rel=1e-3
    )


def test_branches_of_up_to_3_mm_count_in_no_branch_statistic() -> None:
    stub = tree([(0, 0, 0), (0, 0, 2)], [-1, 0], [1, 1])
    table = measure([stub])
    assert "branch length (mm)" not in table
    assert table["total length per brain (mm)"].p50 == 2
    assert table["tips per brain"].p50 == 1


def test_brains_are_pooled_and_several_roots_are_one_brain() -> None:
    one = fork(30, 50)
    two = Tree(
        np.concatenate([one.points, one.points + 100]),
        np.r_[one.radius, one.radius],
        np.r_[one.parent, np.where(one.parent < 0, -1, one.parent + len(one.parent))],
        np.r_[one.kind, one.kind],
    )
    assert measure([one, one])["bifurcations per brain"] == Percentiles(2, 1, 1, 1, 1, 1)
    assert measure([two])["bifurcations per brain"] == Percentiles(1, 2, 2, 2, 2, 2)


def test_three_children_are_one_bifurcation_of_the_two_largest() -> None:
    points = [(0, 0, 0), (0, 0, 5), (5, 0, 5), (-5, 0, 5), (0, 5, 5)]
    table = measure([tree(points, [-1, 0, 1, 1, 1], [1, 1, 0.8, 0.2, 0.6])])
    assert table["bifurcations per brain"].p50 == 1
    assert table["child radius ratio"].p50 == pytest.approx(0.75)
    assert table["angle between children (deg)"].p50 == pytest.approx(90)


def test_branches_know_their_parents_and_depth() -> None:
    runs = branches(fork(30, 50))
    assert [run.parent for run in runs] == [-1, 0, 0]
    assert [run.depth for run in runs] == [1, 2, 2]
    assert runs[0].nodes.tolist() == list(range(11))
    assert all(run.nodes[0] == 10 for run in runs[1:])


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_swc_files_come_back_in_any_order_of_lines(
    tmp_path_factory: pytest.TempPathFactory, draws: list[int], random: Random
) -> None:
    parent = np.array([-1] + [draw % (i + 1) for i, draw in enumerate(draws)])
    points = np.random.default_rng(len(draws)).normal(0, 50, (len(parent), 3)).round(3)
    whole = Tree(
        points, np.linspace(0.3, 2, len(parent)).round(3), parent, np.arange(len(parent)) % 7
    )
    path = tmp_path_factory.mktemp("swc") / "tree.swc"
    path.write_text(swc_text(whole))
    lines = path.read_text().splitlines()
    body = lines[1:]
    random.shuffle(body)
    path.write_text("\n".join(body) + "\n")
    again = read_swc(path)
    assert (again.parent < np.arange(len(parent))).all()
    expected = measure([whole])
    for name, row in measure([again]).items():
        assert row == pytest.approx(expected[name]), name
    order = np.lexsort(again.points.T)
    np.testing.assert_allclose(again.points[order], whole.points[np.lexsort(whole.points.T)])
    up, own = again.points[again.parent[again.parent >= 0]], whole.points[parent[parent >= 0]]
    np.testing.assert_allclose(np.sort(up, axis=0), np.sort(own, axis=0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no nodes"),
        ("1 2 0 0 0 1", "seven"),
        ("1 2 0 0 zero 1 -1", "seven numbers"),
        ("1 2 0 0 nan 1 -1", "finite"),
        ("1 2 0 0 0 1 -1\n1 2 1 0 0 1 -1", "twice"),
        ("1 2 0 0 0 1 7", "parent 7"),
        ("1 2 0 0 0 1 2\n2 2 1 0 0 1 1", "loop"),
        ("1;1;0;0;0;1;-1\n2;1;0,5;2;1;1;1", "seven numbers"),
        ("1,1,0,0,0,1,-1\n2,1,0,5,2,1,1,1", "decimals with a point"),
        ("1;1;0;0;0;1;-1;2;1;0;0;5;1;1", "got 14"),
    ],
)
def test_a_faulty_file_is_named_with_its_fault(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "faulty.swc"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"faulty\.swc.*{says}"):
        read_swc(path)


@pytest.mark.parametrize("between", [" ", "\t", ",", ", ", ";", " ; "])
def test_columns_are_apart_by_spaces_commas_or_semicolons(tmp_path: Path, between: str) -> None:
    rows = (["1", "1", "0", "0", "0", "1", "-1"], ["2", "1", "0.5", "2", "1", "1", "1"])
    (tmp_path / "a.swc").write_text("\n".join(between.join(row) for row in rows))
    assert read_swc(tmp_path / "a.swc").points[1].tolist() == [0.5, 2, 1]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.swc"):
        read_swc(tmp_path / "none.swc")


def test_the_table_shows_each_quantity_beside_its_reference() -> None:
    text = markdown(measure([fork(30, 50)]))
    assert text.count("| measured |") == len(BRAVA)
    assert text.count("| reference |") == len(BRAVA)
    assert "| tortuosity | measured | 3 | 1 | 1 | 1 | 1 | 1 |" in text


def test_reference_percentiles_ascend() -> None:
    for name, row in BRAVA.items():
        assert list(row[1:]) == sorted(row[1:]), name


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2 1 1 0 0 0 1", r"a\.swc:2: the radius is 0 \(0 and -1 stand for unknown\)"),
        ("2 1 1 0 0 -1 1", r"a\.swc:2: the radius is -1"),
        ("2 1 1 0 0 nan 1", "seven finite numbers"),
        ("2 1 1 0 0 0,5 1", "expected seven numbers"),
        ("2 1 1 0 0 1", "seven finite numbers"),
        ("2.5 1 1 0 0 1 1", "must be whole numbers"),
        ("2 1 1 0 0 1 1.5", "must be whole numbers"),
        ("2 1 1 0 0 1 1e300", "must be whole numbers"),
        ("2 1 1 0 0 1 2", "the parents form a loop"),
        ("2 1 1 0 0 1 9", "parent 9 is no node of the file; a root has the parent -1"),
        ("1 1 1 0 0 1 -1", "a node id occurs twice"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "a.swc").write_text(f"1 1 0 0 0 1 -1\n{line}\n")
    with pytest.raises(DataError, match=message) as caught:
        read_swc(tmp_path / "a.swc")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("separator", [" ", "\t", ",", ", ", ";"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_centre_lines_are_read_as_programs_write_them(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = [(10, 1, 0.0, 0, 0, 1.5, -1), (30, 3, 1, 0, 0, 1, 10), (20, 3, 2, 0, 0, 1, 30)]
    lines = [separator.join(map(str, row)) + " # µ" for row in rows]
    text = "\r\n".join(["# a comment", "", *lines, "40 1 9 9 9 1 -1"])
    (tmp_path / "a.swc").write_bytes(text.encode(encoding))
    tree = read_swc(tmp_path / "a.swc")
    assert sorted(tree.points[:, 0].tolist()) == [0, 1, 2, 9]
    assert (tree.parent == -1).sum() == 2
