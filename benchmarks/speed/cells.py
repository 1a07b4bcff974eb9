"""What is measured: THE table of shapes, and what ours must reach in each.

Legend: T time, B batch, I input, H hidden, L layers.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

Kind: TypeAlias = Literal["RNN", "GRU", "LSTM"]
Mode: TypeAlias = Literal["train", "infer", "step"]
Dtype: TypeAlias = Literal["fp32", "bf16"]

KINDS: tuple[Kind, ...] = ("RNN", "GRU", "LSTM")
MODES: tuple[Mode, ...] = ("train", "infer", "step")
DTYPES: tuple[Dtype, ...] = ("fp32", "bf16")
GATES: Mapping[Kind, int] = {"RNN": 1, "GRU": 3, "LSTM": 4}
BYTES: Mapping[Dtype, int] = {"fp32": 4, "bf16": 2}


@dataclass(frozen=True)
class Cell:
    """One kind of layer at one shape, doing one thing.

    Attributes:
        kind: the layer; an RNN's nonlinearity is tanh.
        mode: "train" is forward and backward with every gradient, "infer" forward over T steps,
            "step" one step of a stream, memory in and memory out.
        steps: T.
        batch: B.
        inputs: I.
        hidden: H.
        layers: L.
        ragged: each row has a length of its own.
    """

    kind: Kind
    mode: Mode
    steps: int
    batch: int
    inputs: int
    hidden: int
    layers: int = 1
    ragged: bool = False

    @property
    def shape(self) -> str:
        """The sizes, such as ``T35 B20 I650 H650 L2``."""
        text = f"T{self.steps} B{self.batch} I{self.inputs} H{self.hidden}"
        return text + (f" L{self.layers}" if self.layers > 1 else "")

    @property
    def name(self) -> str:
        """Kind, mode and sizes in one line."""
        return f"{self.kind} {self.mode} {self.shape}" + (" ragged" if self.ragged else "")

    @property
    def lengths(self) -> tuple[int, ...]:
        """How many steps of each row are real: all of them, or uniform in 1..T, the same always."""
        if not self.ragged:
            return (self.steps,) * self.batch
        draw = np.random.default_rng(zlib.crc32(self.shape.encode()))
        return tuple(int(n) for n in draw.integers(1, self.steps, size=self.batch, endpoint=True))

    @property
    def state_names(self) -> tuple[str, ...]:
        """The tensors that the layer remembers."""
        return ("h", "c") if self.kind == "LSTM" else ("h",)


@dataclass(frozen=True)
class Row:
    """A shape for all kinds, or some.

    Attributes:
        targets: what ours may take at most, as a multiple of the bound, with `threads` threads.
        kinds: those that are measured.
    """

    mode: Mode
    steps: int
    batch: int
    inputs: int
    hidden: int
    layers: int = 1
    targets: Mapping[Kind, float] = field(default_factory=dict)
    threads: int = 2
    kinds: tuple[Kind, ...] = KINDS
    ragged: bool = False

    def cell(self, kind: Kind) -> Cell:
        """The row's shape for one kind."""
        sizes = (self.steps, self.batch, self.inputs, self.hidden, self.layers)
        return Cell(kind, self.mode, *sizes, ragged=self.ragged)


def _of(rnn: float, gru: float, lstm: float) -> Mapping[Kind, float]:
    return {"RNN": rnn, "GRU": gru, "LSTM": lstm}


ROWS = (
    Row("train", 35, 20, 200, 200, targets=_of(1.6, 1.5, 1.3)),
    Row("train", 100, 32, 256, 256, targets=_of(1.4, 1.4, 1.3)),
    Row("train", 100, 64, 512, 512, targets=_of(1.3, 1.3, 1.25)),
    Row("train", 784, 64, 1, 128, targets=_of(2.0, 1.8, 1.8)),
    Row("train", 50, 8, 64, 64, targets=_of(3.0, 2.2, 2.0)),
    Row("train", 35, 20, 650, 650, layers=2, targets={"LSTM": 1.2}, kinds=("LSTM",)),
    Row("infer", 100, 1, 128, 128, targets=_of(1.25, 1.2, 1.1), threads=1),
    Row("infer", 100, 1, 512, 512, targets=_of(1.5, 1.2, 1.1)),
    Row("infer", 100, 32, 256, 256, targets=_of(1.15, 1.15, 1.15)),
    Row("infer", 200, 64, 512, 512, targets=_of(1.1, 1.1, 1.1)),
    Row("step", 1, 1, 64, 64),
    Row("step", 1, 1, 128, 128),
    Row("step", 1, 1, 256, 256),
    Row("step", 1, 1, 512, 512),
    Row("step", 1, 64, 256, 256),
    Row("train", 100, 64, 256, 256, ragged=True),
    Row("infer", 100, 64, 256, 256, ragged=True),
)
CELLS = tuple(row.cell(kind) for row in ROWS for kind in row.kinds)
TARGETS = {
    (row.cell(kind), row.threads): limit for row in ROWS for kind, limit in row.targets.items()
}
"""(cell, threads) -> the multiple of the bound that ours may take at most."""

NOT_SLOWER = 1.03
"""Ours over the best peer, the median of paired ratios, at most."""
RAGGED = 0.65
"""A ragged batch over the full one, at most."""
BF16 = 0.9
"""bf16 over fp32, at most, from `BF16_HIDDEN` units on."""
BF16_HIDDEN = 200


def chosen(modes: tuple[Mode, ...], parts: tuple[str, ...]) -> list[Cell]:
    """The cells of `modes` whose name contains one of `parts`, in any case; no parts: all."""
    return [
        cell
        for cell in CELLS
        if cell.mode in modes
        and (not parts or any(part.lower() in cell.name.lower() for part in parts))
    ]
