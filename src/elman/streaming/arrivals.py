"""Items that arrive one by one, in groups of those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from queue import Empty, Queue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")


def grouped(items: Iterable[T], most: int, *, arriving: bool = False) -> Iterator[list[T]]:
    """`items` in groups of `most`, the last of fewer.

    With `arriving` a group is what is there: at least one item, and once there is one, none is
    waited for. So each item can be answered at once, and a backlog is done in large groups. A
    thread then reads the items, at most `most` ahead.

    Raises:
        Exception: what `items` raises, once all before it has been given.
    """
    if not arriving:
        items = iter(items)
        while group := list(islice(items, most)):
            yield group
        return
    queue: Queue[Any] = Queue(most)
    end = object()
    failures: list[Exception] = []

    def read() -> None:
        try:
            for item in items:
                queue.put(item)
        except Exception as error:  # noqa: BLE001 (raised below, in the caller's thread)
            failures.append(error)
        queue.put(end)

    Thread(target=read, daemon=True).start()
    ended = False
    while not ended:
        group = [queue.get()]
        with suppress(Empty):
            while len(group) < most and group[-1] is not end:
                group.append(queue.get_nowait())
        if ended := group[-1] is end:
            group.pop()
        if group:
            yield group
    if failures:
        raise failures[0]
