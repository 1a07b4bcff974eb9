"""One live sequence of a trained network: chunks in, answers out, and its place a value.

A session and its model are two things. The model is shared and never changed; a session holds only
what one sequence has left so far: the state of the layers, and what was held back because the
chunk ended in the middle of a character, a word, a row or a window. All of that is in `state`, so a
session can be saved, sent elsewhere, and gone on with.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from elman.errors import InputError
from elman.files import write_bytes
from elman.layers.state import State
from elman.parse import parse_json

FORMAT = 1
"""Raised when a snapshot can no longer be read by the code before it."""

LARGEST = 1 << 30
"""A snapshot has at most so many bytes: one that claims more is not read."""

_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What values of a wrong kind raise where they are used."""

_LONGEST_REASON = 300
"""Characters of a reason that is told: a value of a damaged snapshot may stand in it."""

Chunk = TypeVar("Chunk")
Answer = TypeVar("Answer")


class Identified(Protocol):
    """A model that is identified by a fingerprint."""

    @property
    def fingerprint(self) -> str:
        """A hash of its weights and of all that turns raw input into its steps."""


@dataclass(frozen=True)
class Snapshot:
    """All that a session knows, apart from its model.

    Attributes:
        kind: the kind of predictor, such as "language-model".
        model: the fingerprint of the model that it is a session of.
        states: states of layers, by name.
        tensors: other numbers: rows not read yet, samples of an unfinished window.
        values: whatever JSON holds: text held back, counters, the header of a table.
    """

    kind: str
    model: str
    states: Mapping[str, State] = field(default_factory=dict)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The snapshot as a safetensors file, the same bytes for the same session."""
        tensors = {f"tensor/{name}": tensor for name, tensor in self.tensors.items()}
        for name, state in self.states.items():
            tensors |= {f"state/{name}/{part}": tensor for part, tensor in state.items()}
        header = {
            "format": FORMAT,
            "kind": self.kind,
            "model": self.model,
            # Pairs, since sorted keys would change the order of a state's parts.
            "axes": {name: list(state.axes.items()) for name, state in self.states.items()},
            "values": self.values,
        }
        text = json.dumps(header, allow_nan=False, ensure_ascii=True, sort_keys=True)
        stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        return safetensors.torch.save(stored, {"elman.session": text})

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "the snapshot") -> Self:
        """What `to_bytes` gave.

        Args:
            data: the bytes.
            where: what to call them in an error.

        Raises:
            InputError: they are no snapshot, damaged, too many, or of another version.
        """
        if len(data) > LARGEST:
            raise InputError(f"{where}: {len(data):,} bytes, a snapshot has at most {LARGEST:,}")
        try:
            length = int.from_bytes(data[:8], "little")
            if not 0 < length <= len(data) - 8:
                raise ValueError("no safetensors file")
            metadata = parse_json(data[8 : 8 + length])["__metadata__"]
            header = parse_json(metadata["elman.session"])
            if header["format"] != FORMAT:
                raise InputError(
                    f"{where}: a snapshot of format {header['format']!r}, expected {FORMAT};"
                    " begin the session anew"
                )
            tensors = safetensors.torch.load(data)
            states = {
                str(name): State.with_axes(
                    {str(part): tensors.pop(f"state/{name}/{part}") for part, _ in axes},
                    {str(part): int(axis) for part, axis in axes},
                )
                for name, axes in header["axes"].items()
            }
            rest = {name.removeprefix("tensor/"): tensor for name, tensor in tensors.items()}
            return cls(
                str(header["kind"]), str(header["model"]), states, rest, dict(header["values"])
            )
        except InputError:
            raise
        except (SafetensorError, OSError, *_MISFITS) as error:
            raise InputError(
                f"{where}: cannot be read as a snapshot of a session ({error})"
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the bytes to a file, whole or not at all."""
        write_bytes(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: a missing, unreadable or damaged file.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
        return cls.from_bytes(data, str(path))


class Session(ABC, Generic[Chunk, Answer]):
    """One live sequence of a predictor; see the predictor for what a chunk and an answer are.

    However a sequence is cut into chunks, the answers are the same, and so are those of a session
    that goes on from `state` in another process. Sessions of one model share nothing but it.

    A push that raises has read all that came before the fault; `InputError.answers` holds what it
    had to say to that, so nothing is lost.

    Args:
        model: what the session is of; its fingerprint goes into every snapshot.
    """

    kind: ClassVar[str]
    reads: ClassVar[Literal["lines", "bytes"]] = "lines"
    """How a program hands over what it reads: text, cut after each line so that one is answered
    before the next, or bytes such as those of audio, in which a newline means nothing."""
    hint: str = "text"
    """What is expected, and how to give it, for an error where nothing came."""

    def __init__(self, model: Identified) -> None:
        self._identified = model

    def push(self, chunk: Chunk) -> list[Answer]:
        """Read on; what is settled by `chunk`.

        Raises:
            InputError: a part of the chunk that can't be read. What came before it stays read.
        """
        return _collected(self._read(chunk))

    def flush(self) -> list[Answer]:
        """End the input; the answers to what was held back. A push after it begins a new input.

        Raises:
            InputError: an end in the middle of something. The next push begins a new input too.
        """
        try:
            return _collected(self._end())
        except InputError:
            self.reset()
            raise

    @abstractmethod
    def reset(self) -> None:
        """Forget all that was read."""

    def fork(self) -> Self:
        """Another session at the same place; from here on neither knows of the other."""
        twin = self._another()
        twin._restore(self._snapshot())
        return twin

    @property
    def state(self) -> Snapshot:
        """The place of the session, a copy; set it to go on from another.

        Raises:
            InputError: when set to the snapshot of another model or of another kind, or to one
                whose content does not fit. The session stays as it was.
        """
        return self._snapshot()

    @state.setter
    def state(self, snapshot: Snapshot) -> None:
        if not isinstance(snapshot, Snapshot):
            raise InputError(
                f"expected a Snapshot, as .state gives or Snapshot.from_bytes, got"
                f" {type(snapshot).__name__}"
            )
        if snapshot.kind != self.kind:
            raise InputError(
                f"the snapshot is of a {snapshot.kind} session, expected one of a {self.kind}"
            )
        if snapshot.model != self._identified.fingerprint:
            raise InputError(
                f"the snapshot belongs to model {snapshot.model[:12]}, this session is of model"
                f" {self._identified.fingerprint[:12]}; load the predictor that it was saved from"
            )
        before = self._snapshot()
        try:
            _check_numbers(snapshot.states)
            self._restore(snapshot)
        except (RuntimeError, *_MISFITS) as error:
            self._restore(before)
            if isinstance(error, InputError):
                raise
            reason = " ".join(str(error).split())[:_LONGEST_REASON]
            raise InputError(f"the snapshot does not fit this session ({reason})") from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of model {self._identified.fingerprint[:12]}>"

    @abstractmethod
    def _read(self, chunk: Chunk) -> Iterator[Answer]:
        """The answers to a chunk, each given as soon as the session stands behind what it read."""

    @abstractmethod
    def _end(self) -> Iterator[Answer]:
        """The answers to what was held back."""

    @abstractmethod
    def _another(self) -> Self:
        """A fresh session of the same model with the same options."""

    @abstractmethod
    def _snapshot(self) -> Snapshot:
        """The place, in tensors and values of its own."""

    @abstractmethod
    def _restore(self, snapshot: Snapshot) -> None:
        """Go to a place of the same model; raise before anything is changed if it does not fit."""


def _check_numbers(states: Mapping[str, State]) -> None:
    """Refuse a state that would make all answers after it NaN.

    Minus infinity stands where a maximum over steps begins.
    """
    for name, state in states.items():
        for part, tensor in state.items():
            if tensor.is_floating_point() and (tensor.isnan() | tensor.isposinf()).any():
                raise ValueError(f"the state {name}/{part} is not finite")


def _collected(answers: Iterator[Answer]) -> list[Answer]:
    found: list[Answer] = []
    try:
        for answer in answers:
            found.append(answer)  # noqa: PERF402 (what came before an error is kept)
    except InputError as error:
        error.answers = (*found, *error.answers)
        raise
    return found
