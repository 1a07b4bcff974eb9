"""THE table of cells, shapes and dtypes that every suite over recurrent layers walks.

Legend: T time, B batch, I input, H hidden, L layers.
"""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

import elman
from elman.layers.stack import RecurrentStack

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
CELLS = ("rnn", "rnn-relu", "gru", "lstm", "lstm-proj")


@dataclass(frozen=True)
class Case:
    """One layer and one input."""

    cell: str = "lstm"
    dtype: torch.dtype = torch.float64
    steps: int = 7
    batch: int = 4
    input_size: int = 3
    hidden_size: int = 5
    layers: int = 1
    bidirectional: bool = False
    bias: bool = True
    lengths: str = "none"  # none | full | ragged | zeros
    begin: str = "zeros"  # zeros | given
    memory: str = "contiguous"  # contiguous | batch_first | strided

    def __str__(self) -> str:
        sizes = f"T{self.steps}-B{self.batch}-I{self.input_size}-H{self.hidden_size}"
        flags = [self.cell, str(self.dtype)[6:], sizes, f"L{self.layers}", self.lengths]
        flags += ["both"] * self.bidirectional + ["no-bias"] * (not self.bias)
        return "-".join([*flags, self.begin, self.memory])

    @property
    def tolerance(self) -> float:
        return TOLERANCE[self.dtype]

    def options(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {
            "input_size": self.input_size,
            "hidden_size": self.hidden_size,
            "num_layers": self.layers,
            "bias": self.bias,
            "bidirectional": self.bidirectional,
            "dtype": self.dtype,
            "batch_first": self.memory == "batch_first",
        }
        if self.cell.startswith("rnn"):
            chosen["nonlinearity"] = "relu" if self.cell == "rnn-relu" else "tanh"
        if self.cell == "lstm-proj":
            chosen["proj_size"] = max(1, self.hidden_size // 2)
        return chosen

    @property
    def name(self) -> str:
        return self.cell.split("-")[0].upper()

    def ours(self, **extras: Any) -> RecurrentStack:
        """Our layer, the same for the same case."""
        torch.manual_seed(1)
        layer = getattr(elman, self.name)(**self.options(), **extras)
        assert isinstance(layer, RecurrentStack)
        return layer

    def theirs(self) -> nn.RNNBase:
        """torch's, with the same numbers in it."""
        torch.manual_seed(1)
        layer = getattr(nn, self.name)(**self.options())
        assert isinstance(layer, nn.RNNBase)
        return layer

    def input(self) -> Tensor:
        """(T, B, I), or (B, T, I) where memory is "batch_first"; strided: every second number."""
        torch.manual_seed(2)
        stride = 2 if self.memory == "strided" else 1
        x = torch.randn(self.steps, self.batch, self.input_size * stride, dtype=self.dtype)
        x = x[..., ::stride]
        return x.transpose(0, 1) if self.memory == "batch_first" else x

    def row_lengths(self) -> list[int] | None:
        generator = random.Random(3)
        match self.lengths:
            case "none":
                return None
            case "full":
                return [self.steps] * self.batch
            case "ragged":
                return [generator.randint(1, self.steps) for _ in range(self.batch)]
            case _:
                return [generator.choice((0, 1, self.steps)) for _ in range(self.batch)]

    def hx(self, layer: RecurrentStack) -> Any:
        """A state to begin with in torch's form, or None."""
        if self.begin == "zeros":
            return None
        torch.manual_seed(4)
        state = layer.initial_state(self.batch)
        parts = tuple(torch.randn(t.shape, dtype=self.dtype) for t in state.values())
        return parts[0] if len(parts) == 1 else parts


AXES: dict[str, tuple[Any, ...]] = {
    "cell": CELLS,
    "dtype": (torch.float32, torch.float64),
    "steps": (1, 2, 7, 35),
    "batch": (1, 2, 5),
    "input_size": (1, 3, 17),
    "hidden_size": (2, 5, 16, 33),
    "layers": (1, 2),
    "bidirectional": (False, True),
    "bias": (True, False),
    "lengths": ("none", "full", "ragged", "zeros"),
    "begin": ("zeros", "given"),
    "memory": ("contiguous", "batch_first", "strided"),
}


def pairwise(axes: dict[str, tuple[Any, ...]], seed: int = 0) -> list[dict[str, Any]]:
    """Few rows in which every pair of values of every two axes stands together at least once."""
    generator = random.Random(seed)
    names = list(axes)
    missing = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(names, 2)
        for x in axes[a]
        for y in axes[b]
    }
    rows = []
    while missing:
        # Greedy: of some random rows that hold one missing pair, the one that holds the most.
        start = min(missing, key=repr)
        best: dict[str, Any] = {}
        gain = -1
        for _ in range(30):
            row = {name: generator.choice(axes[name]) for name in names} | dict(start)
            held = sum(pair in missing for pair in _pairs(row, names))
            if held > gain:
                best, gain = row, held
        missing.difference_update(_pairs(best, names))
        rows.append(best)
    return rows


def _pairs(row: dict[str, Any], names: list[str]) -> list[Any]:
    return [((a, row[a]), (b, row[b])) for a, b in itertools.combinations(names, 2)]


SAMPLE = [Case(**row) for row in pairwise(AXES)]
"""What `make test` walks."""

GRID = [
    Case(**dict(zip(AXES, row, strict=True)))
    for row in itertools.product(*AXES.values())
    if row[2] != 35 or row[5] <= 16  # the long sequences with the small layers only
]
"""What `make test-full` draws from."""

NATIVE = [replace(case, dtype=torch.float32) for case in SAMPLE]

KERNEL_AXES = AXES | {
    "dtype": (torch.float32,),
    # Around the kernels' own borders: lanes, panels, tiles, blocks of rows, few rows and few steps.
    "steps": (1, 2, 4, 5, 35),
    "batch": (1, 2, 5, 7, 8, 20, 64),
    "input_size": (1, 2, 17, 64, 100),
    "hidden_size": (2, 7, 8, 9, 31, 33, 64, 67, 128),
    "layers": (1,),
}

KERNELS = [Case(**row) for row in pairwise(KERNEL_AXES)]
"""What `make test` walks with the native backend besides: sizes that matter to it alone."""

NOISES: dict[str, dict[str, Any]] = {
    "quiet": {},
    "zoneout": {"zoneout": 0.3},
    "dropout": {"recurrent_dropout": 0.4, "weight_dropout": 0.2},
    "both": {"zoneout": 0.3, "recurrent_dropout": 0.4},
}

NORMED = [
    (Case(**{name: row[name] for name in AXES}), NOISES[row["noise"]], row["training"])
    for row in pairwise(
        KERNEL_AXES | {"layers": (1, 2), "noise": tuple(NOISES), "training": (True, False)}
    )
]
"""The same with layer normalization: a case, the layer's noise, and whether it trains."""

KERNELS_LARGE = [
    *(
        Case(cell, torch.float32, steps, batch, size, size, lengths=lengths)
        for cell in ("rnn", "gru", "lstm")
        for steps, batch, size in ((35, 20, 200), (2, 64, 256), (35, 5, 650), (12, 33, 650))
        for lengths in ("none", "ragged")
    ),
    *(Case(cell, torch.float32, 784, 3, 1, 16) for cell in ("rnn", "gru", "lstm")),
]
"""The same for `make test-full`: the sizes of real work."""

BY_BACKEND = [
    *((case, "torch") for case in SAMPLE),
    *((case, "reference") for case in SAMPLE),
    *((case, "native") for case in NATIVE),
    *((case, "native") for case in KERNELS),
]
"""What `make test` walks with each backend."""

PLAIN = [replace(Case(), cell=cell, dtype=dtype) for cell in CELLS for dtype in TOLERANCE]
"""One small case for each cell and dtype, where the rest of the table adds nothing."""
