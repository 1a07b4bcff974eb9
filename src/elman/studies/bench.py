"""Our layers and torch.nn's timed side by side on the same weights.

Legend: T time, B batch, H hidden (and input).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from elman.errors import RunFailed
from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from elman.layers.rnn import RNN
from elman.layers.stack import RecurrentStack, explain
from elman.studies.timing import interleaved

LAYERS: dict[str, tuple[Callable[[int, int], RecurrentStack], Callable[[int, int], nn.Module]]] = {
    "RNN": (RNN, nn.RNN),
    "GRU": (GRU, nn.GRU),
    "LSTM": (LSTM, nn.LSTM),
}


@dataclass(frozen=True)
class Shape:
    """The sizes of one comparison."""

    steps: int
    batch: int
    hidden: int


SHAPES = (Shape(100, 1, 128), Shape(64, 32, 256))


@dataclass(frozen=True)
class Timing:
    """What both took for the same work, in milliseconds."""

    what: str
    ours: float
    theirs: float
    choice: str

    @property
    def verdict(self) -> str:
        """How the two compare, in words; within 3 % they are the same."""
        ratio = self.theirs / self.ours
        if 1 / SAME <= ratio <= SAME:
            return "the same"
        return f"{ratio:.1f}x faster" if ratio > 1 else f"{1 / ratio:.1f}x slower"


SAME = 1.03


def compare(kind: str, shape: Shape, repeats: int, threads: int = 0) -> list[Timing]:
    """Forward, training (forward and backward) and, for one stream, a single step."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        return _compare(kind, shape, repeats)
    finally:
        torch.set_num_threads(before)


def _compare(kind: str, shape: Shape, repeats: int) -> list[Timing]:
    our_class, torch_class = LAYERS[kind]
    ours = our_class(shape.hidden, shape.hidden)
    theirs = torch_class(shape.hidden, shape.hidden)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(shape.steps, shape.batch, shape.hidden)
    if not torch.allclose(ours(x)[0], theirs(x)[0], rtol=1e-4, atol=1e-5):
        raise RunFailed(f"elman.{kind} and torch.nn.{kind} differ at {shape}; no speed is reported")
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "forward": (_inferred(lambda: ours(x)), _inferred(lambda: theirs(x))),
        "train": (_train(ours, x), _train(theirs, x)),
    }
    if shape.batch == 1:
        state = ours.initial_state(1)
        our_step = _inferred(lambda: ours.step(x[0], state))
        pairs["step"] = (our_step, _inferred(lambda: theirs(x[:1])))
    choice = str(explain(ours, x))
    timings = []
    for what, (our_call, their_call) in pairs.items():
        times = interleaved({"ours": our_call, "theirs": their_call}, repeats)
        middle = {name: 1000 * median(found) for name, found in times.items()}
        timings.append(Timing(what, middle["ours"], middle["theirs"], choice))
    return timings


def _inferred(call: Callable[[], Any]) -> Callable[[], object]:
    def run() -> object:
        with torch.inference_mode():
            return call()

    return run


def _train(layer: nn.Module, x: Tensor) -> Callable[[], object]:
    def run() -> None:
        layer.zero_grad(set_to_none=True)
        y, _ = layer(x)
        torch.autograd.backward(y.sum())

    return run
