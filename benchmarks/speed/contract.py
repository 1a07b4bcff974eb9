"""What a peer gets and what it gives. NumPy is all that this may need: a peer has no elman.

Legend: T time, B batch, I input, H hidden, G gates, L layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.speed.cells import Cell, Dtype

Array: TypeAlias = NDArray[Any]


class Cannot(Exception):
    """A peer cannot do a cell; the message is the reason, as it stands under the table."""


@dataclass(frozen=True)
class Problem:
    """One cell to be computed.

    Attributes:
        cell: what to do.
        dtype: the precision of weights and activations.
        threads: how many threads may be used.
        arrays: float32. ``x`` (T, B, I); for training ``dy`` (T, B, H), the gradient of the
            outputs; for a step the memory ``h`` (and ``c``), (1, B, H); and the weights under
            torch.nn's names, shapes and gate order.
    """

    cell: Cell
    dtype: Dtype
    threads: int
    arrays: Mapping[str, Array]

    def weights(self, layer: int = 0) -> tuple[Array, Array, Array, Array]:
        """U (G * H, I), V (G * H, H) and the two biases (G * H,) of a layer."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ih, hh, bias_ih, bias_hh = (self.arrays[f"{name}_l{layer}"] for name in names)
        return ih, hh, bias_ih, bias_hh

    @property
    def states(self) -> tuple[Array, ...]:
        """The memory that a step begins with, (B, H) each."""
        return tuple(self.arrays[name][0] for name in self.cell.state_names)

    def only(self, *, full: bool = True, layers: int = 1, dtypes: tuple[Dtype, ...]) -> None:
        """Refuse what a peer's code here does not do.

        Raises:
            Cannot: the cell is ragged and `full` is set, has too many layers or another dtype.
        """
        if self.dtype not in dtypes:
            raise Cannot(f"not measured in {self.dtype}")
        if full and self.cell.ragged:
            raise Cannot("not measured on ragged batches")
        if self.cell.layers > layers:
            raise Cannot(f"not measured with more than {layers} layer")


@dataclass(frozen=True)
class Contestant:
    """A cell made ready to be computed again and again.

    Attributes:
        call: compute it once, to the end.
        results: compute it once and give what came of it in torch.nn's names and shapes: ``y``
            (T, B, H); after training the gradients of ``x`` and of the weights under their names;
            after a step the memory ``h`` (and ``c``), (1, B, H).
        around: a context to make the calls in.
        note: which of several ways was taken.
    """

    call: Callable[[], object]
    results: Callable[[], Mapping[str, Array]]
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    note: str = ""


def float32(array: Any) -> Array:
    """Whatever a framework gave, as NumPy's float32."""
    return np.asarray(array, np.float32)
