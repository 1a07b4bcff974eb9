"""What is kept of all that a network has said: one vector for a whole sequence.

Each pooling looks at real steps only, and each can also be had step by step in constant memory,
so that a sequence can be classified while it arrives.

Legend: T time, B batch, F features of a step, P width of the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, cast, final

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.state import State

PoolingKind = Literal["last", "max", "mean", "attention", "concat"]


class Pooling(nn.Module, ABC):
    """Features (T, B, F) to one vector (B, P) a row; `bidirectional` layers have made them.

    Attributes:
        width: P.
    """

    def __init__(self, features: int, bidirectional: bool = False) -> None:
        super().__init__()
        self.width = features
        self.bidirectional = bidirectional

    @abstractmethod
    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        """The vectors (B, P) of features `y` (T, B, F) over the first `lengths` (B,) steps.

        A row of length 0 gives zeros.
        """

    @abstractmethod
    def begin(self, like: Tensor) -> State:
        """What is known before the first step, for as many rows as `like` (B, F) has."""

    @abstractmethod
    def take_in(self, y_t: Tensor, state: State) -> State:
        """What is known after one more step, whose features are `y_t` (B, F)."""

    @abstractmethod
    def result(self, state: State) -> Tensor:
        """The vectors (B, P) of all that was taken in, as `forward` gives them for the whole."""


@final
class LastPooling(Pooling):
    """The features at the end: of the last real step, for a backward direction of the first."""

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        ends = (lengths - 1).clamp(min=0)
        last = y[ends, torch.arange(y.shape[1], device=y.device)]
        if not self.bidirectional:
            return last
        half = self.width // 2
        return torch.cat([last[:, :half], y[0, :, half:]], -1)

    def begin(self, like: Tensor) -> State:
        return State(last=like.new_zeros(len(like), self.width))

    def take_in(self, y_t: Tensor, state: State) -> State:
        return State(last=y_t)

    def result(self, state: State) -> Tensor:
        return state["last"]


@final
class MaxPooling(Pooling):
    """The largest value of each feature over time."""

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        lowest = torch.finfo(y.dtype).min
        most = y.masked_fill(~real_steps(y, lengths), lowest).amax(0)
        return torch.where(lengths[:, None] > 0, most, 0.0)

    def begin(self, like: Tensor) -> State:
        return State(max=like.new_full((len(like), self.width), -torch.inf))

    def take_in(self, y_t: Tensor, state: State) -> State:
        return State(max=torch.maximum(state["max"], y_t))

    def result(self, state: State) -> Tensor:
        return torch.where(state["max"].isneginf(), 0.0, state["max"])


@final
class MeanPooling(Pooling):
    """The mean of each feature over time."""

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        total = y.masked_fill(~real_steps(y, lengths), 0).sum(0)
        return total / lengths[:, None].clamp(min=1)

    def begin(self, like: Tensor) -> State:
        return State(sum=like.new_zeros(len(like), self.width), steps=like.new_zeros(len(like), 1))

    def take_in(self, y_t: Tensor, state: State) -> State:
        return State(sum=state["sum"] + y_t, steps=state["steps"] + 1)

    def result(self, state: State) -> Tensor:
        return state["sum"] / state["steps"].clamp(min=1)


@final
class AttentionPooling(Pooling):
    """The mean of the features, each step weighted by how much it matters.

        a_t = softmax over t of v · tanh(W y_t + b)        result = sum over t of a_t y_t

    Step by step the largest score so far is kept beside the sums, which are scaled again when a
    larger one comes; so no step has to be kept.

    Source: Yang et al. 2016, Hierarchical Attention Networks, equations 5 to 7.
    """

    def __init__(self, features: int, bidirectional: bool = False) -> None:
        super().__init__(features, bidirectional)
        self.project = nn.Linear(features, features)
        self.score = nn.Linear(features, 1, bias=False)

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        alive = real_steps(y, lengths)
        scores = self._scores(y).masked_fill(~alive, torch.finfo(y.dtype).min)
        weights = scores.softmax(0).masked_fill(~alive, 0)
        return (weights * y).sum(0)

    def begin(self, like: Tensor) -> State:
        rows = len(like)
        return State(
            top=like.new_full((rows, 1), -torch.inf),
            weights=like.new_zeros(rows, 1),
            sum=like.new_zeros(rows, self.width),
        )

    def take_in(self, y_t: Tensor, state: State) -> State:
        score = self._scores(y_t)
        top = torch.maximum(state["top"], score)
        before, now = (state["top"] - top).exp(), (score - top).exp()
        return State(
            top=top,
            weights=before * state["weights"] + now,
            sum=before * state["sum"] + now * y_t,
        )

    def result(self, state: State) -> Tensor:
        weights = state["weights"]
        return state["sum"] / torch.where(weights > 0, weights, 1.0)

    def _scores(self, y: Tensor) -> Tensor:
        return cast("Tensor", self.score(torch.tanh(self.project(y))))


@final
class ConcatPooling(Pooling):
    """Last, max and mean side by side.

    Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.3.
    """

    def __init__(self, features: int, bidirectional: bool = False) -> None:
        super().__init__(3 * features)
        self.parts = nn.ModuleList(
            kind(features, bidirectional) for kind in (LastPooling, MaxPooling, MeanPooling)
        )

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        return torch.cat([part(y, lengths) for part in self._parts], -1)

    def begin(self, like: Tensor) -> State:
        return State.join({f"{n}": part.begin(like) for n, part in enumerate(self._parts)})

    def take_in(self, y_t: Tensor, state: State) -> State:
        parts = enumerate(self._parts)
        return State.join({f"{n}": part.take_in(y_t, state.part(f"{n}")) for n, part in parts})

    def result(self, state: State) -> Tensor:
        parts = enumerate(self._parts)
        return torch.cat([part.result(state.part(f"{n}")) for n, part in parts], -1)

    @property
    def _parts(self) -> list[Pooling]:
        return cast("list[Pooling]", list(self.parts))


_POOLINGS: dict[PoolingKind, type[Pooling]] = {
    "last": LastPooling,
    "max": MaxPooling,
    "mean": MeanPooling,
    "attention": AttentionPooling,
    "concat": ConcatPooling,
}


def make_pooling(kind: PoolingKind, features: int, *, bidirectional: bool = False) -> Pooling:
    """The pooling of that name over steps of width `features`; InputError for no such name."""
    if kind not in _POOLINGS:
        raise InputError(f"pooling must be one of {', '.join(_POOLINGS)}, got {kind!r}")
    return _POOLINGS[kind](features, bidirectional)


def real_steps(y: Tensor, lengths: Tensor) -> Tensor:
    """(T, B, 1) booleans: which steps of `y` (T, B, …) are no padding."""
    return (torch.arange(len(y), device=y.device)[:, None] < lengths)[..., None]
