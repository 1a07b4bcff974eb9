"""Ctrl-C at a moment that suits."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupted_after() -> Iterator[None]:
    """An interrupt inside is raised behind the block, so that what it changes is whole.

    For blocks that take no longer than a person waits for Ctrl-C.
    """
    caught = False

    def note(signum: int, frame: FrameType | None) -> None:
        nonlocal caught
        caught = True

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if caught:
        raise KeyboardInterrupt
