"""A classifier that answers while it hears or sees, in constant memory.

What sound and video share stands here: how often it answers, what an answer is about, segments, and
the snapshot. A `LiveInput` turns what arrives into items of the network.

Legend: S steps, E features of an embedded item, R rows of the network, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, Self, final

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from elman.errors import InputError
from elman.layers.state import State
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.predictors.classifier_outputs import answered, softened
from elman.predictors.segments import Blocks, Place, Segment, Segmenter
from elman.settings import Options
from elman.streaming.session import Identified, Session, Snapshot
from elman.streaming.stream import evaluating

Row = Mapping[str, Any]

_AT_ONCE = 64
"""Items that are embedded at a time, so that a long chunk takes little memory."""

_WINDOWS = 8
"""A step is in so many windows of a segmentation, where they are long enough."""


@dataclass(frozen=True)
class Steps:
    """Items of the network, and the second up to which each has been heard or seen."""

    items: Tensor
    ends: Sequence[float]


class LiveInput(Protocol):
    """Chunks in, the items of a network out."""

    @property
    def hint(self) -> str:
        """What to give, for an error where nothing came."""

    @property
    def step_seconds(self) -> float:
        """Seconds from one item to the next."""

    def read(self, chunk: Any) -> Iterator[Steps]:
        """The items that a chunk completes; InputError after those before what can't be read."""

    def end(self) -> Iterator[Steps]:
        """The items of what was held back; InputError after them for a faulty end."""

    def reset(self) -> None:
        """Go to the beginning."""

    def another(self) -> Self:
        """A fresh input of the same settings."""

    @property
    def state(self) -> Place:
        """What is held back, in tensors and JSON values."""

    @state.setter
    def state(self, place: tuple[Mapping[str, Tensor], Mapping[str, Any]]) -> None: ...


