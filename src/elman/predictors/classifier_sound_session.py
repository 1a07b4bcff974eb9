"""Live sound of a classifier: samples in as they come; out comes what is heard, again and again.

Legend: T frames, W of them a step, F bins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from pydantic import Field

from elman.data.labeled.encoded import windows
from elman.data.labeled.rows import Floats
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.audio_input import AudioInput
from elman.predictors.classifier_inputs import Schema
from elman.predictors.classifier_outputs import answered, softened
from elman.predictors.classifier_sounds import SoundEncoder
from elman.settings import Options
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import Stream

Row = Mapping[str, Any]

_AT_ONCE = 64
"""Steps that are pushed through the network at a time, so that a long chunk takes little memory."""


class ClassifierStreaming(Options):
    """How sound comes, and when it is answered; for classifiers of audio only."""

    rate: int | None = Field(
        default=None,
        description="samples a second of 16-bit PCM; a WAV says it itself",
        ge=1000,
        le=768_000,
    )
    every: float | None = Field(
        default=None,
        description="seconds of sound from one answer to the next; 0: after every step of the"
        " network; default: 0.1",
        ge=0,
        le=3600,
    )
    over: float | None = Field(
        default=None,
        description="seconds that an answer is about: it forgets what lies longer back, and"
        " remembers at least half of this; default: all since the beginning",
        gt=0,
        le=3600,
    )


@final
class SoundSession(Session[Any, Row]):
    """A one-direction classifier of sounds that answers as it hears, in constant memory.

    A chunk is bytes of 16-bit PCM or of a WAV, or an array of samples. The last answer, after
    `flush`, is that of `predict` for all that was heard, unless `over` says otherwise: two rows
    of the network then hear the same, each begins anew every `over` seconds, half of that after the
    other, and the one that has heard more answers.
    """

    kind: ClassVar[str] = "classifier"
    reads: ClassVar[Literal["lines", "bytes"]] = "bytes"

    def __init__(
        self,
        identified: Identified,
        model: Classifier,
        schema: Schema,
        sounds: SoundEncoder,
        options: ClassifierStreaming,
    ) -> None:
        super().__init__(identified)
        bank = sounds.front_end.bank
        if bank is None:
            raise InputError(
                "this classifier was trained on features computed elsewhere, which no sound can be"
                " turned into here; train it on audio to stream"
            )
        self._model, self._schema, self._sounds, self._options = model, schema, sounds, options
        self._shift = bank.shift / bank.rate
        self._overlap = (bank.length - bank.shift) / bank.rate
        self._step_seconds = self._shift * sounds.window
        every = 0.1 if options.every is None else options.every
        self._every = max(round(every / self._step_seconds), 1)
        self._half = 0
        if options.over is not None:
            self._half = max(round(options.over / self._step_seconds / 2), 1)
        self._rows = 2 if self._half else 1
        self._input = AudioInput(bank.rate, options.rate)
        self._stream = Stream(model, self._rows)
        self._begin()

    def reset(self) -> None:
        self._input.reset()
        self._begin()

    def _begin(self) -> None:
        """Go to the beginning of a sound."""
        self._frames = self._sounds.front_end.stream()
        self._stream.reset()
        self._held = np.zeros((0, self._sounds.front_end.bins), np.float32)
        self._steps = self._said = 0
        self._last: torch.Tensor | None = None

    def _read(self, chunk: Any) -> Iterator[Row]:
        for samples in self._input.read(chunk):
            yield from self._heard(self._frames.push(samples), last=False)

    def _end(self) -> Iterator[Row]:
        fault = None
        try:
            for samples in self._input.end():
                yield from self._heard(self._frames.push(samples), last=False)
        except InputError as error:
            fault = error  # what was heard before it is answered first
        yield from self._heard(self._frames.flush(), last=True)
        if fault is not None:
            raise fault
        self.reset()

    def _heard(self, frames: Floats, *, last: bool) -> Iterator[Row]:
        """The answers to what frames (T, F) complete; with `last`, to all that is held back too."""
        width = self._sounds.window
        held = np.concatenate([self._held, frames])
        ready = len(held) if last else len(held) // width * width
        items, before = torch.from_numpy(windows(held[:ready], width)), self._steps
        self._held = held[ready:]
        for begin, end in self._stretches(len(items)):
            logits = self._stream.push(items[begin:end, None].expand(-1, self._rows, -1, -1))
            for place, each in enumerate(logits, begin + 1):
                self._steps, self._last = before + place, each[self._older]
                if self._steps % self._every == 0:
                    yield self._answer(min(place * width, ready) - place * width)
        if last and self._said < self._steps:
            yield self._answer(ready - len(items) * width)

    def _stretches(self, steps: int) -> Iterator[tuple[int, int]]:
        """Which of the next steps are taken at once; a row of the stream begins anew in between."""
        begin = 0
        while begin < steps:
            end = min(begin + _AT_ONCE, steps)
            if self._half:
                past = self._steps % self._half
                if not past and self._steps:
                    self._stream.reset([self._steps // self._half % 2])
                end = min(end, begin + self._half - past)
            yield begin, end
            begin = end

    @property
    def _older(self) -> int:
        """The row of the stream that has heard more."""
        return ((self._steps - 1) // self._half + 1) % 2 if self._half else 0

    def _answer(self, missing: int) -> Row:
        """What is heard after the last step, whose last window lacks some frames (0 or less)."""
        assert self._last is not None
        self._said = self._steps
        begin = max((self._steps - 1) // self._half - 1, 0) * self._half if self._half else 0
        end = self._steps * self._step_seconds + missing * self._shift + self._overlap
        many = self._schema.kind == "many"
        probabilities = softened(self._last, self._model.temperature, many=many).cpu()
        place = {"begin": round(begin * self._step_seconds, 3), "end": round(end, 3)}
        return {**place, **answered(self._schema, probabilities.numpy())}

    def _another(self) -> Self:
        return type(self)(self._identified, self._model, self._schema, self._sounds, self._options)

    def _snapshot(self) -> Snapshot:
        heard, place = self._input.state
        tensors = {"held": torch.from_numpy(self._held.copy())}
        tensors |= {f"input/{name}": each for name, each in heard.items()}
        tensors |= {f"frames/{name}": each for name, each in self._frames.state.items()}
        if self._last is not None:
            tensors["last"] = self._last.clone()
        values = {"input": place, "steps": self._steps, "said": self._said}
        states = {"model": self._stream.state}
        return Snapshot(self.kind, self._identified.fingerprint, states, tensors, values)

    def _restore(self, snapshot: Snapshot) -> None:
        tensors, values = snapshot.tensors, snapshot.values
        steps, said = int(values["steps"]), int(values["said"])
        held, last = tensors["held"].numpy(), tensors.get("last")
        if not 0 <= said <= steps or (last is None) != (steps == 0):
            raise ValueError(f"{steps} steps, {said} of them answered: no place in a sound")
        if (
            held.dtype != np.float32
            or held.ndim != 2
            or held.shape[1] != self._held.shape[1]
            or len(held) >= self._sounds.window
        ):
            raise ValueError(f"frames of {held.dtype} and shape {held.shape} held back")
        if last is not None and last.shape != (len(self._schema.names),):
            raise ValueError(f"an answer of shape {tuple(last.shape)}")
        state = snapshot.states["model"]
        numbers = [tensors["held"], *(state.values() if last is not None else ())]
        if last is not None:
            numbers.append(last)
        if not all(each.isfinite().all() for each in numbers):
            raise ValueError("frames, a state or an answer that is not finite")
        self._stream.state = state
        self._frames.state = _below("frames/", tensors)
        self._input.state = (_below("input/", tensors), values["input"])
        self._held, self._last = held.copy(), None if last is None else last.clone()
        self._steps, self._said = steps, said


def _below(name: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors whose names begin so, without it."""
    return {key.removeprefix(name): each for key, each in tensors.items() if key.startswith(name)}
