"""What training tells: metrics.jsonl for machines, lines or a progress bar for people.

All of them take the same records, flat mappings from a name to a number.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import takewhile
from operator import index
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from elman.checksums import chained, damaged
from elman.errors import ElmanWarning, InputError
from elman.files import DiskFull, full_disk
from elman.numbers import significant
from elman.parse import parse_json

Record = Mapping[str, float | int]


class Recorder(Protocol):
    """Takes the records as they come."""

    def record(self, record: Record) -> None:
        """One report of the loop."""


class Log(Recorder, AbstractContextManager[Any], Protocol):
    """Shows the progress of training to a person; entered while training runs."""

    def advance(self, step: int, done: float, seconds_left: float) -> None:
        """After each step; `done` is the part of the budget that is used, 0 to 1."""

    def warn(self, text: str) -> None:
        """Something that the person who trains should know."""


def open_log(stream: TextIO, unit: str) -> Log:
    """A progress bar where `stream` is a terminal, plain lines elsewhere.

    Colors are left out where the environment sets NO_COLOR.
    """
    return ProgressLog(stream, unit) if stream.isatty() else PlainLog(stream, unit)


class QuietLog(AbstractContextManager[Any]):
    """Shows nothing."""

    def __exit__(self, *_: object) -> None: ...

    def record(self, record: Record) -> None: ...

    def advance(self, step: int, done: float, seconds_left: float) -> None: ...

    def warn(self, text: str) -> None: ...


class PlainLog(AbstractContextManager[Any]):
    """One line for each evaluation, and between them at most one every `every` seconds."""

    def __init__(self, stream: TextIO, unit: str, every: float = 10.0) -> None:
        self._stream, self._unit, self._every = stream, unit, every
        self._written = time.monotonic()
        self._left = math.inf

    def __exit__(self, *_: object) -> None: ...

    def record(self, record: Record) -> None:
        now = time.monotonic()
        if "validation_loss" in record or now - self._written >= self._every:
            self._written = now
            left = f" · {_duration(self._left)} left" if math.isfinite(self._left) else ""
            self._stream.write(f"{describe(record, self._unit)}{left}\n")
            self._stream.flush()

    def advance(self, step: int, done: float, seconds_left: float) -> None:
        self._left = seconds_left

    def warn(self, text: str) -> None:
        self._stream.write(f"warning: {text}\n")
        self._stream.flush()


class ProgressLog:
    """A bar with the loss, the speed and the time left; each evaluation stays as a line above."""

    def __init__(self, stream: TextIO, unit: str) -> None:
        self._unit = unit
        self._progress = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.description}"),
            TextColumn("{task.fields[left]}"),
            console=Console(file=stream),
            refresh_per_second=4,
            expand=True,
        )
        self._task = self._progress.add_task("", total=1.0, left="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def record(self, record: Record) -> None:
        text = describe(record, self._unit)
        if "validation_loss" in record:
            self._progress.console.print(text, markup=False, highlight=False)
        self._progress.update(self._task, description=text.replace("[", r"\["))

    def advance(self, step: int, done: float, seconds_left: float) -> None:
        left = f"{_duration(seconds_left)} left" if math.isfinite(seconds_left) else ""
        self._progress.update(self._task, completed=done, left=left)

    def warn(self, text: str) -> None:
        self._progress.console.print(f"warning: {text}", markup=False, highlight=False)


def describe(record: Record, unit: str) -> str:
    """A record as one line for people."""
    parts = [f"step {record['step']}"]
    if "loss" in record:
        parts.append(f"loss {significant(record['loss'])}")
    if "validation_loss" in record:
        # Where weights are chosen by another measure, that is the record's loss.
        nats = record.get("validation_nats", record["validation_loss"])
        parts.append(f"validation loss {significant(nats)}")
    parts += [
        f"{rate.upper()} {100 * record[key]:.1f} %"
        for rate in ("cer", "wer")
        if (key := f"validation_{rate}") in record
    ]
    if "units_per_second" in record:
        parts.append(f"{record['units_per_second']:,.0f} {unit}/s")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


class MetricsFile:
    """metrics.jsonl: one JSON object a line, in the order of steps.

    The last field of each, `chain`, is a checksum of the line and of all lines before it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chain: str | None = None  # of the last line; None before it is known

    def record(self, record: Record) -> None:
        """Append one line, whole or not at all."""
        # JSON has no infinity, which the perplexity of a bad model can be.
        plain = {name: value if math.isfinite(value) else None for name, value in record.items()}
        body = json.dumps(plain, allow_nan=False).encode()
        chain = chained(self._last_chain(), body)
        line = body[:-1] + f', "chain": "{chain}"}}\n'.encode()
        with self._path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                written = file.write(line)
                while written < len(line):  # a short write; the next one says what is wrong
                    written += file.write(line[written:])
            except BaseException as error:
                file.truncate(before)
                if (number := full_disk(error)) is not None:
                    raise DiskFull(number, self._path) from error
                raise
        self._chain = chain

    def sync(self) -> None:
        """Force what was recorded out to the disk, before a checkpoint that counts on it."""
        if self._path.exists():
            with self._path.open("rb+") as file:
                try:
                    os.fsync(file.fileno())
                except OSError as error:  # where the disk finds out late that it is full
                    if (number := full_disk(error)) is not None:
                        raise DiskFull(number, self._path) from error
                    raise

    def cut_back(self, step: int, reported: int = 0) -> None:
        """Drop the lines after `step`, and a line that a kill has left unfinished.

        Args:
            step: the last that stays.
            reported: the step of a line that must be there, unless there is no file at all.

        Raises:
            InputError: a line is damaged, or lines are missing.
        """
        if not self._path.exists():
            if reported:
                warnings.warn(
                    f"{self._path}: is missing; going on without the record up to step {reported}",
                    ElmanWarning,
                    stacklevel=2,
                )
            return
        lines = list(takewhile(lambda line: line.record["step"] <= step, _lines(self._path)))
        if lines[-1].record["step"] < reported if lines else reported:
            raise damaged(self._path, WITHOUT, "the end")
        os.truncate(self._path, sum(line.size for line in lines))
        self._chain = lines[-1].chain if lines else ""

    def _last_chain(self) -> str:
        if self._chain is None:
            lines = list(_lines(self._path)) if self._path.exists() else []
            self._chain = lines[-1].chain if lines else ""
        return self._chain


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a metrics.jsonl; none where there is no such file yet.

    Raises:
        InputError: a line is damaged.
    """
    return [line.record for line in _lines(path)] if path.exists() else []


WITHOUT = "restore it from a copy, or move it away to go on without the record so far"
_LINE = re.compile(rb'(\{.*), "chain": "([0-9a-f]{16})"\}(.?)', re.DOTALL)


class _Line(NamedTuple):
    size: int
    record: dict[str, Any]
    chain: str


def _lines(path: Path) -> Iterator[_Line]:
    """Each whole line of a metrics.jsonl: its bytes, its record and its checksum."""
    chain = ""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            match = _LINE.fullmatch(line)
            if not line.endswith(b"\n") and (match is None or not match[3]):
                return  # what a kill has left unfinished
            body = b"" if match is None else match[1] + b"}"
            chain = chained(chain, body)
            if match is None or match[3] != b"\n" or match[2] != chain.encode():
                raise damaged(path, WITHOUT, f"line {number}")
            try:
                record = dict(parse_json(body))
                index(record["step"])
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path}: line {number} is not a record of metrics; {WITHOUT}"
                ) from error
            yield _Line(len(line), record, chain)


class TensorBoard(AbstractContextManager[Any]):
    """The same records as TensorBoard events; an InputError where tensorboard is not installed."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise InputError(
                "tensorboard is asked for, but is not installed:"
                ' `pip install "elman[track]"`, or leave the setting out'
            ) from error
        self._writer = SummaryWriter(str(folder), purge_step=step + 1)

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def record(self, record: Record) -> None:
        for name, value in record.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(record["step"]))
        self._writer.flush()
