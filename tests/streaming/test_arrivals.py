"""Items in groups: of a fixed size, or of those that have arrived."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.streaming.arrivals import grouped


@given(st.lists(st.integers()), st.integers(1, 5), st.booleans())
def test_all_items_come_in_order(items: list[int], most: int, arriving: bool) -> None:
    groups = list(grouped(items, most, arriving=arriving))
    assert [item for group in groups for item in group] == items
    assert all(1 <= len(group) <= most for group in groups)
    if not arriving:
        assert len(groups) == -(-len(items) // most)


def test_none_is_waited_for_once_there_is_one() -> None:
    arrived: Queue[int | None] = Queue()
    groups = grouped(iter(lambda: arrived.get(timeout=60), None), 10, arriving=True)
    for number in range(3):
        arrived.put(number)
        assert next(groups) == [number]
    arrived.put(None)
    assert list(groups) == []


def test_a_backlog_comes_in_large_groups() -> None:
    begun: Queue[None] = Queue()

    def items() -> Iterator[int]:
        yield 0
        yield from range(1, 101)
        begun.put(None)

    groups = grouped(items(), 1000, arriving=True)
    first = next(groups)
    begun.get(timeout=60)  # all of them have been read
    assert len(list(groups)) <= 2
    assert first[0] == 0


@pytest.mark.parametrize("arriving", [True, False])
def test_an_error_comes_after_all_before_it(arriving: bool) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise InputError("line 2")

    got = []
    with pytest.raises(InputError, match="line 2"):  # noqa: PT012
        for group in grouped(items(), 1, arriving=arriving):
            got += group
    assert got == [1]
