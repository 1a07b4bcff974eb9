"""A recurrent layer with a read-out, as small as a network that has to remember can be.

Legend: T time, B batch, I input, H hidden, K outputs, N scored answers.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.layers.recurrent import Cell
from elman.layers.state import Active, State, only_active


class MemoryNetwork(nn.Module):
    """y_t = W h_t + b, where h_t is the output of any recurrent layer.

    Args:
        layer: reads (T, B, I) from a `State`, as `elman.LSTM` or `elman.Recurrent` does.
        hidden_size: H, the width of its output.
        output_size: K classes, or 1 for a number.
    """

    def __init__(self, layer: nn.Module, hidden_size: int, output_size: int) -> None:
        super().__init__()
        self.layer = layer
        self.readout = nn.Linear(hidden_size, output_size)

    def initial_state(self, batch_size: int) -> State:
        """The state every sequence begins with."""
        return cast(Cell, self.layer).initial_state(batch_size)

    def forward(
        self, inputs: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read `inputs` (T, B, I) on from `state`: the outputs (T, B, K) and the state after."""
        begin = self.initial_state(inputs.shape[1]) if state is None else state
        hidden, after = self.layer(inputs, begin, lengths=lengths)
        return self.readout(hidden), after

    def step(
        self, x_t: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One step: x_t (B, I) -> the outputs (B, K) and the new state.

        Rows where the mask `active` (B,) is false keep their state and get zero outputs.
        """
        if active is not None:
            return only_active(self.step, x_t, state, active)
        h_t, state = cast(Cell, self.layer).step(x_t, state)
        return self.readout(h_t), state


def answer_loss(answers: Tensor, targets: Tensor) -> Tensor:
    """Mean nats per answer (N, K) for classes (N), or the mean squared error for numbers."""
    if targets.is_floating_point():
        return functional.mse_loss(answers.squeeze(-1), targets)
    return functional.cross_entropy(answers, targets)


def answer_score(answers: Tensor, targets: Tensor) -> Tensor:
    """The part of the answers (N, K) that is right, or the mean squared error for numbers."""
    if targets.is_floating_point():
        return functional.mse_loss(answers.squeeze(-1), targets)
    return (answers.argmax(-1) == targets).to(torch.float32).mean()
