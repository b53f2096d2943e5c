from __future__ import annotations

import numpy as np
import pytest

from vbench.labels import LabelMap, told, written


def test_values_become_indices_and_come_back():
    found = LabelMap.of({"artery": [1, 2, 3], "vein": 7, "ignore": 255, "background": [9]})
    values = np.array([[0, 1, 2], [3, 7, 9], [255, 255, 0]], np.int32)
    index, ignore = found.index(values)
    assert index.dtype == np.uint8
    np.testing.assert_array_equal(index, [[0, 1, 1], [1, 2, 0], [0, 0, 0]])
    np.testing.assert_array_equal(ignore, values == 255)
    np.testing.assert_array_equal(written(index, found.written), [[0, 1, 1], [1, 7, 0], [0, 0, 0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_type_and_order_is_read(dtype, order):
    values = np.asarray([[0, 1], [1, 0]]).astype(dtype, order=order)
    index, ignore = LabelMap.of({"artery": 1}).index(values)
    np.testing.assert_array_equal(index, [[0, 1], [1, 0]])
    assert ignore is None


def test_large_values_are_read():
    values = np.array([0, 5, 2**40], np.int64)
    found = LabelMap.of({"a": 5, "b": 2**40})
    np.testing.assert_array_equal(found.index(values).classes, [0, 1, 2])
    np.testing.assert_array_equal(written(found.index(values).classes, found.written), values)


def test_a_value_without_a_name_is_told_with_both_ways_out():
    found = LabelMap.of({"artery": 1})
    with pytest.raises(ValueError, match=r"the value 4 \(2 voxels\)") as caught:
        found.index(np.array([0, 1, 4, 4]))
    assert "background = [4]" in str(caught.value)
    many = dict.fromkeys(range(2, 20), 1)
    assert "background = 'rest'" in told(many)


def test_the_rest_is_background_when_said_so():
    found = LabelMap.of({"artery": 1, "background": "rest"})
    np.testing.assert_array_equal(found.index(np.array([0, 1, 4])).classes, [0, 1, 0])


@pytest.mark.parametrize(
    "table",
    [
        {"artery": [3, 1], "vein": [2], "ignore": [255]},
        {"vein": [2], "artery": [1], "background": [5]},
        {"vein": [2], "background": "rest"},
    ],
)
def test_a_map_is_its_table(table):
    found = LabelMap.of(table)
    assert found.table == table
    assert LabelMap.of(found.table) == found


def test_another_order_is_the_other_data_sets():
    found = LabelMap.of({"vein": 5, "artery": [6, 7]}).ordered(("artery", "vein"))
    np.testing.assert_array_equal(found.index(np.array([5, 6, 7])).classes, [2, 1, 1])
    with pytest.raises(ValueError, match="names the classes artery"):
        LabelMap.of({"artery": 1}).ordered(("artery", "vein"))


def test_as_many_classes_as_fit_into_a_byte():
    LabelMap.of({f"c{i}": i for i in range(1, 255)})
    with pytest.raises(ValueError, match="at most 254"):
        LabelMap.of({f"c{i}": i for i in range(1, 256)})


@pytest.mark.parametrize("name", ["", " a", "a,b", "a\nb", "x" * 65])
def test_a_name_is_a_plain_line(name):
    with pytest.raises(ValueError, match="cannot name a class"):
        LabelMap.of({name: 1})
