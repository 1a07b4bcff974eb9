"""What came of a hostile input: it was read, or refused in one line, or there is a fault."""

from __future__ import annotations

import signal
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Literal

from elman.errors import InputError

SECONDS = 5
"""An input hangs that takes more of the processor's time; how busy the machine is is no matter."""

WAITING = 60
"""Seconds by the clock after which an input hangs that does not compute, as before a pipe."""

LONGEST_MESSAGE = 1500
"""Characters; a refusal is one line for a person."""

Verdict = Literal["read", "refused", "traceback", "hang", "warning", "long"]
GOOD = ("read", "refused")


@dataclass(frozen=True)
class Input:
    """One input.

    Attributes:
        files: what is written into an empty folder, by relative path.
        read: reads it from there through the entry point that users come by.
        first_check: the function by which a table is read; a refusal from elsewhere came after it.
    """

    files: Mapping[str, bytes]
    read: Callable[[Path], object]
    first_check: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of it, in which words, and whether it got past the first check."""

    verdict: Verdict
    words: str
    past: bool = True


Generator = Callable[[Random], Input]


def drawn(generator: Generator, name: str, seed: int, number: int) -> Input:
    """Input `number` of a generator; the same for the same seed, wherever it is drawn."""
    return generator(Random(f"{seed} {name} {number}"))


def write(made: Input, folder: Path) -> None:
    for name, content in made.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class _Hang(BaseException):
    """The time is up; no handler of the code under test takes it for its own."""


def outcome(made: Input, folder: Path) -> Outcome:
    """Read an input that was written into `folder`."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise _Hang

    before = {number: signal.signal(number, stop) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WAITING)
    try:
        with warnings.catch_warnings(record=True) as raw:
            warnings.simplefilter("always")
            found = _read(made, folder)
    except _Hang:
        return Outcome("hang", f"not done in time\n{traceback.format_exc()}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
    if raw and found.verdict in GOOD:
        first = raw[0]
        return Outcome("warning", f"{first.category.__name__} {first.filename}: {first.message}")
    return found


def _read(made: Input, folder: Path) -> Outcome:
    try:
        made.read(folder)
    except InputError as error:
        words = str(error)
        if not words or len(words) > LONGEST_MESSAGE:
            return Outcome("long", words[:LONGEST_MESSAGE])
        frames = traceback.extract_tb(error.__traceback__)
        past = all(frame.name != made.first_check for frame in frames)
        return Outcome("refused", words, past)
    except Exception:  # noqa: BLE001 (which of them does not matter)
        return Outcome("traceback", traceback.format_exc())
    return Outcome("read", "")
