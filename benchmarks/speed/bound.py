"""The least time that a cell can take on this machine: a limit of physics, not of skill.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.speed.cells import BYTES, GATES, Cell, Dtype

DEFINITION = """\
The bound is max(FLOPs / peak, recurrent-weight bytes per step × steps / read bandwidth of the
smallest cache that a thread's share of them fits in), both divided by the threads. FLOPs are those
of the products alone, 2 a weight, row and step; training counts 3 times the FLOPs and 2 times the
weight traffic. For a batch of 1 the time of the input product is added to that of the weight
traffic: its FLOPs, or the reading of its weights once where that takes longer. Pointwise
functions, activation traffic and the cost of a call are left out of it."""


@dataclass(frozen=True)
class Level:
    """A cache, or the memory: how much it holds, and how fast one core reads it."""

    name: str
    size: int  # bytes a core may call its own
    rate: float  # bytes/s


@dataclass(frozen=True)
class Machine:
    """What one core can do."""

    peak: Mapping[Dtype, float]  # FLOP/s
    levels: tuple[Level, ...]  # from the smallest; the last holds everything

    def rate(self, size: float) -> float:
        """How fast one core reads `size` bytes again and again, in bytes/s."""
        fitting = (level.rate for level in self.levels if size <= level.size)
        return next(fitting, self.levels[-1].rate)

    def __str__(self) -> str:
        reads = ", ".join(f"{level.name} {level.rate / 1e9:.0f}" for level in self.levels)
        return (
            f"{self.peak['fp32'] / 1e9:.0f} GFLOP/s a core in fp32, {self.peak['bf16'] / 1e9:.0f}"
            f" in bf16; reads of one core in GB/s: {reads}"
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Machine:
        return cls(dict(data["peak"]), tuple(Level(**level) for level in data["levels"]))


def bound(cell: Cell, threads: int, dtype: Dtype, machine: Machine) -> float:
    """The bound of `cell` in seconds, as `DEFINITION` has it."""
    passes, readings = (3, 2) if cell.mode == "train" else (1, 1)
    peak = machine.peak[dtype] * threads
    flops = traffic = beside = 0.0
    for layer in range(cell.layers):
        gates = GATES[cell.kind] * cell.hidden
        inputs = cell.hidden if layer else cell.inputs
        rows = sum(cell.lengths)
        flops += passes * 2 * rows * gates * (inputs + cell.hidden)
        recurrent, fed = (gates * size * BYTES[dtype] for size in (cell.hidden, inputs))
        if cell.batch == 1:
            read = readings * fed / _rate(fed + recurrent, threads, machine)
            beside += max(passes * 2 * rows * gates * inputs / peak, read)
        # In a single step nothing is read twice: what counts is where both matrices fit.
        kept = recurrent + fed if cell.steps == 1 else recurrent
        traffic += readings * cell.steps * recurrent / _rate(kept, threads, machine)
    return max(flops / peak, traffic + beside)


def _rate(size: float, threads: int, machine: Machine) -> float:
    return machine.rate(size / threads) * threads
