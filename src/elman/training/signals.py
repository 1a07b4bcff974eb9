"""Ctrl-C and SIGTERM as a request that the loop answers between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Self

from elman.errors import ElmanError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(ElmanError):
    """Training stopped on a signal, after it had written a checkpoint.

    Attributes:
        signal: its number; the exit code of the command line is 128 + this.
        checkpoint: what was written; None for a training in memory.
    """

    def __init__(self, number: int, checkpoint: Path | None) -> None:
        kept = "" if checkpoint is None else f"; everything so far is in {checkpoint}"
        super().__init__(f"interrupted by {signal.Signals(number).name}{kept}")
        self.signal = number
        self.checkpoint = checkpoint


class Interruption:
    """While entered, the first Ctrl-C or SIGTERM is noted instead of acting at once.

    A second one acts as if this were not there. Off the main thread, where Python lets nobody
    handle signals, nothing is noted and nothing is changed.

    Attributes:
        received: the number of the signal that came, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # None stands for a handler that was not set from Python; it cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def _note(self, number: int, _: FrameType | None) -> None:
        self.received = number
        self.__exit__()
