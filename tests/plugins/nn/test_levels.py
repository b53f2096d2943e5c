import pytest
from hypothesis import given
from hypothesis import strategies as st
from vbench_plugins.nn.levels import halvings, halvings_to_start, halvings_where_even


def shrink(size: tuple[int, ...], strides: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    for stride in strides:
        size = tuple(n // s for n, s in zip(size, stride, strict=True))
    return size


def test_the_papers_patch_is_halved_to_three() -> None:
    assert halvings((96, 96), 5) == ((3, 3), ((2, 2),) * 5)
    assert halvings_to_start((96, 96)) == ((3, 3), ((2, 2),) * 5)


def test_a_short_axis_is_left_alone_once_it_is_short() -> None:
    start, strides = halvings_to_start((32, 32, 8))
    assert start == (4, 4, 4)
    assert strides == ((2, 2, 2), (2, 2, 1), (2, 2, 1))


@pytest.mark.parametrize("size", [(14, 16), (7, 8), (16, 16, 1), (36, 22)])
def test_what_cannot_be_halved_says_so(size: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cannot be divided"):
        halvings_to_start(size)


def test_levels_that_do_not_divide_say_so() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        halvings((80, 96), 5)


@given(st.lists(st.integers(2, 6), min_size=2, max_size=3), st.lists(st.integers(0, 5), min_size=3))
def test_any_small_number_times_a_power_of_two_works(base: list[int], powers: list[int]) -> None:
    size = tuple(b * 2**p for b, p in zip(base, powers, strict=False))
    start, strides = halvings_to_start(size)
    assert shrink(size, strides) == start
    assert max(start) <= 6


@given(st.lists(st.integers(1, 40), min_size=2, max_size=3), st.integers(0, 5))
def test_halving_where_even_never_leaves_a_remainder(size: list[int], levels: int) -> None:
    rest = tuple(size)
    for stride in halvings_where_even(tuple(size), levels):
        assert all(n % s == 0 for n, s in zip(rest, stride, strict=True))
        rest = shrink(rest, (stride,))