class LiveAnswers(Options):
    """When a classifier of sound or video answers, and what an answer is about."""

    every: float | None = Field(
        default=None,
        description="seconds from one answer to the next; 0: after every step of the network;"
        " default: 0.1",
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
    segments: bool = Field(
        default=False,
        description="write the stretches of one label as they end, each with its begin and end, in"
        " place of running answers; --over is then the window that labels are found in",
    )
    shortest: float | None = Field(
        default=None,
        description="seconds that a segment lasts at least; default: half of --over",
        ge=0,
        le=3600,
    )

    def check(self) -> None:
        """Raise InputError for options that do not go together."""
        if self.segments and self.every is not None:
            raise InputError("--every: segments come as they end; leave out --every or --segments")
        if self.shortest is not None and not self.segments:
            raise InputError("--shortest: for segments; add --segments")


@final
class LiveSession(Session[Any, Row]):
    """A one-direction classifier that answers as it hears or sees.

    The last answer, after `flush`, is that of `predict` for all that came, unless `over` says
    otherwise: two rows of the network then read the same, each begins anew every `over` seconds,
    half of that after the other, and the one that has read more answers.

    With `segments` up to eight rows read the same in that way; see `elman.predictors.segments`.
    A label at each step, where the network gives one, needs no windows.

    Args:
        identified: whose session it is.
        model: the network.
        schema: its classes.
        source: what chunks are read by.
        options: when it answers.
        usual: seconds of a window of a segmentation, where the options do not say it.
    """

    kind: ClassVar[str] = "classifier"
    reads: ClassVar[Literal["lines", "bytes"]] = "bytes"

    def __init__(
        self,
        identified: Identified,
        model: Classifier,
        schema: Schema,
        source: LiveInput,
        options: LiveAnswers,
        usual: float = 2.0,
    ) -> None:
        super().__init__(identified)
        options.check()
        if options.segments and schema.kind == "many":
            raise InputError(
                "--segments: for one label at a time, but this classifier may give several; leave"
                " it out"
            )
        self._model, self._schema, self._options = model, schema, options
        self._input, self._usual, self.hint = source, usual, source.hint
        self._device = model.readout.weight.device
        every = 0.1 if options.every is None else options.every
        self._every = max(round(every / source.step_seconds), 1)
        self._rows, self._hop = self._windows()
        self._segmenter: Segmenter | None = None
        self._blocks: Blocks | None = None
        if options.segments:
            shortest = options.shortest
            if shortest is None:
                shortest = self._rows * self._hop * source.step_seconds / 2 if self._hop else 0.0
            least = max(round(shortest / source.step_seconds), 1)
            self._segmenter = Segmenter(len(schema.names), least)
            if self._hop:
                self._blocks = Blocks(self._rows, self._hop, len(schema.names))
        self.reset()

    def reset(self) -> None:
        self._input.reset()
        self._state = self._initial()
        self._steps = self._said = 0
        self._end_seconds = 0.0
        self._last: Tensor | None = None
        if self._segmenter is not None:
            self._segmenter.reset()
        if self._blocks is not None:
            self._blocks.reset()

    def _windows(self) -> tuple[int, int]:
        """R, and the steps after which the next of them begins anew; 0 where none ever does."""
        over, step = self._options.over, self._input.step_seconds
        if not self._options.segments:
            return (1, 0) if over is None else (2, max(round(over / step / 2), 1))
        if self._schema.kind == "step":
            if over is not None:
                raise InputError(
                    "--over: this classifier labels each step, so segments need no window; leave it"
                    " out"
                )
            return 1, 0
        length = max(round((over or self._usual) / step), 1)
        hop = -(-length // _WINDOWS)
        return max(round(length / hop), 1), hop

    def _initial(self) -> State:
        with evaluating(self._model), torch.inference_mode():
            return self._model.initial_state(self._rows)

    def _read(self, chunk: Any) -> Iterator[Row]:
        for steps in self._input.read(chunk):
            yield from self._taken(steps)

    def _end(self) -> Iterator[Row]:
        fault = None
        try:
            for steps in self._input.end():
                yield from self._taken(steps)
        except InputError as error:
            fault = error  # what came before it is answered first
        if self._segmenter is not None:
            yield from self._last_segments(self._segmenter)
        elif self._said < self._steps:
            yield self._answer()
        if fault is not None:
            raise fault
        self.reset()

    def _taken(self, steps: Steps) -> Iterator[Row]:
        for begin in range(0, len(steps.items), _AT_ONCE):
            some = slice(begin, begin + _AT_ONCE)
            embedded = self._embedded(steps.items[some])
            for x_t, end in zip(embedded, steps.ends[some], strict=True):
                yield from self._settled()
                self._advance(x_t, end)
                if self._segmenter is None:
                    if self._steps % self._every == 0:
                        yield self._answer()
                elif self._blocks is None:
                    yield from self._said_of(self._segmenter.push(self._probabilities()[0], 1))

    def _embedded(self, items: Tensor) -> Tensor:
        """(S, 1, E): each item once, however many rows read it."""
        with evaluating(self._model), torch.inference_mode():
            return self._model.embed(items.to(self._device)[:, None])

    def _settled(self) -> Iterator[Row]:
        """Begin a row anew where its time has come; the segments that this ends."""
        if not (self._hop and self._steps and self._steps % self._hop == 0):
            return
        block = self._steps // self._hop
        row = block % self._rows
        if self._blocks is not None and self._segmenter is not None:
            found = self._blocks.end_of(self._probabilities()[row], block)
            if found is not None:
                yield from self._said_of(self._segmenter.push(found, self._hop))
        mask = torch.zeros(self._rows, dtype=torch.bool)
        mask[row] = True
        self._state = self._state.reset(mask, to=self._initial())

    def _advance(self, x_t: Tensor, end: float) -> None:
        with evaluating(self._model), torch.inference_mode():
            x = x_t.expand(self._rows, *x_t.shape[1:])
            self._last, self._state = self._model.step_embedded(x, self._state)
        self._steps, self._end_seconds = self._steps + 1, end

    def _probabilities(self) -> np.ndarray:
        """(R, K) after the last step."""
        assert self._last is not None
        many = self._schema.kind == "many"
        found: np.ndarray = softened(self._last, self._model.temperature, many=many).cpu().numpy()
        return found

    def _answer(self) -> Row:
        """What is heard or seen after the last step, by the row that has read more."""
        self._said, begin, older = self._steps, 0, 0
        if self._hop:
            block = (self._steps - 1) // self._hop
            older, begin = (block + 1) % self._rows, max(block - 1, 0) * self._hop
        place = {"begin": self._seconds(begin), "end": round(self._end_seconds, 3)}
        return {**place, **answered(self._schema, self._probabilities()[older])}

    def _last_segments(self, segmenter: Segmenter) -> Iterator[Row]:
        if self._blocks is not None and self._steps:
            for found, steps in self._blocks.rest(self._probabilities(), self._steps):
                yield from self._said_of(segmenter.push(found, steps))
        yield from self._said_of(segmenter.flush())

    def _said_of(self, segments: Iterator[Segment]) -> Iterator[Row]:
        for each in segments:
            ends = each.end == self._steps
            yield {
                "begin": self._seconds(each.begin),
                "end": round(self._end_seconds, 3) if ends else self._seconds(each.end),
                "label": self._schema.names[each.label],
                "probability": each.probability,
            }

    def _seconds(self, steps: int) -> float:
        return round(steps * self._input.step_seconds, 3)

    def _another(self) -> Self:
        source = self._input.another()
        return type(self)(
            self._identified, self._model, self._schema, source, self._options, self._usual
        )

    def _snapshot(self) -> Snapshot:
        held, place = self._input.state
        tensors = {f"input/{name}": each for name, each in held.items()}
        if self._last is not None:
            tensors["last"] = self._last.clone()
        values = {
            "input": place,
            "steps": self._steps,
            "said": self._said,
            "end": self._end_seconds,
            "windows": [self._rows, self._hop],
        }
        if self._segmenter is not None:
            sums, values["segments"] = self._segmenter.state
            tensors |= {f"segments/{name}": each for name, each in sums.items()}
        if self._blocks is not None:
            tensors |= self._blocks.state
        states = {"model": self._state.clone()}
        return Snapshot(self.kind, self._identified.fingerprint, states, tensors, values)

    def _restore(self, snapshot: Snapshot) -> None:
        tensors, values = snapshot.tensors, snapshot.values
        steps, said, end = int(values["steps"]), int(values["said"]), float(values["end"])
        last = tensors.get("last")
        if values["windows"] != [self._rows, self._hop] or (
            ("segments" in values) != (self._segmenter is not None)
        ):
            raise InputError(
                "the snapshot is of a session with other --over or --segments; give the same as"
                " when it was saved"
            )
        if not 0 <= said <= steps or (last is None) != (steps == 0) or not end >= 0:
            raise ValueError(f"{steps} steps, {said} of them answered: no place in a stream")
        shape = (self._rows, len(self._schema.names))
        if last is not None and (last.shape != shape or not last.isfinite().all()):
            raise ValueError(f"answers of shape {tuple(last.shape)}, expected finite {shape}")
        state = snapshot.states["model"].like(self._initial(), "the state of this session")
        self._input.state = (below("input/", tensors), values["input"])
        if self._segmenter is not None:
            self._segmenter.state = (below("segments/", tensors), values["segments"])
        if self._blocks is not None:
            self._blocks.state = tensors
        self._state, self._steps, self._said, self._end_seconds = state, steps, said, end
        self._last = None if last is None else last.to(self._device, copy=True)


def below(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, without it."""
    return {key.removeprefix(name): each for key, each in tensors.items() if key.startswith(name)}
