"""What defines one recurrence: the kind of cell, its weights, and the regularization of its state.

Legend: T time, B batch, I input, G gates, H hidden, R output of a step (H, or the projection),
L layers, D directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

States: TypeAlias = tuple[Tensor, ...]
"""The tensors of a cell's state, each (B, R) or (B, H), the output h first."""


class Weights(NamedTuple):
    """The parameters of one layer in one direction, named as torch.nn names them.

    A tuple: one is made at every call, and a frozen dataclass takes four times as long.
    """

    ih: Tensor  # (G * H, I): U
    hh: Tensor  # (G * H, R): V
    bias_ih: Tensor | None  # (G * H,)
    bias_hh: Tensor | None  # (G * H,); b_h = bias_ih + bias_hh
    hr: Tensor | None = None  # (R, H): the projection of an LSTM with proj_size
    norm_ih: Tensor | None = None  # (G * H,): gain of the layer norm on U x
    norm_hh: Tensor | None = None  # (G * H,): gain of the layer norm on V h
    norm_c: Tensor | None = None  # (H,): gain and
    norm_c_bias: Tensor | None = None  # (H,): shift of the layer norm on an LSTM's c

    def input_part(self, x: Tensor) -> Tensor:
        """U x + bias_ih, (…, I) -> (…, G * H), U x normalized where there is a gain."""
        return _affine(x, self.ih, self.bias_ih, self.norm_ih)

    def recurrent_part(self, h: Tensor) -> Tensor:
        """V h + bias_hh, (B, R) -> (B, G * H), V h normalized where there is a gain."""
        return _affine(h, self.hh, self.bias_hh, self.norm_hh)

    def flat(self) -> list[Tensor]:
        """The tensors in the order of torch's own recurrent functions."""
        wanted = (self.ih, self.hh, self.bias_ih, self.bias_hh, self.hr)
        return [weight for weight in wanted if weight is not None]


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None, gain: Tensor | None) -> Tensor:
    if gain is None:
        return functional.linear(x, weight, bias)
    normalized = functional.layer_norm(functional.linear(x, weight), gain.shape, gain)
    return normalized if bias is None else normalized + bias


@dataclass(frozen=True)
class Regularization:
    """Recurrent dropout and zoneout of one layer in one direction.

    In training, `zoneout` holds masks (T, B, size of the state) that are 1 where the old value is
    kept; in evaluation, the probabilities.
    """

    recurrent: Tensor | None = None  # (B, R): multiplies h before V at every step
    zoneout: tuple[Tensor | float, ...] | None = None

    def packed(self, order: Tensor, pack: Callable[[Tensor], Tensor]) -> Regularization:
        """The masks of rows in `order`, those over time packed by `pack`."""
        recurrent = None if self.recurrent is None else self.recurrent.index_select(0, order)
        if self.zoneout is None:
            return Regularization(recurrent)
        zones = [pack(zone) if isinstance(zone, Tensor) else zone for zone in self.zoneout]
        return Regularization(recurrent, tuple(zones))

    def over(self, rows: slice) -> Regularization:
        """The masks of some steps: `rows` of masks (N, …), which may be given as (T, B, …)."""
        if self.zoneout is None:
            return self
        cut = [
            zone.flatten(0, -2)[rows] if isinstance(zone, Tensor) else zone for zone in self.zoneout
        ]
        return Regularization(self.recurrent, tuple(cut))

    def mix(self, new: States, old: States, t: int) -> States:
        """`new`, with the units that are zoned out at step `t` kept at `old`."""
        if self.zoneout is None:
            return new
        mixed = []
        for after, before, rate in zip(new, old, self.zoneout, strict=True):
            if isinstance(rate, Tensor):
                mixed.append(torch.where(rate[t], before, after))
            else:
                mixed.append(torch.lerp(after, before, rate) if rate else after)
        return tuple(mixed)


NONE = Regularization()


@dataclass(frozen=True, eq=False)
class CellKind:
    """A built-in cell, as every backend uses it."""

    name: str
    gates: int
    state_names: tuple[str, ...]
    step: Callable[[Tensor, States, Weights, Tensor | None], States]
    """(U x_t + bias_ih (B, G * H), states, weights, mask of h or None) -> new states"""
    aten_layers: Callable[..., Sequence[Tensor]]
    aten_cell: Callable[..., Any]
    aten_single_state: bool = True  # torch takes h, not a tuple
    gate_names: tuple[str, ...] = ()  # in the order of the weights; empty without gates
    gate_values: Callable[[Tensor, Tensor, Weights], States] | None = None
    """(U x + bias_ih (…, G * H), h before the step (…, R), weights) -> each gate's values"""


class Stack(NamedTuple):
    """What a layer passes to the kernels at every call; nothing is kept between calls."""

    kind: CellKind
    weights: Sequence[Weights]  # L * D of them, the directions of a layer side by side
    num_layers: int
    bidirectional: bool
    dropout: float  # between layers, while training
    training: bool
    recompute: bool = False  # save less for the backward pass and recompute there


def dropped(h: Tensor, mask: Tensor | None) -> Tensor:
    """The input of V: `h` under recurrent dropout."""
    return h if mask is None else h * mask
